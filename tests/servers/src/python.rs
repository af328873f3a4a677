//! Pythons with the packages that independent readers and writers use.

use std::{path::PathBuf, process::Command};

use crate::{ServerError, artifacts, process::run};

/// The packages of those who read our results. A change makes a new environment.
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

/// The packages of those who write our inputs, pinned. A change makes a new environment.
const INPUTS_VERSION: &str = "1";
const INPUTS_PACKAGES: [&str; 15] = [
    "astropy==8.0.2",
    "awkward==2.14.0",
    "backports.zstd==1.8.0",
    "cramjam==2.14.0",
    "duckdb==2.0.1",
    "fastavro==1.13.1",
    "h5py==3.16.0",
    "numpy==2.4.6",
    "openpyxl==3.1.5",
    "pandas==3.1.1",
    "polars==2.1.0",
    "protobuf==7.36.2",
    "pyarrow==26.0.1",
    "uproot==5.7.7",
    "zstandard==0.25.0",
];

/// The schemas of Rubin's alerts, under the GNU General Public License; without what else the package would need.
const INPUTS_ALONE: [&str; 1] = ["lsst-alert-packet==30.2026.2700"];

/// An interpreter that has pandas, pyarrow, deltalake, confluent-kafka, fastavro, matplotlib and what runs notebooks;
/// `None` where the machine has no Python with `venv`.
///
/// # Errors
/// Where the packages cannot be fetched.
pub fn python() -> Result<Option<PathBuf>, ServerError> {
    environment("python", VERSION, &PACKAGES, &[])
}

/// An interpreter that has pandas, Polars, DuckDB, pyarrow, fastavro, astropy, h5py, uproot and openpyxl; `None` where the
/// machine has no Python with `venv`.
///
/// # Errors
/// Where the packages cannot be fetched.
pub fn python_of_inputs() -> Result<Option<PathBuf>, ServerError> {
    environment("python-inputs", INPUTS_VERSION, &INPUTS_PACKAGES, &INPUTS_ALONE)
}

fn environment(name: &str, version: &str, packages: &[&str], alone: &[&str]) -> Result<Option<PathBuf>, ServerError> {
    let there = Command::new("python3").args(["-c", "import venv, ensurepip"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        return Ok(None);
    }
    let folder = artifacts::folder(name, version, |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
        // The folder is moved to its place afterwards: scripts would name the old one, the interpreter does not.
        run(Command::new(folder.join("bin/python")).args(pip).args(packages))?;
        match alone.is_empty() {
            true => Ok(()),
            false => run(Command::new(folder.join("bin/python")).args(pip).arg("--no-deps").args(alone)).map(drop),
        }
    })?;
    Ok(Some(folder.join("bin/python")))
}
