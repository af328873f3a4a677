//! The code blocks of the page about Python run as they stand there, on results of the example that they name.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::docs;

/// Packages that a reader may have and the tests' Python has not.
const OPTIONAL: [&str; 2] = ["polars", "duckdb"];

/// The Python blocks of the page.
fn blocks() -> Vec<String> {
    let text = fs::read_to_string(docs().join("python.md")).unwrap();
    text.split("```python\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

fn beamline(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beamline")).current_dir(folder).env_clear().args(arguments).output().unwrap()
}

/// Runs a block; the error is what Python wrote.
fn execute(python: &Path, folder: &Path, block: &str) -> Result<String, String> {
    let binaries = Path::new(env!("CARGO_BIN_EXE_beamline")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", binaries.display());
    let output = Command::new(python).args(["-c", block]).current_dir(folder).env("PATH", path).output().unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_block_of_the_page_about_python_runs() {
    let Ok(Some(python)) = servers::python() else {
        println!("skipped: this machine has no Python with packages");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    assert!(beamline(folder.path(), &["demo", "--write", "."]).status.success());
    let run = beamline(folder.path(), &["run", "streams/sensors.yaml", "--rate", "0", "--events", "20000"]);
    assert!(run.status.success(), "{run:?}");
    let listen = format!("127.0.0.1:{}", servers::free_port());
    let mut server = Command::new(env!("CARGO_BIN_EXE_beamline"));
    let server = server.args(["run", "streams/sensors.yaml", "--out", "posted", "--listen", &listen]);
    let _server =
        Running(server.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let begun = Instant::now();
    while TcpStream::connect(&listen).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing listens at {listen}");
        thread::sleep(Duration::from_millis(50));
    }
    let mut ran = 0;
    for block in blocks() {
        if block.contains("s3://") {
            // A bucket is not at hand; the notebook's test reads a Delta table from disk.
            continue;
        }
        match execute(&python, folder.path(), &block.replace("127.0.0.1:8080", &listen)) {
            Ok(_) => ran += 1,
            Err(error) => {
                let missing = OPTIONAL.iter().any(|name| error.contains(&format!("No module named '{name}'")));
                assert!(missing, "{error}\nin\n{block}");
                println!("left out, for a package is missing: {}", block.lines().next().unwrap());
            }
        }
    }
    assert!(ran >= 3, "only {ran} blocks ran");
}
