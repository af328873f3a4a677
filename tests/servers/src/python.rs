//! A Python with the packages that independent readers of our results use.

use std::{path::PathBuf, process::Command};

use crate::{ServerError, artifacts, process::run};

/// The packages, pinned. A change makes a new environment.
const VERSION: &str = "2";
const PACKAGES: [&str; 9] = [
    "confluent-kafka",
    "deltalake",
    "fastavro",
    "ipykernel",
    "matplotlib",
    "nbclient",
    "nbformat",
    "pandas",
    "pyarrow",
];

/// An interpreter that has pandas, pyarrow, deltalake, confluent-kafka, fastavro, matplotlib and what runs notebooks;
/// `None` where the machine has no Python with `venv`.
///
/// # Errors
/// Where the packages cannot be fetched.
pub fn python() -> Result<Option<PathBuf>, ServerError> {
    let there = Command::new("python3").args(["-c", "import venv, ensurepip"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        return Ok(None);
    }
    let folder = artifacts::folder("python", VERSION, |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
        // The folder is moved to its place afterwards: scripts would name the old one, the interpreter does not.
        run(Command::new(folder.join("bin/python")).args(pip).args(PACKAGES)).map(drop)
    })?;
    Ok(Some(folder.join("bin/python")))
}
