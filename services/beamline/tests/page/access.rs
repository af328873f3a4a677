//! Who is answered.

use std::{fs, net::TcpListener, process::Stdio, thread, time::Duration};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::run::{Run, beamline, definition};

#[test]
fn a_port_in_use_is_an_error_that_names_the_option() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "10");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = beamline();
    command.arg("run").arg(&stream).arg("--out").arg(folder.path().join("results")).args(["--page", &address]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("--page") && said.contains("--no-page"), "{said}");
}

#[test]
fn two_runs_have_two_pages_and_one_without_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "10");
    let start = |results: &str, args: &[&str]| {
        let mut command = beamline();
        command.arg("run").arg(&stream).arg("--out").arg(folder.path().join(results)).args(args).args(["--for", "2s"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (one, two, none) = (start("one", &[]), start("two", &[]), start("none", &["--no-page"]));
    let said = |child: std::process::Child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        text.lines().next().and_then(|line| line.strip_prefix("page: ")).map(str::to_owned)
    };
    let (one, two, none) = (said(one), said(two), said(none));
    assert!(one.is_some() && two.is_some() && one != two, "{one:?} {two:?}");
    assert_eq!(none, None);
}

#[test]
fn without_tokens_only_loopback_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "10");
    let mut command = beamline();
    command.arg("run").arg(&stream).arg("--out").arg(folder.path().join("results")).args(["--page", "0.0.0.0:0"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("--page-tokens"), "{said}");
}

#[test]
fn a_viewer_reads_an_operator_acknowledges_and_a_new_token_counts_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, tokens) = (definition(folder.path(), "300"), folder.path().join("tokens"));
    fs::create_dir(&tokens).unwrap();
    fs::write(tokens.join("viewer"), "viewer-token-0123456789").unwrap();
    fs::write(tokens.join("operator"), "operator-token-0123456789").unwrap();
    let args = ["--page", "0.0.0.0:0", "--page-tokens", tokens.to_str().unwrap()];
    let mut run = Run::start(&stream, &folder.path().join("results"), &args);
    run.url = run.url.replace("0.0.0.0", "127.0.0.1");
    let get = |path: &str, token: &str| {
        let request = run.client.get(run.api(path));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        request.send().unwrap().status()
    };
    for path in ["/session", "/streams", "/live?stream=particle-events", "/openapi.json", "/nothing"] {
        assert_eq!(get(path, ""), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(get(path, "viewer-token-012345678"), StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(get("/session", "viewer-token-0123456789"), StatusCode::OK);
    // The page itself asks for the token: it has no data.
    assert_eq!(run.client.get(format!("{}/", run.url)).send().unwrap().status(), StatusCode::OK);
    let post = |token: &str| {
        let request = run.client.post(run.api("/streams/particle-events/notes")).bearer_auth(token);
        request.json(&json!({ "kind": "note", "text": "hello" })).send().unwrap().status()
    };
    assert_eq!(post("viewer-token-0123456789"), StatusCode::FORBIDDEN);
    assert_eq!(post("operator-token-0123456789"), StatusCode::CREATED);
    fs::write(tokens.join("operator"), "rotated-token-0123456789").unwrap();
    thread::sleep(Duration::from_secs(3));
    assert_eq!(post("operator-token-0123456789"), StatusCode::UNAUTHORIZED);
    assert_eq!(post("rotated-token-0123456789"), StatusCode::CREATED);
}

#[test]
fn people_whom_a_proxy_has_signed_in_have_their_names_and_nobody_comes_in_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "300");
    let start = |proxy: &str, results: &str| {
        let args = ["--page-proxy", proxy, "--page-operators", "shift"];
        Run::start(&stream, &folder.path().join(results), &args)
    };
    let run = start("127.0.0.0/8", "here");
    let session = |person: Option<(&str, &str)>| {
        let request = run.client.get(run.api("/session"));
        let request = match person {
            Some((name, groups)) => request.header("x-forwarded-user", name).header("x-forwarded-groups", groups),
            None => request,
        };
        let answer = request.send().unwrap();
        (answer.status(), answer.json::<Value>().unwrap())
    };
    let (status, problem) = session(None);
    assert_eq!((status, &problem["code"]), (StatusCode::UNAUTHORIZED, &json!("sign-in-needed")));
    let (_, viewer) = session(Some(("bob@lab.example", "guests")));
    assert_eq!((&viewer["role"], &viewer["access"]), (&json!("viewer"), &json!("proxy")));
    let (_, operator) = session(Some(("ada@lab.example", "guests,shift")));
    assert_eq!((&operator["role"], &operator["author"]), (&json!("operator"), &json!("ada@lab.example")));
    let post = |name: &str, groups: &str| {
        let request = run.client.post(run.api("/streams/particle-events/notes"));
        let request = request.header("x-forwarded-user", name).header("x-forwarded-groups", groups);
        let answer =
            request.json(&json!({ "kind": "note", "text": "hello", "author": "somebody else" })).send().unwrap();
        (answer.status(), answer.json::<Value>().unwrap())
    };
    assert_eq!(post("bob@lab.example", "guests").0, StatusCode::FORBIDDEN);
    let (status, note) = post("ada@lab.example", "shift");
    assert_eq!(
        (status, &note["author"], &note["role"]),
        (StatusCode::CREATED, &json!("ada@lab.example"), &json!("operator"))
    );
    let elsewhere = start("10.42.0.0/16", "elsewhere");
    let forged = elsewhere.client.get(elsewhere.api("/session")).header("x-forwarded-user", "ada").send().unwrap();
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED, "only the proxy says who somebody is");
}

#[test]
fn a_strange_host_a_foreign_origin_and_a_form_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "10");
    let run = Run::start(&stream, &folder.path().join("results"), &[]);
    let get = run.client.get(run.api("/streams")).header("host", "evil.example").send().unwrap();
    assert_eq!(get.status(), StatusCode::MISDIRECTED_REQUEST);
    let notes = run.api("/streams/particle-events/notes");
    let note = json!({ "kind": "note", "text": "x" });
    let foreign = run.client.post(&notes).header("origin", "http://evil.example").json(&note).send().unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let form = run.client.post(&notes).header("content-type", "text/plain").body(note.to_string()).send().unwrap();
    assert_eq!(form.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for answer in [get, foreign, form, run.client.get(format!("{}/", run.url)).send().unwrap()] {
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("require-trusted-types-for"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
}
