//! A run with a page, and a client of it.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use reqwest::{StatusCode, blocking::Client};
use serde_json::Value;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A run that is killed when it is dropped.
pub(crate) struct Run {
    pub(crate) child: Child,
    /// Without the slash at the end.
    pub(crate) url: String,
    pub(crate) client: Client,
}

pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The particle stream, with this in the place of its source's rate.
pub(crate) fn definition(folder: &Path, rate: &str) -> PathBuf {
    let text = fs::read_to_string(project().join("streams/particle-events.yaml")).unwrap();
    let text = text.replace("../", &format!("{}/", project().display()));
    assert!(text.contains("rate: 1000"));
    let path = folder.join("stream.yaml");
    fs::write(&path, text.replace("rate: 1000", &format!("rate: {rate}"))).unwrap();
    path
}

pub(crate) fn beamline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    for name in ["BEAMLINE_OUT", "BEAMLINE_RESULTS", "BEAMLINE_PAGE", "BEAMLINE_PAGE_TOKENS"] {
        command.env_remove(name);
    }
    command
}

impl Run {
    /// `beamline run`, once it has said where its page is.
    pub(crate) fn start(stream: &Path, results: &Path, args: &[&str]) -> Self {
        Self::start_with(stream, results, args, Stdio::null())
    }

    pub(crate) fn start_with(stream: &Path, results: &Path, args: &[&str], stdin: Stdio) -> Self {
        let mut command = beamline();
        command.arg("run").arg(stream).arg("--out").arg(results).args(args);
        if !args.contains(&"--page") {
            command.args(["--page", "127.0.0.1:0"]);
        }
        let mut child = command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let url = first.trim().strip_prefix("page: ").map(|url| url.trim_end_matches('/').to_owned());
        let Some(url) = url else {
            let mut rest = String::new();
            lines.read_to_string(&mut rest).unwrap();
            panic!("the first line is the page's address, and not: {first}{rest}");
        };
        thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child, url, client: client() }
    }

    pub(crate) fn api(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.url)
    }

    /// What is at a path, which must be there.
    pub(crate) fn get(&self, path: &str) -> Value {
        let response = self.client.get(self.api(path)).send().unwrap();
        let status = response.status();
        let text = response.text().unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let response = self.client.post(self.api(path)).json(body).send().unwrap();
        (response.status(), response.json().unwrap())
    }

    /// What is at a path, as soon as it is as wanted.
    pub(crate) fn wait(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.get(path);
            if wanted(&found) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} is still {found}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends the run as Ctrl-C does, and gives what it took.
    pub(crate) fn interrupt(&mut self) -> Duration {
        let begun = Instant::now();
        let killed = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert!(self.child.wait().unwrap().success());
        begun.elapsed()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that goes straight to the page, whatever proxy the machine has.
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

/// One server-sent event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// The events of a live stream.
pub(crate) struct Events(BufReader<reqwest::blocking::Response>);

impl Events {
    pub(crate) fn open(run: &Run, query: &str) -> Self {
        let response = run.client.get(run.api(&format!("/live?{query}"))).send().unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self(BufReader::new(response))
    }

    /// The next event; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let (mut id, mut name, mut data) = (None, String::new(), String::new());
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end_matches('\n');
            match line.split_once(": ") {
                Some(("id", text)) => id = Some(text.to_owned()),
                Some(("event", text)) => name = text.to_owned(),
                Some(("data", text)) => data.push_str(text),
                _ if line.is_empty() && !name.is_empty() => {
                    return Some(Event { id, name, data: serde_json::from_str(&data).unwrap() });
                }
                _ => {}
            }
        }
    }

    /// The events up to the next one of a name.
    pub(crate) fn until(&mut self, name: &str) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next() {
            events.push(event);
            if events.last().is_some_and(|event| event.name == name) {
                return events;
            }
        }
        panic!("the stream ended before `{name}`: {events:?}");
    }
}
