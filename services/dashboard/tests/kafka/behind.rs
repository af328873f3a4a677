//! A page that does not keep up goes to the end, and says which share it drew; what it counts stays exact.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::{cluster::Cluster, input};

/// More rows than a page reads at once, many times over.
const EVENTS: u64 = 60_000;
/// Longer than rows may be old before a page counts as behind.
const AWAY: Duration = Duration::from_secs(8);

#[test]
fn a_page_that_is_far_behind_passes_rows_over_and_says_so() {
    let mut cluster = Cluster::start(EVENTS);
    let page = cluster.dashboard(&[]);
    page.wait("/overview", |overview| overview["drawn"]["offered"] == 0);
    page.signal("STOP");
    cluster.run_the_stream();
    let bad = EVENTS / input::RECORDS * input::BAD;
    cluster.wait_for(EVENTS - bad / 2);
    thread::sleep(AWAY);
    page.signal("CONT");
    let injected = EVENTS / input::RECORDS * input::INJECTED;
    let whole = |overview: &Value| {
        let layers = overview["alarms"]["layers"].as_array().unwrap();
        let counted = layers.iter().any(|layer| layer["name"] == "high_energy" && layer["alarms"] == injected);
        let ledger = &overview["ledger"];
        let out = ledger["out"].as_u64().unwrap();
        // What was passed over counts with the marks of transactions between the rows.
        counted && ledger["records"] == EVENTS && overview["drawn"]["offered"].as_u64().unwrap() >= out
    };
    let overview = page.wait("/overview", whole);
    let drawn = &overview["drawn"];
    println!("{EVENTS} events: {drawn}");
    let share = drawn["share"].as_f64().unwrap();
    assert!(share > 0.0 && share < 0.9, "{drawn}");
    assert_eq!((&overview["ledger"]["balance"], &overview["ledger"]["balances"]), (&json!(0), &json!(true)));
}
