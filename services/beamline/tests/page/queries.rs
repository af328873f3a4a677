//! A person's SQL: read-only, limited, in three forms, ended when nobody waits.

use std::{
    thread,
    time::{Duration, Instant},
};

use reqwest::{StatusCode, blocking::Client};
use serde_json::json;

use crate::run::{PATIENCE, Run, definition};

const QUERY: &str = "/streams/particle-events/query";

fn started(folder: &std::path::Path) -> Run {
    let run = Run::start(&definition(folder, "2000"), &folder.join("results"), &[]);
    run.wait("/streams/particle-events/overview", |overview| overview["ledger"]["records"].as_u64() > Some(2000));
    run
}

#[test]
fn rows_come_as_json_csv_or_parquet_and_say_where_they_were_cut() {
    let folder = tempfile::tempdir().unwrap();
    let run = started(folder.path());
    let sql = "SELECT event_id, energy_gev, timestamp FROM processed_data ORDER BY event_id";
    let (status, found) = run.post(QUERY, &json!({ "sql": sql, "limit": 7 }));
    assert_eq!((status, found["rows"].as_array().unwrap().len()), (StatusCode::OK, 7), "{found}");
    assert_eq!((found["truncated"].as_bool(), found["columns"][1]["kind"].as_str()), (Some(true), Some("number")));
    let file = |accept: &str| {
        let request = run.client.post(run.api(QUERY)).header("accept", accept);
        let answer = request.json(&json!({ "sql": sql, "limit": 7 })).send().unwrap();
        assert_eq!((answer.status(), &answer.headers()["content-type"]), (StatusCode::OK, &accept.parse().unwrap()));
        assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
        answer.bytes().unwrap()
    };
    assert_eq!(String::from_utf8(file("text/csv").to_vec()).unwrap().lines().count(), 8);
    let parquet = file("application/vnd.apache.parquet");
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
}

#[test]
fn nothing_can_be_changed_and_mistakes_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let run = started(folder.path());
    let target = folder.path().join("stolen.csv");
    let changes = [
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "DROP TABLE anomalies".to_owned(),
        "INSERT INTO notes SELECT * FROM notes".to_owned(),
        format!("COPY (SELECT 1) TO '{}'", target.display()),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        format!("EXPLAIN ANALYZE COPY (SELECT 1) TO '{}'", target.display()),
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'".to_owned(),
    ];
    for sql in changes {
        let (status, problem) = run.post(QUERY, &json!({ "sql": sql }));
        assert_eq!(
            (status, problem["code"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("read-only")),
            "{sql}: {problem}"
        );
    }
    assert!(!target.exists());
    for sql in ["SELECT * FROM '/etc/passwd'", "SELECT nothing FROM processed_data", "SELEC", "", "SELECT 1; SELECT 2"]
    {
        let (status, problem) = run.post(QUERY, &json!({ "sql": sql }));
        assert_eq!(
            (status, problem["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("bad-query")),
            "{sql}: {problem}"
        );
    }
}

#[test]
fn a_query_that_nobody_waits_for_ends_and_more_than_two_are_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let run = started(folder.path());
    let endless = "SELECT count(*) FROM processed_data a, processed_data b, processed_data c WHERE a.pt * b.pt > c.pt";
    let asked: Vec<_> = (0..2)
        .map(|_| {
            let url = run.api(QUERY);
            thread::spawn(move || {
                let hasty = Client::builder().no_proxy().timeout(Duration::from_secs(3)).build().unwrap();
                hasty.post(url).json(&json!({ "sql": endless })).send().map(|answer| answer.status())
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(1000));
    let answer = run.client.post(run.api(QUERY)).json(&json!({ "sql": "SELECT 1" })).send().unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "two run already");
    assert!(answer.headers().contains_key("retry-after"));
    for client in asked {
        assert!(client.join().unwrap().is_err(), "the client gave up; the query would have gone on");
    }
    let begun = Instant::now();
    while run.post(QUERY, &json!({ "sql": "SELECT 1" })).0 != StatusCode::OK {
        assert!(begun.elapsed() < PATIENCE / 4, "the queries still run though nobody waits");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn an_answer_that_is_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = started(folder.path());
    let sql = "SELECT repeat('x', 1000000) AS text FROM processed_data LIMIT 2000";
    let request = run.client.post(run.api(QUERY)).header("accept", "text/csv");
    let answer = request.json(&json!({ "sql": sql })).send().unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}
