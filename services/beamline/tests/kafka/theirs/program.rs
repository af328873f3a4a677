//! The program that writes to topics of its own, as a process.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::cluster::Cluster;

/// The program that writes, as a process.
pub(super) struct Program {
    child: Child,
    command: Vec<String>,
    python: PathBuf,
    folder: PathBuf,
}

impl Program {
    pub(super) fn start(cluster: &Cluster, python: &Path, arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/theirs.py");
        let command: Vec<String> = [script.display().to_string(), cluster.kafka.bootstrap()]
            .into_iter()
            .chain(arguments.iter().map(|argument| (*argument).to_owned()))
            .collect();
        let (python, folder) = (python.to_owned(), cluster.folder.path().to_owned());
        let child = Self::spawn(&python, &command, &folder);
        Self { child, command, python, folder }
    }

    fn spawn(python: &Path, command: &[String], folder: &Path) -> Child {
        Command::new(python).args(command).current_dir(folder).stdin(Stdio::null()).spawn().unwrap()
    }

    pub(super) fn kill_and_start(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = Self::spawn(&self.python, &self.command, &self.folder);
    }

    pub(super) fn finish(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}
