//! Clients post more events than a generator sends.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use servers::free_port;

use super::ended_well;
use crate::{cluster::Cluster, input};

/// So many events may wait.
const BACKLOG: u64 = 20_000;
/// Clients, and how many events each posts at once.
const CLIENTS: usize = 8;
const EVENTS: usize = 5_000;
/// A flood does not get worse by lasting longer.
const FLOOD_MAX: Duration = Duration::from_secs(60);

/// How many requests were answered how, and events accepted.
#[derive(Debug, Default)]
struct Answers {
    accepted: AtomicU64,
    refused: AtomicU64,
    events: AtomicU64,
}

pub(super) fn measure(cluster: &Cluster, phase: Duration) {
    let address = format!("127.0.0.1:{}", free_port());
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let source = format!("http: {{ listen: \"{address}\", backlog_max: {BACKLOG} }}");
    let definition = definition.replace("files: { paths: [input.jsonl] }", &source);
    assert!(definition.contains(&source));
    fs::write(cluster.path("flood.yaml"), definition).unwrap();
    cluster.beamline(&["topics", "apply", "flood.yaml"]);
    let log = cluster.path("flood-log").display().to_string();
    let generator = cluster.service_of("flood.yaml", "generator", "flood", &["--log-folder", &log]);
    generator.wait_until_ready();
    input::write(&cluster.path("flood.jsonl"), EVENTS as u64);
    let body = fs::read(cluster.path("flood.jsonl")).unwrap();
    let (answers, until) = (Answers::default(), Instant::now() + phase.min(FLOOD_MAX));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| post_until(&address, &body, until, &answers));
        }
        while Instant::now() < until {
            assert_eq!(generator.readiness().0, 200, "the generator is ready all the time");
            super::rest();
        }
    });
    let Answers { accepted, refused, events } = answers;
    let (accepted, refused, events) = (accepted.into_inner(), refused.into_inner(), events.into_inner());
    println!(
        "{CLIENTS} clients: {accepted} requests accepted, {refused} answered 429 with `Retry-After`; {events} events"
    );
    let begun = Instant::now();
    while cluster.sent().cursor.position < events {
        assert!(begun.elapsed() < Duration::from_secs(120), "{:?} of {events}", cluster.sent());
        super::rest();
    }
    ended_well("generator", &generator);
    let sent = cluster.sent();
    assert_eq!(sent.sent + sent.dead_lettered, events, "each event that was accepted is sent once, or a dead letter");
}

/// Posts the same events again and again, and sees that each answer is one of two.
fn post_until(address: &str, body: &[u8], until: Instant, answers: &Answers) {
    while Instant::now() < until {
        let head = post(address, body).to_ascii_lowercase();
        // Where it is refused before the body is there, the answer may be lost with the connection.
        let Some(status) = head.split(' ').nth(1) else { continue };
        match status {
            "202" => {
                answers.accepted.fetch_add(1, Ordering::Relaxed);
                answers.events.fetch_add(EVENTS as u64, Ordering::Relaxed);
            }
            "429" => {
                let after = head.lines().find_map(|line| line.strip_prefix("retry-after: ")).unwrap_or_default();
                assert!(after.trim().parse::<u64>().is_ok_and(|seconds| seconds > 0), "{head}");
                answers.refused.fetch_add(1, Ordering::Relaxed);
                // Sooner than it was told to, as a bad client does.
                thread::sleep(Duration::from_millis(50));
            }
            _ => panic!("{head}"),
        }
    }
}

/// The head of the answer.
fn post(address: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/events?invalid=dead-letter HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // It may answer before it has read everything.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).split("\r\n\r\n").next().unwrap_or_default().to_owned()
}
