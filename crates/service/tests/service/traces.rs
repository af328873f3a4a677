//! What OpenTelemetry's variables make of a running service: where it posts spans, and how; or that it does not start.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use flate2::read::GzDecoder;

use crate::life::Service;

const USUAL: [&str; 6] = [
    "--stream=s.yaml",
    "--kafka-bootstrap=kafka:9092",
    "--registry-url=http://registry:8081",
    "--listen=127.0.0.1:0",
    "--log-format=json",
    "--spans=1000",
];

/// How long a service may take to post its first spans, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as the collector gets it.
struct Posted {
    path: String,
    headers: String,
    body: Vec<u8>,
}

/// A collector that takes everything: its address, and what it was posted.
fn collector() -> (String, Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, posted) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(request) = take(&mut reader) {
                    answer(&stream);
                    if sender.send(request).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, posted)
}

fn take(reader: &mut BufReader<TcpStream>) -> Option<Posted> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let headers = head.to_ascii_lowercase();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length: "))?.trim().parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Posted { path: head.split(' ').nth(1)?.to_owned(), headers, body })
}

fn answer(mut stream: &TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

#[test]
fn spans_are_posted_where_and_as_the_variables_say() {
    let (address, posted) = collector();
    let endpoint = format!("{address}/of/traces");
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=detectors"),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let mut service = Service::start_with(&USUAL, &environment);
    let request = posted.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{}", service.log()));
    assert_eq!(request.path, "/of/traces");
    assert!(request.headers.contains("content-encoding: gzip\r\n"), "{}", request.headers);
    assert!(request.headers.contains("x-tenant: detectors\r\n"), "{}", request.headers);
    let mut body = Vec::new();
    GzDecoder::new(&request.body[..]).read_to_end(&mut body).unwrap();
    let has = |text: &[u8]| body.windows(text.len()).any(|part| part == text);
    assert!(has(b"send topic") && has(b"beamline-dummy"), "the spans are not in the body");
    service.signal("-TERM");
    assert_eq!(service.exit_code(), Some(0), "{}", service.log());
}

#[test]
fn a_sampler_that_is_off_and_a_disabled_kit_send_nothing() {
    for variable in [("OTEL_TRACES_SAMPLER", "always_off"), ("OTEL_SDK_DISABLED", "true")] {
        let (address, posted) = collector();
        let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", address.as_str()), ("BEAMLINE_TRACE_RATIO", "1"), variable];
        let mut service = Service::start_with(&USUAL, &environment);
        assert!(posted.recv_timeout(Duration::from_secs(3)).is_err(), "{variable:?}");
        service.signal("-TERM");
        assert_eq!(service.exit_code(), Some(0), "{}", service.log());
    }
}

#[test]
fn a_variable_that_cannot_be_obeyed_ends_the_service_and_is_named() {
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_TRACES_SAMPLER", "xray"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
    ];
    let mut service = Service::start_with(&USUAL, &environment);
    assert_eq!(service.exit_code(), Some(64), "{}", service.log());
    let log = service.log();
    assert!(log.contains("OTEL_TRACES_SAMPLER is `xray`; only"), "{log}");
    assert!(log.contains("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is `grpc`; only http/protobuf"), "{log}");
}

#[test]
fn a_certificate_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let path = path.to_str().unwrap();
    let environment =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:1"), ("OTEL_EXPORTER_OTLP_CERTIFICATE", path)];
    let mut service = Service::start_with(&USUAL, &environment);
    assert_eq!(service.exit_code(), Some(64), "{}", service.log());
    assert!(service.log().contains(&format!("cannot read {path}")), "{}", service.log());
}
