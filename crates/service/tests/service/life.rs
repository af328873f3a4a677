//! The life of a service's process: probes, metrics, signals, exit codes, and what its logs must not hold.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use reqwest::blocking::get;
use tempfile::TempDir;

use crate::dummy::ARGUMENTS;

/// How long anything may take that should take no time, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// The dummy service as a process; killed when dropped.
pub(crate) struct Service {
    child: Child,
    /// What it has written to standard error.
    log: Arc<Mutex<String>>,
}

impl Service {
    pub(crate) fn start(flags: &[&str]) -> Self {
        let usual = [
            "--stream=s.yaml",
            "--kafka-bootstrap=kafka:9092",
            "--registry-url=http://registry:8081",
            "--listen=127.0.0.1:0",
            "--log-format=json",
        ];
        Self::start_with(&[&usual, flags].concat(), &[])
    }

    pub(crate) fn start_with(flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["dummy::dummy", "--exact", "--ignored", "--nocapture"])
            .env(ARGUMENTS, flags.join("\n"))
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()), log.clone());
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                kept.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self { child, log }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log holds something.
    fn says(&self, what: &str) {
        eventually(|| self.log().contains(what), || format!("`{what}` in {}", self.log()));
    }

    /// The address it listens at.
    fn address(&self) -> String {
        self.says("\"address\"");
        let log = self.log();
        let line = log.lines().find(|line| line.contains("\"address\"")).unwrap();
        let fields: serde_json::Value = serde_json::from_str(line).unwrap();
        fields["address"].as_str().unwrap().to_owned()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        let mut code = None;
        eventually(
            || {
                code = self.child.try_wait().unwrap();
                code.is_some()
            },
            || "the process has ended".to_owned(),
        );
        // The last lines are read by another thread.
        thread::sleep(Duration::from_millis(100));
        code.unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn eventually(mut holds: impl FnMut() -> bool, what: impl Fn() -> String) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {}", what());
        thread::sleep(Duration::from_millis(20));
    }
}

fn page(address: &str, path: &str) -> (u16, String) {
    let answer = get(format!("http://{address}{path}")).unwrap();
    (answer.status().as_u16(), answer.text().unwrap())
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

#[test]
fn probes_and_metrics_are_answered_and_sigterm_ends_it() {
    let folder = TempDir::new().unwrap();
    let (ready, hang) = (folder.path().join("ready"), folder.path().join("hang"));
    let flags = [&flag("ready-when", &ready), &flag("hang-when", &hang), "--heartbeat-limit=500ms"];
    let mut service = Service::start(&flags);
    let address = service.address();
    service.says("runs");
    eventually(|| page(&address, "/livez").1.contains("worker 0: beats"), || page(&address, "/livez").1);
    assert_eq!(page(&address, "/readyz"), (503, "assignment: not ready\nstore: ready\n".to_owned()));
    fs::write(&ready, "").unwrap();
    eventually(|| page(&address, "/readyz").0 == 200, || page(&address, "/readyz").1);
    let (status, metrics) = page(&address, "/metrics");
    assert_eq!(status, 200);
    for part in [
        "# HELP beamline_records_in_total Records read from the stage's input",
        "# TYPE beamline_records_in_total counter",
        "beamline_records_in_total{stream=\"particles\",stage=\"dummy\"} ",
        "beamline_transaction_duration_seconds_bucket{stream=\"particles\",stage=\"dummy\",le=\"0.025\"} ",
        "beamline_build_info{service=\"dummy\",version=\"",
    ] {
        assert!(metrics.contains(part), "{part}\nis not in\n{metrics}");
    }
    assert_eq!(page(&address, "/").0, 404);
    fs::write(&hang, "").unwrap();
    eventually(|| page(&address, "/livez").0 == 503, || page(&address, "/livez").1);
    assert!(page(&address, "/livez").1.contains("worker 0: hangs"));
    service.signal("-TERM");
    assert_eq!(service.exit_code(), Some(0), "{}", service.log());
    assert!(service.log().contains("stopping") && service.log().contains("done"), "{}", service.log());
}

#[test]
fn what_does_not_stop_in_time_is_cut_off() {
    let mut service = Service::start(&["--stubborn", "--shutdown-limit=300ms"]);
    service.says("runs");
    service.signal("-TERM");
    assert_eq!(service.exit_code(), Some(1));
    assert!(service.log().contains("not stopped within --shutdown-limit"), "{}", service.log());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut service = Service::start(&["--stubborn", "--shutdown-limit=1h"]);
    service.says("runs");
    service.signal("-INT");
    service.says("\"stopping\"");
    let address = service.address();
    assert_eq!(page(&address, "/readyz"), (503, "stopping\n".to_owned()));
    service.signal("-INT");
    assert_eq!(service.exit_code(), Some(1));
    assert!(service.log().contains("a second time"), "{}", service.log());
}

#[test]
fn bad_settings_end_it_with_64_before_anything_runs() {
    let mut service = Service::start(&["--threads=many", "--fussed", "--trace-ratio=x"]);
    assert_eq!(service.exit_code(), Some(64));
    let log = service.log();
    for part in ["error:\n", "--fussed; did you mean --fused?", "--threads: `many`", "--trace-ratio: `x`"] {
        assert!(log.contains(part), "{part}\nis not in\n{log}");
    }
    assert!(!log.contains("listening"), "{log}");
}

#[test]
fn a_failure_ends_it_with_1_and_a_panic_is_logged() {
    let mut service = Service::start(&["--fail=the disk is full"]);
    assert_eq!(service.exit_code(), Some(1));
    assert!(service.log().contains("\"message\":\"the disk is full\""), "{}", service.log());
    let mut service = Service::start(&["--fail=panic"]);
    assert_eq!(service.exit_code(), Some(1), "{}", service.log());
    assert!(service.log().contains("a defect: panic as asked"), "{}", service.log());
}

#[test]
fn a_port_in_use_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--listen={}", taken.local_addr().unwrap());
    let usual = ["--stream=s.yaml", "--kafka-bootstrap=k:1", "--registry-url=http://r:1", &address];
    let mut service = Service::start_with(&usual, &[]);
    assert_eq!(service.exit_code(), Some(1));
    assert!(service.log().contains("cannot listen at 127.0.0.1:"), "{}", service.log());
}

