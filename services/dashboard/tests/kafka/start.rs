//! How the dashboard starts, and when it refuses to.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use servers::free_port;

use crate::input;

fn starts(folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    fs::write(folder.join("stream.yaml"), input::DEFINITION).unwrap();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/particle-event.avsc");
    fs::copy(schema, folder.join("particle-event.avsc")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_dashboard"))
        .args(["--stream", "stream.yaml", "--kafka-bootstrap", "127.0.0.1:9", "--registry-url", "http://127.0.0.1:9"])
        .args(["--listen", &format!("127.0.0.1:{}", free_port())])
        .args(more)
        .current_dir(folder)
        .stdout(Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn without_a_token_only_loopback_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = starts(folder.path(), &["--page", "0.0.0.0:0"]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("--page-tokens"), "{said}");
}

#[test]
fn settings_that_do_not_fit_together_are_all_named() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = starts(folder.path(), &["--history", "cql", "--cql-cert-file", "cert.pem"]);
    assert_eq!(code, Some(64), "{said}");
    assert!(
        said.contains("--history cql needs --cql") && said.contains("--cql-cert-file and --cql-key-file"),
        "{said}"
    );
}

#[test]
fn a_stream_is_shown_once() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = starts(folder.path(), &["--page", "127.0.0.1:0", "--stream", "stream.yaml"]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("two definitions are of a stream `particles`"), "{said}");
}
