//! `beamline tokens` against an API that answers as that of Kubernetes does.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    thread::{self, JoinHandle},
};

use serde_json::Value;

/// Answers requests one after the other with these; gives the requests.
fn api(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut bytes) = (String::new(), [0; 4096]);
            while !request.ends_with('}') {
                let read = stream.read(&mut bytes).unwrap();
                request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            }
            write!(
                stream,
                "HTTP/1.1 {answer}\r\nContent-Length: 24\r\nConnection: close\r\n\r\n{{\"message\":\"the reason\"}}"
            )
            .unwrap();
            requests.push(request);
        }
        requests
    };
    (url, thread::spawn(serve))
}

fn tokens(server: &str) -> (Option<i32>, String) {
    let account = tempfile::tempdir().unwrap();
    fs::write(account.path().join("token"), "of the pod\n").unwrap();
    fs::write(account.path().join("namespace"), "lab").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    command.args(["tokens", "--secret", "page", "--label", "a=b", "--server", server, "--account"]).arg(account.path());
    let output = command.env("NO_PROXY", "127.0.0.1").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn two_tokens_are_made_once_and_then_left_alone() {
    let (server, requests) = api(&["503 Service Unavailable", "201 Created", "409 Conflict"]);
    let (code, said) = tokens(&server);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = tokens(&server);
    assert_eq!((code, said.contains("is left as it is")), (Some(0), true), "{said}");
    let requests = requests.join().unwrap();
    for request in &requests {
        assert!(request.starts_with("POST /api/v1/namespaces/lab/secrets HTTP/1.1"), "{request}");
        assert!(request.to_lowercase().contains("authorization: bearer of the pod"), "{request}");
    }
    let secret = |request: &String| serde_json::from_str::<Value>(&request[request.find("{").unwrap()..]).unwrap();
    let made = secret(&requests[1]);
    assert_eq!((&made["metadata"]["name"], &made["metadata"]["labels"]["a"]), (&"page".into(), &"b".into()));
    let token = |secret: &Value, role: &str| secret["stringData"][role].as_str().unwrap().to_owned();
    assert!(token(&made, "viewer").len() == 64 && token(&made, "viewer") != token(&made, "operator"));
    // What was sent again is the same; another process would have made others.
    assert_eq!(secret(&requests[0]), made);
    assert_ne!(token(&secret(&requests[2]), "viewer"), token(&made, "viewer"));
}

#[test]
fn what_the_cluster_refuses_is_said() {
    let (server, requests) = api(&["403 Forbidden"]);
    let (code, said) = tokens(&server);
    requests.join().unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot make Secret page: 403 Forbidden the reason"), "{said}");
}
