//! Events are published to an API server on localhost that counts, refuses, hangs or is gone.

#![allow(clippy::unwrap_used)]

use std::{
    io::{self, Write},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{Method, StatusCode, Uri},
};
use kube::Config;
use measure::Health as _;
use pod_events::{Pace, Pod, publish};
use serde_json::{Value, json};
use service::Health;

const LIMIT: Duration = Duration::from_secs(20);
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/space/events";

/// What the API server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Take,
    /// As if every event had been deleted.
    Forget,
    Refuse,
    Hang,
}

type Requests = Arc<Mutex<Vec<(String, Value)>>>;

/// The one endpoint of Kubernetes that is used.
#[derive(Clone)]
struct ApiServer {
    answer: Arc<Mutex<Answer>>,
    requests: Requests,
}

impl ApiServer {
    /// Serves until the process ends, and gives the address.
    fn start(answer: Answer) -> (Self, String) {
        let server = Self { answer: Arc::new(Mutex::new(answer)), requests: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().fallback(handle).with_state(server.clone());
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, routes).await.unwrap();
            });
        });
        (server, address)
    }

    fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn requests(&self) -> Vec<(String, Value)> {
        self.requests.lock().unwrap().clone()
    }

    /// The requests, once there are so many.
    fn wait_for(&self, count: usize) -> Vec<(String, Value)> {
        let begun = Instant::now();
        loop {
            let requests = self.requests();
            if requests.len() >= count {
                return requests;
            }
            assert!(begun.elapsed() < LIMIT, "{count} requests expected: {requests:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

async fn handle(State(server): State<ApiServer>, method: Method, uri: Uri, body: String) -> (StatusCode, String) {
    let event = serde_json::from_str(&body).unwrap();
    server.requests.lock().unwrap().push((format!("{method} {}", uri.path()), event));
    let answer = *server.answer.lock().unwrap();
    match answer {
        Answer::Forget if method == Method::PATCH => failure(StatusCode::NOT_FOUND, "NotFound", "not found"),
        Answer::Take | Answer::Forget => (StatusCode::OK, body),
        Answer::Refuse => failure(StatusCode::FORBIDDEN, "Forbidden", "events.events.k8s.io is forbidden"),
        Answer::Hang => {
            tokio::time::sleep(LIMIT).await;
            (StatusCode::OK, body)
        }
    }
}

fn failure(code: StatusCode, reason: &str, message: &str) -> (StatusCode, String) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason, "message": message,
        "code": code.as_u16(),
    });
    (code, status.to_string())
}

/// A service whose pod has events, and the warnings of its log.
struct Service {
    health: Health,
    stop: Arc<AtomicBool>,
    log: Log,
    publisher: Option<JoinHandle<()>>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Service {
    fn start(address: &str, pace: Pace) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let health = Health::new(LIMIT, stop.clone());
        let log = Log::default();
        let (conditions, stops, logged) = (health.conditions(), stop.clone(), log.clone());
        let config = Config::new(address.parse().unwrap());
        let pod = Pod { name: "enricher-0".into(), namespace: "space".into(), uid: "4711".into() };
        let publisher = thread::spawn(move || {
            let subscriber = tracing_subscriber::fmt()
                .with_ansi(false)
                .with_max_level(tracing::Level::WARN)
                .with_writer(Mutex::new(logged))
                .finish();
            let run = || publish(config, pod, "beamline-enricher".to_owned(), conditions, &stops, pace);
            tracing::subscriber::with_default(subscriber, run);
        });
        Self { health, stop, log, publisher: Some(publisher) }
    }

