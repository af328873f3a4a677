//! The script that `docs/api.md` shows is run as it stands there.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::run::{Run, definition, project};

#[test]
fn the_script_of_the_documentation_follows_a_stream() {
    let text = fs::read_to_string(project().join("docs/api.md")).unwrap();
    let script = text.split("```js\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("follow.mjs");
    fs::write(&path, script).unwrap();
    let Ok(version) = Command::new("node").arg("--version").output() else {
        println!("there is no node on this machine: the script is not run");
        return;
    };
    assert!(version.status.success());
    let run = Run::start(&definition(folder.path(), "100"), &folder.path().join("results"), &[]);
    let mut script =
        Command::new("node").arg(&path).args([&run.url, "particle-events"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
    let said: Vec<String> = lines.by_ref().take(3).map(Result::unwrap).collect();
    script.kill().unwrap();
    script.wait().unwrap();
    assert!(said.iter().all(|line| line.starts_with("particle-events")), "{said:?}");
}
