//! An object store that speaks S3: moto, which keeps everything in memory.

use std::process::Command;

use crate::{
    Node, ServerError, artifacts, free_port, http_request,
    node::{Ready, Recipe},
    process,
    scratch::Scratch,
};

const VERSION: &str = "5.2.5";

/// A running object store. It accepts any credentials, and forgets everything when it stops.
#[derive(Debug)]
pub struct S3 {
    node: Node,
    url: String,
    // After the node: its folder goes last.
    _scratch: Scratch,
}

impl S3 {
    /// Start it and wait until it is ready.
    pub fn start() -> Result<Self, ServerError> {
        let home = artifacts::folder("moto", VERSION, |folder| {
            process::run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
            let pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
            let package = format!("moto[server]=={VERSION}");
            process::run(Command::new(folder.join("bin/python")).args(pip).arg(package))?;
            Ok(())
        })?;
        let scratch = Scratch::new("s3")?;
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        // The scripts in `bin` name the folder they were installed in, which has another name now.
        let args = ["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned);
        let node = Node::new(Recipe {
            name: "s3".to_owned(),
            program: home.join("bin/python").to_string_lossy().into_owned(),
            args: args.to_vec(),
            envs: Vec::new(),
            log: scratch.path().join("log"),
            ready: vec![Ready::Http(format!("{url}/moto-api/data.json"))],
        });
        node.start()?;
        Ok(Self { node, url, _scratch: scratch })
    }

    /// The endpoint. Buckets are part of the path.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Create a bucket. Its name needs three characters at least.
    pub fn create_bucket(&self, name: &str) -> Result<(), ServerError> {
        let url = format!("{}/{name}", self.url);
        match http_request("PUT", &url, None)? {
            (200, _) => Ok(()),
            (status, answer) => Err(ServerError::Http { url, reason: format!("{status} {answer}") }),
        }
    }

    /// Its process.
    pub fn node(&self) -> &Node {
        &self.node
    }
}
