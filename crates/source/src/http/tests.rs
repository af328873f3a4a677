//! The endpoint over a real socket.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
};

use arrow::datatypes::{DataType, Field, Schema};
use serde_json::Value;

use super::*;

fn open(folder: &Path, backlog_max: u64) -> HttpSource {
    let definition =
        stream::Http { listen: "127.0.0.1:0".into(), body_bytes_max: 1000, backlog_max, ..stream::Http::default() };
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("x", DataType::Float64, true)];
    let log = Log::open(folder).unwrap();
    HttpSource::open(&definition, Arc::new(Schema::new(fields)), 500, log).unwrap()
}

/// Status, head and body of the answer.
fn send(source: &HttpSource, path: &str, content_type: &str, body: &str) -> (u16, String, Value) {
    let mut socket = TcpStream::connect(source.address().unwrap()).unwrap();
    let method = if path.starts_with("/v1/events") { "POST" } else { "GET" };
    let content_type =
        if content_type.is_empty() { String::new() } else { format!("content-type: {content_type}\r\n") };
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{content_type}content-length: {length}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    // The server may answer and close before it has read a body that is too long.
    let _ = socket.write_all(body.as_bytes());
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

fn drain(source: &mut HttpSource) -> (Vec<u64>, Vec<(u64, String)>) {
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    while let Next::Records(records) = source.next(2).unwrap() {
        rows.extend(records.positions.values());
        rejected
            .extend(records.rejected.into_iter().map(|r| (r.position, String::from_utf8(r.payload.to_vec()).unwrap())));
    }
    (rows, rejected)
}

#[test]
fn events_are_checked_kept_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = open(folder.path(), 100);
    let events = "/v1/events";
    assert_eq!(send(&source, "/v1/health", "", "").0, 200);
    let (status, _, body) = send(&source, events, "application/json", "[{\"id\": 1},\n {\"id\": 2, \"x\": 0.5}]");
    assert_eq!((status, &body["accepted"]), (202, &2.into()));
    assert_eq!(send(&source, events, "", "{\"id\": 3}\n\n{\"id\": 4}\n").0, 202);
    let (status, _, body) = send(&source, events, "application/x-ndjson", "{\"id\": 5}\n{\"id\": \"no\"}\nnonsense");
    assert_eq!((status, &body["rejected"][0]["index"], &body["rejected"][1]["index"]), (400, &1.into(), &2.into()));
    assert_eq!(drain(&mut source), (vec![0, 1, 2, 3], vec![]));
    let (status, _, body) = send(&source, "/v1/events?invalid=dead-letter", "", "{\"id\": 5}\nnonsense");
    assert_eq!((status, &body["accepted"], &body["invalid"]), (202, &2.into(), &1.into()));
    assert_eq!(drain(&mut source), (vec![4], vec![(5, "nonsense".to_owned())]));
    drop(source);
    let mut source = open(folder.path(), 100);
    source.seek(&Cursor { position: 3, ..Cursor::default() }).unwrap();
    assert_eq!(drain(&mut source), (vec![3, 4], vec![(5, "nonsense".to_owned())]));
}

#[test]
fn what_cannot_be_taken_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = open(folder.path(), 3);
    let events = "/v1/events";
    for (content_type, body, status) in [
        ("", "", 400),
        ("application/json", " \n", 400),
        ("application/json", "[]", 400),
        ("", "[{\"id\": 1}", 400),
        ("text/csv", "id\n1", 415),
        ("", &"x".repeat(1001), 413),
    ] {
        assert_eq!(send(&source, events, content_type, body).0, status, "{content_type} {body:.20}");
    }
    assert_eq!(send(&source, events, "", "[{\"id\": 1}, {\"id\": 2}]").0, 202);
    let (status, head, _) = send(&source, events, "", "[{\"id\": 3}, {\"id\": 4}]");
    assert_eq!(status, 429);
    assert!(head.to_ascii_lowercase().contains("retry-after: 1"), "{head}");
    assert_eq!(drain(&mut source).0, [0, 1]);
    assert_eq!(send(&source, events, "", "[{\"id\": 3}, {\"id\": 4}]").0, 202);
}
