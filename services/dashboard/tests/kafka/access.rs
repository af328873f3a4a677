//! Tokens: without one nothing, with a viewer's to look, with an operator's to act, and a new one counts at once.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    page::{PATIENCE, Page},
};

const VIEWER: &str = "a token for those who look";
const OPERATOR: &str = "a token for those who act";

pub(crate) fn of_two_roles(cluster: &Cluster) {
    let tokens = tempfile::tempdir().unwrap();
    fs::write(tokens.path().join("viewer"), VIEWER).unwrap();
    fs::write(tokens.path().join("operator"), OPERATOR).unwrap();
    let page = cluster.dashboard(&["--page-tokens", &tokens.path().display().to_string()]);
    let begun = Instant::now();
    while page.ask(Method::GET, "/session", Some(VIEWER), None).is_err() {
        assert!(begun.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(100));
    }
    let status = |method: Method, path: &str, token: Option<&str>, body: Option<&Value>| {
        page.ask(method, path, token, body).unwrap().0
    };
    let note = json!({ "kind": "note", "text": "the beam is back" });
    let repaired = json!({ "dry_run": true, "events": [{ "position": "raw-0-0", "event": {} }] });
    let (notes, redrive) = ("/streams/particles/notes", "/streams/particles/dead-letters/redrive");
    for (path, body) in [(notes, &note), (redrive, &repaired)] {
        assert_eq!(status(Method::POST, path, None, Some(body)), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(status(Method::POST, path, Some(VIEWER), Some(body)), StatusCode::FORBIDDEN, "{path}");
        assert!(status(Method::POST, path, Some(OPERATOR), Some(body)).is_success(), "{path}");
    }
    assert_eq!(status(Method::GET, "/streams", None, None), StatusCode::UNAUTHORIZED);
    assert_eq!(status(Method::GET, "/streams", Some("another token, of nobody"), None), StatusCode::UNAUTHORIZED);
    assert_eq!(status(Method::GET, "/streams", Some(VIEWER), None), StatusCode::OK);
    // A Secret that is mounted is replaced as a whole.
    fs::write(tokens.path().join("viewer"), "a token that came later").unwrap();
    replaced(&page, VIEWER, StatusCode::UNAUTHORIZED);
    replaced(&page, "a token that came later", StatusCode::OK);
    replaced(&page, OPERATOR, StatusCode::OK);
}

fn replaced(page: &Page, token: &str, wanted: StatusCode) {
    let begun = Instant::now();
    while page.ask(Method::GET, "/streams", Some(token), None).unwrap().0 != wanted {
        assert!(begun.elapsed() < Duration::from_secs(20), "`{token}` is not answered with {wanted}");
        thread::sleep(Duration::from_millis(200));
    }
}
