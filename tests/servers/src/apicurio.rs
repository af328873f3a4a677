//! Apicurio, a schema registry that speaks Confluent's REST API.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Node, ServerError, artifacts, free_port,
    node::{Ready, Recipe},
    process,
    scratch::Scratch,
};

const VERSION: &str = "3.0.9";
/// What the files of its database begin with.
const DATA: &str = "registry";
/// How often it is started at most until it stays.
const ATTEMPTS: u32 = 3;

/// A running Apicurio. Its compatibility level is NONE until somebody sets it; its schemas survive a restart.
#[derive(Debug)]
pub struct Apicurio {
    node: Node,
    url: String,
    // After the node: its folder goes last.
    scratch: Scratch,
}

impl Apicurio {
    /// Start it at a free port and wait until it is ready.
    pub fn start() -> Result<Self, ServerError> {
        Self::start_at(free_port())
    }

    /// Start it at a port.
    pub fn start_at(port: u16) -> Result<Self, ServerError> {
        Self::begin(Scratch::new("apicurio")?, port)
    }

    /// Start it at a port, with the schemas it has in a folder.
    pub fn start_in(folder: &Path, port: u16) -> Result<Self, ServerError> {
        Self::begin(Scratch::kept(folder)?, port)
    }

    fn begin(scratch: Scratch, port: u16) -> Result<Self, ServerError> {
        let home = home()?;
        let url = format!("http://127.0.0.1:{port}/apis/ccompat/v7");
        let data = scratch.path().join(DATA);
        let jar = home.join(format!("apicurio-registry-app-{VERSION}-runner.jar"));
        let args = [
            "-Xmx384m".to_owned(),
            "-XX:TieredStopAtLevel=1".to_owned(),
            "-Dquarkus.http.host=127.0.0.1".to_owned(),
            format!("-Dquarkus.http.port={port}"),
            // The same schema with other white space is the same schema.
            "-Dapicurio.ccompat.use-canonical-hash=true".to_owned(),
            // Written at once, so that a kill loses nothing that was answered.
            format!("-Dapicurio.datasource.url=jdbc:h2:file:{};WRITE_DELAY=0", data.display()),
            "-jar".to_owned(),
            jar.to_string_lossy().into_owned(),
        ];
        let node = Node::new(Recipe {
            name: "apicurio".to_owned(),
            program: "java".to_owned(),
            args: args.to_vec(),
            envs: Vec::new(),
            log: scratch.path().join("log"),
            ready: vec![Ready::Http(format!("{url}/subjects"))],
        });
        start(&node)?;
        Ok(Self { node, url, scratch })
    }

    /// Where its Confluent API is.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Its process.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// End it at once, as a crash does (SIGKILL).
    pub fn kill(&self) {
        self.node.kill();
    }

    /// Kill it and start it again with the schemas it had.
    pub fn restart(&self) -> Result<(), ServerError> {
        self.node.kill();
        start(&self.node)
    }

    /// Kill it and start it again without any schema, as where its disk was lost.
    pub fn empty(&self) -> Result<(), ServerError> {
        self.node.kill();
        let folder = self.scratch.path();
        for entry in fs::read_dir(folder).map_err(ServerError::file(folder))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(DATA) {
                fs::remove_file(entry.path()).map_err(ServerError::file(entry.path()))?;
            }
        }
        start(&self.node)
    }

    /// Let it hang: it accepts connections and answers nothing (SIGSTOP).
    pub fn pause(&self) -> Result<(), ServerError> {
        self.node.pause()
    }

    /// Let it go on after [`Apicurio::pause`] (SIGCONT).
    pub fn resume(&self) -> Result<(), ServerError> {
        self.node.resume()
    }
}

/// It gives its own database five seconds for a connection and ends where a busy machine takes longer.
fn start(node: &Node) -> Result<(), ServerError> {
    for _ in 1..ATTEMPTS {
        match node.start() {
            Err(ServerError::Ended { .. }) => {}
            started => return started,
        }
    }
    node.start()
}

fn home() -> Result<PathBuf, ServerError> {
    artifacts::folder("apicurio", VERSION, |folder| {
        artifacts::fetch_items(include_str!("../artifacts/apicurio/pom.xml"), folder)?;
        let archive = folder.join(format!("lib/apicurio-registry-app-{VERSION}-all.tar.gz"));
        process::run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder))?;
        fs::remove_file(&archive).map_err(ServerError::file(&archive))
    })
}