#[test]
fn the_logs_hold_no_secret() {
    let folder = TempDir::new().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, "hunter2-registry\n").unwrap();
    let flags = [
        "--stream=s.yaml",
        "--kafka-bootstrap=kafka:9092",
        "--kafka-security=sasl-plaintext",
        "--kafka-username=ann",
        "--registry-url=http://registry:8081",
        "--registry-username=ann",
        &flag("registry-password-file", &password),
        "--listen=127.0.0.1:0",
    ];
    let environment = [("BEAMLINE_KAFKA_PASSWORD", "hunter2-kafka"), ("RUST_LOG", "trace")];
    let mut service = Service::start_with(&flags, &environment);
    // The dummy logs all of its settings.
    service.says("runs");
    service.signal("-TERM");
    assert_eq!(service.exit_code(), Some(0));
    let log = service.log();
    assert!(log.contains("kafka_username") && log.contains("REDACTED"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

/// A collector that takes connections and never answers.
fn silent_collector() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut held: Vec<TcpStream> = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 1024]);
            held.push(stream);
        }
    });
    format!("http://{address}")
}

#[test]
fn a_collector_that_is_away_or_silent_holds_nothing_up() {
    let endpoints = [("http://127.0.0.1:1".to_owned(), "collector"), (silent_collector(), "queue")];
    for (endpoint, reason) in endpoints {
        // 4,000 spans every 10 ms fill the queue at once where nobody takes them.
        let flags =
            ["--spans=400000", "--trace-ratio=1", &format!("--otlp-endpoint={endpoint}"), "--heartbeat-limit=2s"];
        let mut service = Service::start(&flags);
        let address = service.address();
        let dropped = format!("beamline_spans_dropped_total{{reason=\"{reason}\"}} ");
        eventually(|| page(&address, "/metrics").1.contains(&dropped), || page(&address, "/metrics").1);
        assert_eq!(page(&address, "/livez").0, 200, "{}", page(&address, "/livez").1);
        let told = Instant::now();
        service.signal("-TERM");
        assert_eq!(service.exit_code(), Some(0), "{}", service.log());
        assert!(told.elapsed() < Duration::from_secs(8), "{:?}", told.elapsed());
    }
}

#[test]
fn nothing_is_traced_without_a_collector() {
    let mut service = Service::start(&["--spans=1000", "--trace-ratio=1"]);
    let address = service.address();
    eventually(|| page(&address, "/metrics").1.contains("records_in_total"), || page(&address, "/metrics").1);
    assert!(!page(&address, "/metrics").1.contains("spans"));
    service.signal("-TERM");
    assert_eq!(service.exit_code(), Some(0));
    assert!(!service.log().contains("tracing"), "{}", service.log());
}

#[test]
fn a_real_collector_gets_the_spans_of_the_service_and_its_instance() {
    let jaeger = servers::Jaeger::start().unwrap();
    let endpoint = format!("--otlp-endpoint={}", jaeger.otlp_http());
    let mut service = Service::start(&["--spans=100", "--trace-ratio=1", "--instance=dummy-7", &endpoint]);
    service.says("runs");
    let traces = format!("{}/api/traces?service=beamline-dummy&limit=1", jaeger.query_url());
    let found = || servers::http_get(&traces).is_ok_and(|(_, body)| body.contains("send topic"));
    eventually(found, || format!("a trace at {traces}"));
    let (_, body) = servers::http_get(&traces).unwrap();
    for part in ["service.instance.id", "dummy-7", "service.version"] {
        assert!(body.contains(part), "{part}\nis not in\n{body}");
    }
    let address = service.address();
    let exported = || page(&address, "/metrics").1.contains("beamline_spans_exported_total ");
    eventually(exported, || page(&address, "/metrics").1);
    service.signal("-TERM");
    assert_eq!(service.exit_code(), Some(0), "{}", service.log());
}
