//! `beamline top --once` on real runs.

#![allow(clippy::unwrap_used)]

use std::{
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn top(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beamline")).arg("top").args(arguments).env_clear().output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A run of an example with its page at a free port; gives the address.
fn run(folder: &Path) -> (Running, String) {
    let address = format!("127.0.0.1:{}", servers::free_port());
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    command.args(["demo", "sensors", "--page", &address]).current_dir(folder).env_clear();
    let running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let begun = Instant::now();
    while TcpStream::connect(&address).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "no page at {address}");
        thread::sleep(Duration::from_millis(50));
    }
    (running, address)
}

#[test]
fn a_run_in_one_process_is_shown_by_its_stages() {
    let folder = tempfile::tempdir().unwrap();
    let (_running, address) = run(folder.path());
    // The rate is that of whole seconds: the first ones have none.
    let begun = Instant::now();
    loop {
        let shown = top(&["--once", "--interval", "1s", &address]);
        let table = text(&shown.stdout);
        assert!(shown.status.success(), "{shown:?}");
        let row = |stage: &str| {
            let line = table.lines().find(|line| line.split_whitespace().nth(1) == Some(stage));
            let line = line.unwrap_or_else(|| panic!("no {stage} in {table}"));
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(table.starts_with("stream   stage"), "{table}");
        let (source, store) = (row("source"), row("store"));
        assert_eq!((source[0].as_str(), source[3].as_str()), ("sensors", "1"), "{table}");
        let number = |cell: &str| cell.replace(',', "").parse::<f64>().unwrap_or(0.0);
        // It makes 500 events a second.
        if number(&source[5]) > 100.0 && number(&store[6]) > 500.0 && number(&store[8]) >= 0.0 {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{table}");
    }
}

#[test]
fn who_does_not_answer_is_named() {
    let nobody = format!("127.0.0.1:{}", servers::free_port());
    let shown = top(&["--once", "--interval", "100ms", &nobody]);
    assert_eq!(shown.status.code(), Some(1), "{shown:?}");
    assert!(text(&shown.stdout).contains(&format!("{nobody}: no answer; check the address")), "{shown:?}");
    assert!(text(&shown.stderr).contains("name the addresses of services"), "{shown:?}");
    let wrong = top(&["--once", "ftp://a"]);
    assert_eq!(wrong.status.code(), Some(64), "{wrong:?}");
}
