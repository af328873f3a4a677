//! Prometheus, as Debian packages it.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    Node, ServerError, artifacts, free_port, http_get,
    node::{Ready, Recipe},
    process,
    scratch::Scratch,
};

/// Goes up when the way to get it changes; the version is the one of the machine's Debian.
const VERSION: &str = "debian-1";

/// A running Prometheus that reads the metrics of given processes.
#[derive(Debug)]
pub struct Prometheus {
    node: Node,
    url: String,
    _scratch: Scratch,
}

impl Prometheus {
    /// Start one that reads `/metrics` of each address every second. `None` where neither the program nor Debian's package
    /// is to be had; the test's output says so.
    ///
    /// # Errors
    /// Where it does not start.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub fn start_if_there(addresses: &[&str]) -> Result<Option<Self>, ServerError> {
        let Some(program) = program()? else {
            eprintln!("skipped: no Prometheus, neither the program nor Debian's package is to be had");
            return Ok(None);
        };
        let scratch = Scratch::new("prometheus")?;
        let targets = addresses.iter().map(|address| format!("'{address}'")).collect::<Vec<_>>().join(", ");
        let settings = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: beamline
    static_configs:
      - targets: [{targets}]
"
        );
        let settings = scratch.write("prometheus.yml", &settings)?;
        let address = format!("127.0.0.1:{}", free_port());
        let url = format!("http://{address}");
        let node = Node::new(Recipe {
            name: "prometheus".to_owned(),
            program,
            args: vec![
                format!("--config.file={}", settings.display()),
                format!("--storage.tsdb.path={}", scratch.path().join("data").display()),
                format!("--web.listen-address={address}"),
            ],
            envs: Vec::new(),
            log: scratch.path().join("log"),
            ready: vec![Ready::Http(format!("{url}/-/ready"))],
        });
        node.start()?;
        Ok(Some(Self { node, url, _scratch: scratch }))
    }

    /// What a query gives now: the series of an instant vector.
    ///
    /// # Errors
    /// Where Prometheus refuses the query, with its reason.
    pub fn query(&self, query: &str) -> Result<Vec<Value>, ServerError> {
        let encoded: String = url_encode(query);
        let url = format!("{}/api/v1/query?query={encoded}", self.url);
        let (status, answer) = http_get(&url)?;
        let refused = |reason: &str| ServerError::Http { url: query.to_owned(), reason: format!("{status} {reason}") };
        let answer: Value = serde_json::from_str(&answer).map_err(|error| refused(&error.to_string()))?;
        match (answer["status"].as_str(), answer["data"]["result"].as_array()) {
            (Some("success"), Some(series)) => Ok(series.clone()),
            _ => Err(refused(answer["error"].as_str().unwrap_or("no result"))),
        }
    }

    /// Its process.
    pub fn node(&self) -> &Node {
        &self.node
    }
}

/// The program of the machine, or the one of Debian's package, unpacked once without being installed.
#[allow(clippy::print_stderr, reason = "a test that is skipped says why")]
fn program() -> Result<Option<String>, ServerError> {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success());
    if there("prometheus") {
        return Ok(Some("prometheus".to_owned()));
    }
    if !there("apt-get") || !there("dpkg") {
        return Ok(None);
    }
    let unpacked = artifacts::folder("prometheus", VERSION, |folder| {
        process::run(Command::new("apt-get").args(["download", "-q", "prometheus"]).current_dir(folder))?;
        let file = |source| ServerError::File { path: folder.to_owned(), source };
        let files = fs::read_dir(folder).map_err(file)?.flatten().map(|entry| entry.path());
        for package in files.filter(|path| path.extension().is_some_and(|extension| extension == "deb")) {
            process::run(Command::new("dpkg").arg("-x").arg(&package).arg(folder))?;
            fs::remove_file(package).map_err(file)?;
        }
        Ok(())
    });
    match unpacked {
        Ok(folder) => Ok(Some(folder.join("usr/bin/prometheus").to_string_lossy().into_owned())),
        Err(error) => {
            eprintln!("Debian's package of Prometheus: {error}");
            Ok(None)
        }
    }
}

/// All bytes but letters and digits as `%XX`.
fn url_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
