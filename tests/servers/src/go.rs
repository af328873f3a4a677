//! Servers that are built from Go modules.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Node, ServerError, artifacts, free_port,
    node::{Ready, Recipe},
    process,
    scratch::Scratch,
};

const REGISTRY_VERSION: &str = "0.2.1";
const REGISTRY_PACKAGE: &str = "github.com/axonops/axonops-schema-registry/cmd/schema-registry";
const JAEGER_VERSION: &str = "1.76.0";
const JAEGER_MODULE: &str = "github.com/jaegertracing/jaeger";

/// A schema registry that is close to Confluent's own. It forgets everything when it stops.
#[derive(Debug)]
pub struct GoRegistry {
    node: Node,
    url: String,
    _scratch: Scratch,
}

impl GoRegistry {
    /// Start it at a free port, with the level BACKWARD. The first start builds it, which needs Go and takes a minute.
    pub fn start() -> Result<Self, ServerError> {
        let home = artifacts::folder("go-registry", REGISTRY_VERSION, build_registry)?;
        let scratch = Scratch::new("go-registry")?;
        let port = free_port();
        let settings = format!(
            "server: {{host: 127.0.0.1, port: {port}, docs_enabled: false}}
storage: {{type: memory}}
compatibility: {{default_level: BACKWARD}}
logging: {{level: warn, format: json}}
"
        );
        let settings = scratch.write("registry.yaml", &settings)?;
        let url = format!("http://127.0.0.1:{port}");
        let node = Node::new(Recipe {
            name: "go-registry".to_owned(),
            program: home.join("server").to_string_lossy().into_owned(),
            args: vec!["-config".to_owned(), settings.to_string_lossy().into_owned()],
            envs: Vec::new(),
            log: scratch.path().join("log"),
            ready: vec![Ready::Http(format!("{url}/subjects"))],
        });
        node.start()?;
        Ok(Self { node, url, _scratch: scratch })
    }

    /// The same, or nothing where it cannot be built because Go is missing; the test's output says so.
    pub fn start_if_go() -> Result<Option<Self>, ServerError> {
        unless_go_is_missing(Self::start())
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Its process.
    pub fn node(&self) -> &Node {
        &self.node
    }
}

/// Jaeger, which receives traces and answers questions about them. It forgets everything when it stops.
#[derive(Debug)]
pub struct Jaeger {
    node: Node,
    otlp: u16,
    query: u16,
    _scratch: Scratch,
}

impl Jaeger {
    /// Start it at free ports. The first start builds it, which needs Go and takes several minutes.
    pub fn start() -> Result<Self, ServerError> {
        Self::start_at(free_port(), free_port())
    }

    /// The same, or nothing where it cannot be built because Go is missing; the test's output says so.
    pub fn start_if_go() -> Result<Option<Self>, ServerError> {
        unless_go_is_missing(Self::start())
    }

    /// Start it with its OTLP receiver and its query service at these ports.
    pub fn start_at(otlp: u16, query: u16) -> Result<Self, ServerError> {
        let home = artifacts::folder("jaeger", JAEGER_VERSION, build_jaeger)?;
        let scratch = Scratch::new("jaeger")?;
        let settings = include_str!("../artifacts/go-jaeger/jaeger.yaml")
            .replace("@OTLP@", &otlp.to_string())
            .replace("@QUERY@", &query.to_string())
            .replace("@QUERY_GRPC@", &free_port().to_string());
        let settings = scratch.write("jaeger.yaml", &settings)?;
        let node = Node::new(Recipe {
            name: "jaeger".to_owned(),
            program: home.join("server").to_string_lossy().into_owned(),
            args: vec!["--config".to_owned(), settings.to_string_lossy().into_owned()],
            // It would trace itself, and send that to whatever listens at the usual port.
            envs: vec![("OTEL_TRACES_SAMPLER".to_owned(), "always_off".to_owned())],
            log: scratch.path().join("log"),
            // It answers questions before it receives traces.
            ready: vec![Ready::Port(otlp), Ready::Http(format!("http://127.0.0.1:{query}/api/services"))],
        });
        node.start()?;
        Ok(Self { node, otlp, query, _scratch: scratch })
    }

    /// Where to send traces: the base address of OTLP over HTTP, without `/v1/traces`.
    pub fn otlp_http(&self) -> String {
        format!("http://127.0.0.1:{}", self.otlp)
    }

    /// Where to ask: `/api/services`, `/api/traces?service=…` and `/api/traces/{id}`.
    pub fn query_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.query)
    }

    /// Its process.
    pub fn node(&self) -> &Node {
        &self.node
    }
}

#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
fn unless_go_is_missing<T>(started: Result<T, ServerError>) -> Result<Option<T>, ServerError> {
    match started {
        Err(error @ ServerError::NoGo) => {
            eprintln!("skipped: {error}");
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// Run `go`.
fn go(args: &[&str], folder: &Path) -> Result<String, ServerError> {
    process::run(Command::new("go").args(args).current_dir(folder)).map_err(|error| match error {
        ServerError::Start { source, .. } if source.kind() == io::ErrorKind::NotFound => ServerError::NoGo,
        other => other,
    })
}

fn build_registry(folder: &Path) -> Result<(), ServerError> {
    let module = folder.join("build");
    fs::create_dir(&module).map_err(ServerError::file(&module))?;
    for (name, text) in [
        ("go.mod", include_str!("../artifacts/go-registry/go.mod")),
        ("go.sum", include_str!("../artifacts/go-registry/go.sum")),
    ] {
        let path = module.join(name);
        fs::write(&path, text).map_err(ServerError::file(&path))?;
    }
    build(&module, REGISTRY_PACKAGE)
}

/// Jaeger cannot be a dependency, because it replaces some of its own: it is built in a copy of its module.
fn build_jaeger(folder: &Path) -> Result<(), ServerError> {
    let module = format!("{JAEGER_MODULE}@v{JAEGER_VERSION}");
    let answer = go(&["mod", "download", "-json", &module], folder)?;
    let answer: serde_json::Value = serde_json::from_str(&answer)
        .map_err(|error| ServerError::Options(format!("go mod download answered with no JSON: {error}")))?;
    let source = PathBuf::from(answer["Dir"].as_str().unwrap_or_default());
    let copy = folder.join("build");
    process::run(Command::new("cp").arg("-r").arg(source).arg(&copy))?;
    process::run(Command::new("chmod").args(["-R", "u+w"]).arg(&copy))?;
    build(&copy, "./cmd/jaeger")
}

/// Build a package of the module in the folder `build` beside what comes out of it.
fn build(module: &Path, package: &str) -> Result<(), ServerError> {
    go(&["build", "-o", "../server", "-ldflags", "-s -w", package], module)?;
    fs::remove_dir_all(module).map_err(ServerError::file(module))
}
