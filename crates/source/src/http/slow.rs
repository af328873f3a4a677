//! Clients that take their time, over real sockets: each has its limit, and nobody else waits for them.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::atomic::AtomicUsize,
    time::{Duration, Instant},
};

use arrow::datatypes::{DataType, Field, Schema};

use super::*;

#[derive(Default)]
struct Counted(AtomicUsize);

impl Intake for Counted {
    fn append(&self, events: Vec<Bytes>) -> Result<(), IntakeError> {
        self.0.fetch_add(events.len(), Ordering::Relaxed);
        Ok(())
    }
}

/// Long enough for anything that is not limited on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn start(limits: HttpLimits) -> HttpServer {
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    HttpServer::start("127.0.0.1:0", schema, limits, Arc::new(Counted::default())).unwrap()
}

fn connect(server: &HttpServer, text: &str) -> TcpStream {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(text.as_bytes()).unwrap();
    socket
}

fn head(length: usize) -> String {
    format!("POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n")
}

/// All that comes until the server closes; an error where it does not.
fn read_to_close(socket: &mut TcpStream) -> Result<String, ErrorKind> {
    let mut answer = Vec::new();
    match socket.read_to_end(&mut answer) {
        Ok(_) => Ok(String::from_utf8(answer).unwrap()),
        // What was sent after the server closed is answered with a reset.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(String::from_utf8(answer).unwrap()),
        Err(error) => Err(error.kind()),
    }
}

/// The status of a request that comes at once, alone on its connection.
fn post(server: &HttpServer, body: &str) -> (u16, String) {
    let head = head(body.len()).replace("host: x", "host: x\r\nconnection: close");
    let answer = read_to_close(&mut connect(server, &(head + body))).unwrap();
    (answer.get(9..12).unwrap_or_default().parse().unwrap_or_default(), answer)
}

#[test]
fn a_good_client_is_served_beside_slow_bodies() {
    let server = start(HttpLimits::default());
    let slow: Vec<_> = (0..80).map(|_| connect(&server, &(head(100) + "{"))).collect();
    thread::sleep(Duration::from_millis(100));
    for _ in 0..3 {
        let (status, answer) = post(&server, "{\"id\": 1}");
        assert_eq!(status, 202, "{answer}");
    }
    drop(slow);
}

#[test]
fn a_good_client_is_served_beside_more_connections_than_there_may_be() {
    let limits = HttpLimits { connections_max: 40, address_connections_max: 20, ..HttpLimits::default() };
    let server = start(limits);
    let mut idle: Vec<_> = (0..100).map(|_| connect(&server, "POST /v1/ev")).collect();
    let (status, answer) = post(&server, "{\"id\": 1}");
    assert_eq!(status, 202, "{answer}");
    let open = |socket: &mut TcpStream| {
        socket.set_nonblocking(true).unwrap();
        matches!(socket.read(&mut [0; 16]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    };
    let begun = Instant::now();
    loop {
        let count = idle.iter_mut().filter_map(|socket| open(socket).then_some(())).count();
        if count <= 20 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{count} connections of one address are open");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn slow_headers_and_idle_connections_are_closed() {
    let server = start(HttpLimits { header_time_max: Duration::from_millis(300), ..HttpLimits::default() });
    let mut silent = connect(&server, "");
    assert_eq!(read_to_close(&mut silent), Ok(String::new()));
    let mut trickling = connect(&server, "POST /v1/events HTTP/1.1\r\n");
    let begun = Instant::now();
    while trickling.write_all(b"x: 1\r\n").is_ok() {
        assert!(begun.elapsed() < PATIENCE, "a header comes forever");
        thread::sleep(Duration::from_millis(50));
    }
    let body = "{\"id\": 1}";
    let mut idle = connect(&server, &(head(body.len()) + body));
    let answer = read_to_close(&mut idle).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

#[test]
fn slow_bodies_are_answered_408() {
    let (stall, time) = (Duration::from_millis(300), Duration::from_millis(900));
    let server = start(HttpLimits { body_stall_max: stall, body_time_max: time, ..HttpLimits::default() });
    let mut stalled = connect(&server, &(head(100) + "{"));
    let answer = read_to_close(&mut stalled);
    assert!(answer.as_ref().is_ok_and(|answer| answer.starts_with("HTTP/1.1 408")), "{answer:?}");
    let mut trickling = connect(&server, &head(100_000));
    let begun = Instant::now();
    while trickling.write_all(b" ").is_ok() {
        assert!(begun.elapsed() < PATIENCE, "a body comes forever");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(begun.elapsed() >= time, "it brought something all the time");
}

#[test]
fn unfinished_bodies_hold_no_more_than_they_may() {
    let limits = HttpLimits { bodies_bytes_max: 3_000, address_bodies_bytes_max: 3_000, ..HttpLimits::default() };
    let server = start(limits);
    let held: Vec<_> = (0..2).map(|_| connect(&server, &(head(2_000) + &" ".repeat(1_400)))).collect();
    thread::sleep(Duration::from_millis(200));
    let (status, answer) = post(&server, &format!("{{\"id\": 1}}{}", " ".repeat(500)));
    assert_eq!(status, 429, "{answer}");
    assert!(answer.to_ascii_lowercase().contains("retry-after: 1"), "{answer}");
    drop(held);
    let begun = Instant::now();
    while post(&server, &format!("{{\"id\": 1}}{}", " ".repeat(500))).0 != 202 {
        assert!(begun.elapsed() < PATIENCE, "what was held is not given back");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_end_does_not_wait_for_whoever_stays() {
    let limits = HttpLimits { shutdown_time_max: Duration::from_millis(500), ..HttpLimits::default() };
    let server = start(limits);
    let slow = [connect(&server, ""), connect(&server, "POST /v1"), connect(&server, &(head(100) + "{"))];
    thread::sleep(Duration::from_millis(100));
    let (sender, ended) = std::sync::mpsc::channel();
    thread::spawn(move || {
        drop(server);
        sender.send(()).unwrap();
    });
    assert!(ended.recv_timeout(PATIENCE).is_ok(), "the endpoint waits for its clients");
    drop(slow);
}

#[test]
fn an_event_above_its_limit_is_refused_with_the_limit() {
    let server = start(HttpLimits { event_bytes_max: 100, ..HttpLimits::default() });
    let body = format!("{{\"id\": 1}}\n{{\"id\": 2, \"x\": \"{}\"}}", "y".repeat(100));
    for query in ["", "?invalid=dead-letter"] {
        let head = head(body.len()).replace("/v1/events", &format!("/v1/events{query}"));
        let head = head.replace("host", "connection: close\r\nhost");
        let answer = read_to_close(&mut connect(&server, &(head + &body))).unwrap();
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("100 at most"), "{answer}");
    }
}
