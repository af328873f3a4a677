//! Events over HTTP: what is refused and how, and that what was answered with 202 is there once, whatever comes.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use fixtures::SmallDisk;
use serde_json::Value;

use crate::place::{Place, says};

/// A run that listens.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = place.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            // The first line says where the live page is; the others are log lines.
            if line.starts_with("page: ") {
                return None;
            }
            let line: Value = serde_json::from_str(&line).unwrap();
            line["address"].as_str().map(str::to_owned)
        });
        thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.unwrap() }
    }

    fn post(&self, target: &str, content_type: &str, body: &[u8]) -> Option<(u16, String)> {
        post(&self.address, target, content_type, body)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The status and body of an answer; none where there was no whole answer.
fn post(address: &str, target: &str, content_type: &str, body: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    // It may answer before it has read everything.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    // An answer that came before the connection was reset counts.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, format!("{head}\n{body}")))
}

fn event(id: &str) -> String {
    format!(r#"{{"id":"{id}","sensor":"s","time":"2025-01-01T00:00:00Z","value":1}}"#)
}

const RUN: [&str; 5] = ["run", "readings.yaml", "--listen", "127.0.0.1:0", "--out"];
const TO: &str = "/v1/events";
const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

#[test]
fn bad_requests_are_refused_with_a_reason() {
    let place = Place::new();
    let server = Server::start(&place, &[&RUN[..], &["out"]].concat());
    let refuses = |status: u16, target: &str, content_type: &str, body: &[u8], parts: &[&str]| {
        let (found, answer) = server.post(target, content_type, body).unwrap();
        assert_eq!(found, status, "{answer}");
        says(&answer, parts);
    };
    refuses(400, TO, JSON, b"", &["the body is empty"]);
    refuses(400, TO, JSON, b"[{\"id\":", &["no JSON array"]);
    refuses(400, TO, JSON, &crate::place::garbage(1_000), &["error"]);
    let mixed = format!("{}\n{}\n{}", event("a"), event("b").replace("\"value\":1", "\"value\":\"x\""), event("c"));
    refuses(
        400,
        TO,
        LINES,
        mixed.as_bytes(),
        &["nothing was accepted", "\"index\":1", "column `value`", "is not a number"],
    );
    let far = event("far").replace("\"2025-01-01T00:00:00Z\"", "9999999999999999999");
    refuses(400, TO, LINES, far.as_bytes(), &["column `time`", "years 0 to 9999"]);
    refuses(400, "/v1/events?invalid=maybe", JSON, b"[]", &["not understood", "invalid=dead-letter"]);
    refuses(415, TO, "text/csv", b"a,b", &["text/csv", "application/json"]);
    refuses(413, TO, LINES, &vec![b' '; 9 << 20], &["longer than 8388608 bytes", "fewer events"]);
    refuses(404, "/v1/nothing", JSON, b"[]", &[]);
    refuses(202, "/v1/events?invalid=dead-letter", LINES, mixed.as_bytes(), &["\"accepted\":3", "\"invalid\":1"]);
    server.kill();

    place.ok(&[&RUN[..], &["out", "--events", "3"]].concat());
    place.verify("out");
    assert_eq!(place.ids("out"), ["a", "c"], "nothing of the refused requests");
    assert_eq!(place.letters("out").len(), 1);
}

#[test]
fn too_many_waiting_events_are_told_to_come_again() {
    let place = Place::new();
    let source = "partitions: 3\n  source: { http: { listen: \"127.0.0.1:0\", backlog_max: 2 } }";
    place.define("small.yaml", "partitions: 3", source);
    let server = Server::start(&place, &["run", "small.yaml"]);
    let three = [event("a"), event("b"), event("c")].join("\n");
    let (status, answer) = server.post(TO, LINES, three.as_bytes()).unwrap();
    assert_eq!(status, 429, "{answer}");
    says(&answer.to_ascii_lowercase(), &["retry-after: ", "send them again later"]);
    assert_eq!(server.post(TO, LINES, event("a").as_bytes()).unwrap().0, 202);
    server.kill();
}

#[test]
fn idle_clients_end_nothing() {
    let place = Place::new();
    let mut server = Server::start(&place, &[&RUN[..], &["out"]].concat());
    let head = format!("POST {TO} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{");
    let idle: Vec<_> = (0..400)
        .map(|_| {
            let mut client = TcpStream::connect(&server.address).unwrap();
            client.write_all(head.as_bytes()).unwrap();
            client
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    let (status, answer) = server.post(TO, LINES, event("a").as_bytes()).unwrap();
    assert_eq!(status, 202, "{answer}");
    let begun = Instant::now();
    let interrupted = Command::new("kill").args(["-INT", &server.child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    while server.child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(30) {
            server.kill();
            panic!("clients that stay connected keep the process from its end");
        }
        thread::sleep(Duration::from_millis(20));
    }
    drop(idle);
    // What was accepted in the last moment is in the log.
    place.ok(&[&RUN[..], &["out", "--events", "1"]].concat());
    place.verify("out");
    assert_eq!(place.ids("out"), ["a"]);
}

#[test]
fn accepted_events_survive_kills_once() {
    let place = Place::new();
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..4 {
        let server = Server::start(&place, &[&RUN[..], &["out", "--commit-interval", "50ms"]].concat());
        let clients: Vec<_> = (0..3)
            .map(|_| {
                let (address, accepted, next) = (server.address.clone(), accepted.clone(), next.clone());
                // Until the server is gone. What was not answered may be there or not.
                thread::spawn(move || {
                    loop {
                        let id = format!("e{}", next.fetch_add(1, Ordering::Relaxed));
                        match post(&address, TO, LINES, event(&id).as_bytes()) {
                            Some((202, _)) => accepted.lock().unwrap().push(id),
                            Some((status, answer)) => panic!("{status}: {answer}"),
                            None => return,
                        }
                    }
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(300));
        server.kill();
        clients.into_iter().for_each(|client| client.join().unwrap());
    }
    place.ok(&[&RUN[..], &["out", "--for", "2s"]].concat());
    place.verify("out");
    let found: std::collections::BTreeSet<String> = place.ids("out").into_iter().collect();
    let accepted = accepted.lock().unwrap();
    assert!(accepted.len() > 20, "{} were accepted", accepted.len());
    let lost: Vec<_> = accepted.iter().filter(|id| !found.contains(*id)).collect();
    assert!(lost.is_empty(), "accepted and lost: {lost:?}");
}

#[test]
fn a_full_disk_accepts_nothing_until_there_is_room() {
    let place = Place::new();
    let Some(_disk) = SmallDisk::mount(place.path("disk"), "4m") else {
        eprintln!("skipped: a small disk cannot be mounted here (it needs root on Linux)");
        return;
    };
    let arguments = [&RUN[..], &["disk/out"]].concat();
    let server = Server::start(&place, &arguments);
    place.wait_until_running("disk/out");
    assert!(std::fs::write(place.path("disk/filler"), vec![1; 5 << 20]).is_err(), "the disk is full");
    for _ in 0..2 {
        let (status, answer) = server.post(TO, LINES, event("refused").as_bytes()).unwrap();
        assert_eq!(status, 503, "{answer}");
        says(&answer, &["could not be made durable"]);
    }
    std::fs::remove_file(place.path("disk/filler")).unwrap();
    assert_eq!(server.post(TO, LINES, event("accepted").as_bytes()).unwrap().0, 202);
    server.kill();
    place.ok(&[&arguments[..], &["--for", "1s"]].concat());
    place.verify("disk/out");
    assert_eq!(place.ids("disk/out"), ["accepted"]);
}
