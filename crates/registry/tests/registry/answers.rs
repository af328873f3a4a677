//! What the client makes of answers, good, bad and missing.

use std::{
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use registry::{Level, Registry, RegistryError, Settings};

use crate::scripted::Scripted;

const UNKNOWN: (u16, &str) = (404, r#"{"error_code": 40403, "message": "Schema not found"}"#);
const NO_SUBJECT: (u16, &str) = (404, r#"{"error_code": 40401, "message": "Subject not found"}"#);
const SCHEMA: (u16, &str) = (200, r#"{"schema": "\"int\""}"#);

fn client(url: &str, retry_for: Duration) -> Registry {
    Registry::new(&Settings { retry_for, ..Settings::new(url) }).unwrap()
}

fn scripted(answers: &[(u16, &str)]) -> (Scripted, Registry) {
    let server = Scripted::new(answers);
    let client = client(&server.url, Duration::from_secs(10));
    (server, client)
}

#[test]
fn a_registry_that_is_ill_is_asked_again() {
    let (server, client) = scripted(&[(503, ""), (429, "slow down"), (408, ""), (500, "{}"), (502, "<html>"), SCHEMA]);
    assert_eq!(&*client.schema(7).unwrap(), "\"int\"");
    assert_eq!(server.requests().len(), 6);
    assert_eq!(&*client.schema(7).unwrap(), "\"int\"");
    assert_eq!(server.requests().len(), 6, "a schema is asked for once");
}

#[test]
fn a_registry_that_comes_late_is_waited_for() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(700));
        let listener = TcpListener::bind(address).unwrap();
        let body = SCHEMA.1;
        for mut stream in listener.incoming().map_while(Result::ok) {
            use std::io::{Read, Write};
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    let client = client(&format!("http://{address}"), Duration::from_secs(10));
    assert!(!client.is_ready());
    assert_eq!(&*client.schema(7).unwrap(), "\"int\"");
}

#[test]
fn a_registry_that_stays_away_is_given_up() {
    let begun = Instant::now();
    let error = client("http://127.0.0.1:1", Duration::from_millis(500)).schema(7).unwrap_err();
    assert!(begun.elapsed() >= Duration::from_millis(500));
    assert!(error.is_retriable(), "{error:?}");
    let message = error.to_string();
    assert!(
        message.contains("no answer from the schema registry at http://127.0.0.1:1 (Connection refused"),
        "{message}"
    );
    assert!(message.contains("tried for 1 s"), "{message}");
    let (_server, client) = scripted(&[(503, r#"{"error_code": 50301, "message": "no leader"}"#)]);
    let error = client.retrying_for(Duration::from_millis(200)).schema(7).unwrap_err();
    assert!(error.is_retriable());
    assert!(error.to_string().ends_with("cannot read schema 7: status 503, no leader"), "{error}");
}

#[test]
fn an_unknown_id_is_an_answer_and_a_flood_of_them_no_flood_of_requests() {
    let (server, client) = scripted(&[UNKNOWN]);
    let begun = Instant::now();
    assert_eq!(client.schema(7), Err(RegistryError::UnknownId { id: 7 }));
    assert!(begun.elapsed() >= Duration::from_millis(500), "the first stranger is given time");
    let asked = server.requests().len();
    for _ in 0..1000 {
        assert_eq!(client.schema(7), Err(RegistryError::UnknownId { id: 7 }));
    }
    assert_eq!(server.requests().len(), asked, "a stranger is remembered for a while");
    assert_eq!(client.schema(8), Err(RegistryError::UnknownId { id: 8 }));
    assert_eq!(server.requests().len(), asked + 1, "the next one is asked for once");
}

#[test]
fn an_id_that_one_replica_does_not_know_yet_is_found() {
    let (_server, client) = scripted(&[UNKNOWN, UNKNOWN, SCHEMA]);
    assert_eq!(&*client.schema(7).unwrap(), "\"int\"");
}

#[test]
fn an_id_can_become_known() {
    let (_server, client) = scripted(&[UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, SCHEMA]);
    let begun = Instant::now();
    while client.schema(7) == Err(RegistryError::UnknownId { id: 7 }) {
        assert!(begun.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(&*client.schema(7).unwrap(), "\"int\"");
}

#[test]
fn a_server_that_is_no_registry_is_no_reason_to_think_a_schema_unknown() {
    for answer in [(404, "<html>not found</html>"), (404, ""), (200, "<html>hello</html>"), (200, "{}")] {
        let (_server, client) = scripted(&[answer]);
        let error = client.schema(7).unwrap_err();
        assert!(matches!(error, RegistryError::Answer { .. }), "{answer:?}: {error:?}");
        assert!(error.to_string().contains("base path included"), "{error}");
        assert!(!client.is_ready());
    }
}

#[test]
fn a_schema_of_another_kind_is_refused() {
    let (_server, client) = scripted(&[(200, r#"{"schema": "message X {}", "schemaType": "PROTOBUF"}"#)]);
    assert!(client.schema(7).unwrap_err().to_string().contains("schema 7 is PROTOBUF, not Avro"));
}

#[test]
fn what_is_registered_is_only_looked_up() {
    let (server, client) = scripted(&[(200, r#"{"subject": "a-value", "version": 1, "id": 5, "schema": "\"int\""}"#)]);
    assert_eq!(client.register("a-value", "\"int\""), Ok(5));
    assert_eq!(client.register("a-value", "\"int\""), Ok(5));
    assert_eq!(&*client.schema(5).unwrap(), "\"int\"");
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with("POST /subjects/a-value HTTP/1.1"), "{}", requests[0]);
    assert!(requests[0].ends_with(r#"{"schema":"\"int\""}"#), "{}", requests[0]);
}

#[test]
fn a_schema_that_does_not_fit_is_told_with_the_reasons_there_are() {
    let conflict = (409, r#"{"error_code": 409, "message": "incompatible"}"#);
    let verbose = (200, r#"{"is_compatible": false, "messages": ["field `a` has no default"]}"#);
    let flag = (200, r#"{"is_compatible": false}"#);
    for (check, reason) in [(verbose, "field `a` has no default"), (flag, "incompatible")] {
        let (_server, client) = scripted(&[NO_SUBJECT, conflict, check]);
        let error = client.register("a-value", "\"int\"").unwrap_err();
        let (subject, messages) = ("a-value".to_owned(), vec![reason.to_owned()]);
        assert_eq!(error, RegistryError::Incompatible { subject, messages });
    }
    let (_server, client) = scripted(&[(422, r#"{"error_code": 42201, "message": "Invalid schema"}"#)]);
    let error = client.register("a-value", "nonsense").unwrap_err();
    assert_eq!(error.to_string(), "the schema registry refuses the schema of subject `a-value`: Invalid schema");
}

#[test]
fn lists_may_be_null() {
    let (_server, client) = scripted(&[(200, "null")]);
    assert_eq!(client.subjects(), Ok(Vec::new()));
    assert_eq!(client.versions("a-value"), Ok(Vec::new()));
}

#[test]
fn a_level_that_does_not_take_is_an_error() {
    let (_server, client) =
        scripted(&[(200, r#"{"compatibility": "NONE"}"#), (200, r#"{"compatibilityLevel": "BACKWARD"}"#)]);
    let error = client.set_compatibility("a-value", Level::None).unwrap_err();
    assert!(error.to_string().contains("it is BACKWARD after it was set to NONE"), "{error}");
}

#[test]
fn credentials_are_sent_and_never_shown() {
    let server = Scripted::new(&[(401, r#"{"error_code": 40101, "message": "Unauthorized"}"#)]);
    let mut settings = Settings::new(&server.url);
    (settings.username, settings.password) = (Some("ann".to_owned()), Some("hunter2".into()));
    let client = Registry::new(&settings).unwrap();
    let error = client.schema(7).unwrap_err();
    assert!(matches!(&error, RegistryError::Refused { status: 401, .. }), "{error:?}");
    assert!(server.requests()[0].contains("authorization: Basic YW5uOmh1bnRlcjI="), "{}", server.requests()[0]);
    assert!(!client.is_ready());
    for shown in [error.to_string(), format!("{error:?}"), format!("{client:?}"), format!("{settings:?}")] {
        assert!(!shown.contains("hunter2") && !shown.contains("YW5uOmh1bnRlcjI="), "{shown}");
    }
}

#[test]
fn settings_that_reach_nothing_are_refused_at_once() {
    for (url, part) in [
        ("registry:8081", "must begin with http"),
        ("ftp://registry", "must begin with http"),
        ("", "is not a URL"),
        ("http://ann:hunter2@registry:8081", "the URL of http://registry:8081 must hold no credentials"),
    ] {
        let error = Registry::new(&Settings::new(url)).unwrap_err();
        assert!(matches!(error, RegistryError::Settings(_)));
        assert!(error.to_string().contains(part), "{error}");
    }
    let settings = Settings { ca_file: Some("/nowhere/ca.pem".into()), ..Settings::new("https://registry") };
    assert!(Registry::new(&settings).unwrap_err().to_string().contains("/nowhere/ca.pem"));
    let settings = Settings { ca_file: Some("Cargo.toml".into()), ..Settings::new("https://registry") };
    assert!(Registry::new(&settings).unwrap_err().to_string().contains("no certificate"));
}

#[test]
fn a_base_path_is_kept_and_a_subject_escaped() {
    let server = Scripted::new(&[NO_SUBJECT]);
    for base in ["/apis/ccompat/v7", "/apis/ccompat/v7/"] {
        let client = client(&format!("{}{base}", server.url), Duration::ZERO);
        assert_eq!(client.latest("a/b c-value"), Ok(None));
    }
    for request in server.requests() {
        let expected = "GET /apis/ccompat/v7/subjects/a%2Fb%20c-value/versions/latest HTTP/1.1";
        assert!(request.starts_with(expected), "{request}");
    }
}

#[test]
fn of_several_replicas_one_that_answers_is_enough() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let server = Scripted::new(&[SCHEMA, (200, r#"{"compatibilityLevel": "FULL"}"#)]);
    let client = client(&format!("{away}, {}", server.url), Duration::ZERO);
    assert_eq!(&*client.schema(7).unwrap(), "\"int\"");
    assert_eq!(client.compatibility("a-value"), Ok(Level::Full));
    assert!(client.is_ready());
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn when_no_replica_answers_all_are_named() {
    let error = client("http://127.0.0.1:1, http://127.0.0.1:2", Duration::ZERO).schema(7).unwrap_err();
    assert!(error.is_retriable(), "{error:?}");
    assert!(error.to_string().contains("at http://127.0.0.1:1, http://127.0.0.1:2 (Connection refused"), "{error}");
}

#[test]
fn of_several_urls_each_is_checked() {
    let error = Registry::new(&Settings::new("http://registry:8081,registry:8082")).unwrap_err();
    assert!(error.to_string().contains("`registry:8082` must begin with http"), "{error}");
}
