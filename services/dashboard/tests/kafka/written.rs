//! What people write on the page: notes that survive it, and repaired events that go back into the stream.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{cluster::Cluster, input, page::Page};

pub(crate) fn notes_survive(cluster: &Cluster) {
    let page = cluster.dashboard(&[]);
    let found = page.wait("/anomalies?limit=2&reason=high_energy", |_| true);
    let seen = found["anomalies"][0]["id"].clone();
    let draft = json!({ "kind": "acknowledgement", "anomalies": [seen], "text": "a test pulse", "author": "Ada" });
    let (status, kept) = page.post("/notes", &draft);
    assert_eq!(status, StatusCode::CREATED, "{kept}");
    let unseen = json!({ "kind": "acknowledgement", "anomalies": ["nobody saw this"] });
    assert_eq!(page.post("/notes", &unseen).0, StatusCode::UNPROCESSABLE_ENTITY);
    // Another page hears of it while both run, and the next one finds it.
    let other = cluster.dashboard(&[]);
    other.wait("/notes", |found| found["notes"][0] == kept);
    page.kill();
    other.kill();
    let page = cluster.dashboard(&[]);
    let notes = page.wait("/notes", |found| found["notes"][0] == kept);
    assert_eq!(notes["notes"][0]["author"], "Ada");
    let story = page.get(&format!("/anomalies/{}", seen.as_str().unwrap()));
    assert_eq!((&story["anomaly"]["acknowledged"]["author"], &story["notes"][0]), (&json!("Ada"), &kept));
    let asked = json!({ "sql": "SELECT author, text, anomalies[1] FROM notes WHERE kind = 'acknowledgement'" });
    assert_eq!(page.post("/query", &asked).1["rows"], json!([["Ada", "a test pulse", seen]]));
    page.wait("/overview", |overview| {
        overview["alarms"]["total"].as_u64().unwrap() == overview["alarms"]["open"].as_u64().unwrap() + 1
    });
}

pub(crate) fn repaired_events_come_through(cluster: &Cluster) {
    let page = cluster.dashboard(&["--page-redrive"]);
    let found =
        page.wait("/dead-letters?rule=positive_energy", |found| !found["letters"].as_array().unwrap().is_empty());
    let position = found["letters"][0]["position"].as_str().unwrap().to_owned();
    let mut event = page.get(&format!("/dead-letters/{position}"))["decoded"].clone();
    let send = |event: &Value, dry: bool| {
        let body = json!({ "dry_run": dry, "author": "Ada", "events": [{ "position": position, "event": event }] });
        let (status, found) = page.post("/dead-letters/redrive", &body);
        assert_eq!(status, StatusCode::OK, "{found}");
        found
    };
    let refused = send(&event, false);
    assert_eq!((&refused["applied"], &refused["accepted"]), (&json!(false), &json!(0)), "{refused}");
    event["energy_gev"] = json!(7.5);
    let tried = send(&event, true);
    assert_eq!((&tried["applied"], &tried["accepted"]), (&json!(false), &json!(1)), "{tried}");
    let sent = send(&event, false);
    assert_eq!((&sent["applied"], &sent["outcome"]), (&json!(true), &json!("they are sent to the stream's topic")));
    cluster.wait_for(input::RECORDS - input::BAD / 2 + 1);
    let sql = format!("SELECT energy_gev FROM processed_data WHERE event_id = {}", quoted(&event["event_id"]));
    assert_eq!(page.post("/query", &json!({ "sql": sql })).1["rows"], json!([[7.5]]));
    assert_eq!(send(&event, false)["rejected"][0]["reason"], "it was put back before");
    marked(&page, &position);
    page.kill();
    // The next page knows it too, and the account of the stream balances.
    let page = cluster.dashboard(&[]);
    page.wait("/overview", |overview| overview["dead_letters"]["open"] == input::BAD - 1);
    marked(&page, &position);
    let ledger =
        page.wait("/overview", |overview| overview["ledger"]["records"] == input::RECORDS + 1)["ledger"].clone();
    assert_eq!(ledger["balance"], 0, "{ledger}");
}

fn marked(page: &Page, position: &str) {
    let redriven = page.get(&format!("/dead-letters/{position}"))["letter"]["redriven"].clone();
    assert_eq!((&redriven["author"], &redriven["outcome"]), (&json!("Ada"), &json!("put back")));
    let open = page.get("/dead-letters?state=open&rule=positive_energy");
    assert!(open["letters"].as_array().unwrap().iter().all(|letter| letter["position"] != position), "{open}");
}

fn quoted(text: &Value) -> String {
    format!("'{}'", text.as_str().unwrap())
}
