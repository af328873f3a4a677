//! Every route: described as it is, and harmless whatever the data are.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::run::{Run, definition};

#[test]
fn the_description_lists_routes_that_are_there_and_answers_only_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "300");
    let run = Run::start(&stream, &folder.path().join("results"), &[]);
    run.wait("/streams/particle-events/anomalies?limit=1", |page| page["anomalies"][0].is_object());
    let document = run.get("/openapi.json");
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut called = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled = path.replace("{stream}", "particle-events").replace("{id}", "x").replace("{position}", "0");
        for method in item.as_object().unwrap().keys().filter(|method| ["get", "post"].contains(&method.as_str())) {
            let url = format!("{}{filled}", run.url);
            let request = match method.as_str() {
                "post" => run.client.post(url).json(&Value::Null),
                _ => run.client.get(url),
            };
            // The live stream would not end: without a stream's name it is refused.
            let response = request.send().unwrap();
            let status = response.status();
            let known = item[method]["responses"].as_object().unwrap();
            assert!(known.contains_key(status.as_str()), "{method} {path} answers {status}, which is not described");
            assert!(!status.is_server_error(), "{method} {path}: {status}");
            if status.is_client_error() {
                assert_eq!(response.headers()["content-type"], "application/problem+json", "{method} {path}");
            }
            called.insert(format!("{method} {path}"));
        }
    }
    assert!(called.len() >= 8, "{called:?}");
}