    fn warnings(&self) -> Vec<String> {
        let bytes = self.log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    fn wait_for_warning(&self) -> String {
        let begun = Instant::now();
        loop {
            if let Some(warning) = self.warnings().first() {
                return warning.clone();
            }
            assert!(begun.elapsed() < LIMIT, "no warning");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Tells it to stop, and waits until nothing is published any more.
    fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.health.ready("any", true);
        self.publisher.take().unwrap().join().unwrap();
    }
}

fn pace() -> Pace {
    Pace {
        requests_a_minute: 100,
        request_timeout: Duration::from_millis(300),
        wait_after_failure: Duration::from_millis(20),
        repeat_after: LIMIT,
    }
}

#[test]
fn a_reason_is_an_event_of_the_pod_and_counted_up_when_it_comes_again() {
    let (server, address) = ApiServer::start(Answer::Take);
    let service = Service::start(&address, pace());
    service.health.ready("assignment", false);
    service.health.ready("assignment", true);
    service.health.unready("worker", "no progress, 3 failures in a row");
    let requests = server.wait_for(1);
    let (request, event) = &requests[0];
    assert_eq!(request, &format!("POST {EVENTS}"));
    assert_eq!(event["type"], "Warning");
    assert_eq!(event["reason"], "NotReady");
    assert_eq!(event["note"], "worker: no progress, 3 failures in a row");
    assert_eq!(event["regarding"]["kind"], "Pod");
    assert_eq!(event["regarding"]["name"], "enricher-0");
    assert_eq!(event["regarding"]["uid"], "4711");
    assert_eq!(event["reportingController"], "beamline-enricher");
    service.health.ready("worker", true);
    let requests = server.wait_for(2);
    let (request, again) = &requests[1];
    assert_eq!(request, &format!("POST {EVENTS}"));
    assert_eq!((&again["type"], &again["reason"]), (&json!("Normal"), &json!("ReadyAgain")));
    assert_eq!(again["note"], "worker: ready again");
    service.health.unready("worker", "no progress, 5 failures in a row");
    let requests = server.wait_for(3);
    let (request, counted) = &requests[2];
    assert_eq!(request, &format!("PATCH {EVENTS}/{}", event["metadata"]["name"].as_str().unwrap()));
    assert_eq!(counted["series"]["count"], 2);
    assert_eq!(counted["note"], event["note"], "Kubernetes does not let a text be changed");
    // Another reason is another event.
    service.health.unready("worker", "no offset");
    assert_eq!(server.wait_for(4)[3].0, format!("POST {EVENTS}"));
    assert!(service.warnings().is_empty(), "{:?}", service.warnings());
    service.end();
}

#[test]
fn what_lasts_is_counted_up() {
    let (server, address) = ApiServer::start(Answer::Take);
    let service = Service::start(&address, Pace { repeat_after: Duration::from_millis(50), ..pace() });
    service.health.unready("worker", "no offset");
    let requests = server.wait_for(3);
    assert!(requests[0].0.starts_with("POST") && requests[1].0.starts_with("PATCH"));
    assert_eq!(requests[2].1["series"]["count"], 3);
    service.end();
}

#[test]
fn an_event_that_was_deleted_is_made_anew() {
    let (server, address) = ApiServer::start(Answer::Forget);
    let service = Service::start(&address, Pace { repeat_after: Duration::from_millis(50), ..pace() });
    service.health.unready("worker", "no offset");
    let requests = server.wait_for(3);
    let methods: Vec<&str> = requests[..3].iter().filter_map(|(request, _)| request.split(' ').next()).collect();
    assert_eq!(methods, ["POST", "PATCH", "POST"]);
    service.end();
}

#[test]
fn a_missing_right_is_named_once_and_tried_again() {
    let (server, address) = ApiServer::start(Answer::Refuse);
    let service = Service::start(&address, pace());
    service.health.unready("worker", "no offset");
    server.wait_for(4);
    let warning = service.wait_for_warning();
    for words in ["events.events.k8s.io is forbidden", "`create` and `patch`", "`events.k8s.io`", "namespace space"] {
        assert!(warning.contains(words), "{warning}");
    }
    server.answer(Answer::Take);
    let before = server.requests().len();
    let taken = server.wait_for(before + 1);
    assert_eq!(taken.last().unwrap().1["note"], "worker: no offset");
    service.health.ready("worker", true);
    let begun = Instant::now();
    while server.requests().last().unwrap().1["reason"] != "ReadyAgain" {
        assert!(begun.elapsed() < LIMIT, "{:?}", server.requests());
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(service.warnings().len(), 1, "{:?}", service.warnings());
    service.end();
}

#[test]
fn a_server_that_hangs_holds_nobody_up_and_gets_what_is_so_by_then() {
    let (server, address) = ApiServer::start(Answer::Hang);
    let service = Service::start(&address, pace());
    service.health.unready("worker", "first");
    server.wait_for(1);
    let begun = Instant::now();
    for number in 0..10_000 {
        service.health.ready("worker", number % 2 == 0);
    }
    service.health.unready("worker", "last");
    assert!(begun.elapsed() < pace().request_timeout, "reporting waits for the server: {:?}", begun.elapsed());
    let warning = service.wait_for_warning();
    assert!(warning.contains("does not answer within 0.3 s"), "{warning}");
    server.answer(Answer::Take);
    let requests = server.wait_for(2);
    assert_eq!(requests[1].1["note"], "worker: last");
    assert_eq!(service.warnings().len(), 1, "{:?}", service.warnings());
    service.end();
}

#[test]
fn a_server_that_is_gone_is_warned_of_once() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let service = Service::start(&format!("http://{gone}"), pace());
    service.health.unready("worker", "no offset");
    let warning = service.wait_for_warning();
    assert!(warning.contains("cannot be sent to Kubernetes") && warning.contains("onnection refused"), "{warning}");
    thread::sleep(Duration::from_millis(200));
    assert_eq!(service.warnings().len(), 1, "{:?}", service.warnings());
    service.end();
}

#[test]
fn a_part_that_changes_all_the_time_does_not_flood() {
    let (server, address) = ApiServer::start(Answer::Take);
    let service = Service::start(&address, Pace { requests_a_minute: 5, ..pace() });
    for number in 0..300 {
        match number % 3 {
            0 => service.health.ready("worker", true),
            1 => service.health.unready("worker", "one"),
            _ => service.health.unready("worker", "two"),
        }
        thread::sleep(Duration::from_millis(2));
    }
    thread::sleep(Duration::from_millis(100));
    assert_eq!(server.requests().len(), 5, "{:?}", server.requests());
}

#[test]
fn nothing_is_published_once_the_service_stops() {
    let (server, address) = ApiServer::start(Answer::Take);
    let service = Service::start(&address, pace());
    service.stop.store(true, Ordering::Relaxed);
    service.health.unready("worker", "the group is left");
    service.end();
    assert!(server.requests().is_empty(), "{:?}", server.requests());
}
