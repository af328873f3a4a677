//! What keys share belongs to a partition: whatever is cut, committed and read again, each event reads what it read at first; and
//! a key that is new is useful early.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, UInt64Array},
    compute::concat_batches,
};
use fixtures::{Memory, Random};
use proptest::prelude::*;
use stage::{Detect, Outputs, Rows, Stage, Traces};
use stream::Stream;

#[path = "lives/life.rs"]
mod life;

use life::{lived, positions, step};

const SCHEMA: &str = r#"{ "type": "record", "name": "Login", "fields": [
    { "name": "id", "type": "string" }, { "name": "user", "type": "string" }, { "name": "at", "type": "string" },
    { "name": "country", "type": "string" }, { "name": "value", "type": "double" } ] }"#;

/// Who logs in from there has a value that is far out.
const FAR: &str = "is";

fn stream(detect: &str) -> Arc<Stream> {
    let text = format!(
        "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: {{ name: logins }}\nspec:\n  schema: login.avsc\n  id: id\n  key: user\n  time: at\n  partitions: 1\n  detect: {detect}\n"
    );
    Arc::new(Stream::load("logins.yaml", &text, &Memory(&[("login.avsc", SCHEMA)])).unwrap())
}

/// Logins of users, from these countries, at these positions.
fn rows(stream: &Stream, of: &[(String, &str)], positions: Vec<u64>) -> Rows {
    let keys = StringArray::from_iter_values(of.iter().map(|(user, _)| user));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values((0..of.len()).map(|row| format!("r{row}")))),
        Arc::new(keys.clone()),
        Arc::new(StringArray::from_iter_values(of.iter().map(|_| "2025-01-01T00:00:00Z"))),
        Arc::new(StringArray::from_iter_values(of.iter().map(|(_, country)| country))),
        Arc::new(Float64Array::from_iter_values(
            of.iter()
                .enumerate()
                .map(|(row, (_, country))| if *country == FAR { 1e4 } else { (row * 7919 % 101) as f64 }),
        )),
    ];
    Rows {
        batch: RecordBatch::try_new(stream.input.arrow().clone(), columns).unwrap(),
        positions: UInt64Array::from(positions),
        keys,
        ingested: None,
        traces: Traces::default(),
    }
}

fn all(outputs: &Outputs) -> Option<RecordBatch> {
    let schema = outputs.rows.first()?.batch.schema();
    Some(concat_batches(&schema, outputs.rows.iter().map(|rows| &rows.batch)).unwrap())
}

fn detector(stream: &Arc<Stream>) -> Detect {
    Detect::new(stream.clone()).unwrap().unwrap()
}

fn logins() -> impl Strategy<Value = Vec<(String, &'static str)>> {
    let user = prop::sample::select(vec!["ann", "bob", "cy", "dee", "eve", "flo"]).prop_map(str::to_owned);
    let country = prop::sample::select(vec!["de", "de", "de", "de", "fr", "fr", "is", "jp"]);
    prop::collection::vec((user, country), 1..400)
}

const DETECT: &str = "{ features: [value, 'frequency(country)'], layers: { chains: false, rate: true, burst: true }, \
                      false_alarm_rate: 0.1, warm_up: 16, share_every: 9, episode_after: 3 }";

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_cut_committed_and_read_again_every_event_reads_what_it_read_at_first(
        of in logins(),
        steps in prop::collection::vec(step(), 1..60),
        gaps in prop::collection::vec(1..30u64, 400),
        from_log: bool,
    ) {
        let stream = stream(DETECT);
        let mut quiet = Outputs::default();
        detector(&stream).process(rows(&stream, &of, (0..of.len() as u64).collect()), &mut quiet).unwrap();

        // Elsewhere the same rows have other positions.
        let kept = lived(&stream, &rows(&stream, &of, positions(&gaps, of.len())), steps, from_log);
        prop_assert_eq!(all(&quiet), all(&kept));
    }
}

/// A key that is read again from far back would need all that was frozen since: it is written down before.
#[test]
fn no_key_waits_for_more_blocks_than_are_kept() {
    let stream = stream("{ features: ['frequency(country)'], share_every: 4 }");
    let of: Vec<(String, &str)> = (0..3_000).map(|row| (format!("u{row}"), "de")).collect();
    let mut stage = detector(&stream);
    stage.process(rows(&stream, &of, (0..3_000).collect()), &mut Outputs::default()).unwrap();
    assert_eq!(stage.horizon(), Some(0));
    let snapshots = stage.snapshots(0).unwrap();
    let (frozen, keys): (Vec<_>, Vec<_>) = snapshots.iter().partition(|(key, _)| key.starts_with('\u{0}'));
    assert_eq!(stage.horizon(), Some(3_000 - 255 * 4), "of 256 blocks the last is open");
    assert_eq!((frozen.len(), keys.len()), (256 + 1, 3_000 - 255 * 4));
    // Once all is written, what was frozen is let go of, but for the last.
    let gone = stage.snapshots(1 << 30).unwrap().iter().filter(|(_, snapshot)| snapshot.is_empty()).count();
    assert_eq!((gone, stage.horizon()), (255, None));
}

#[test]
fn a_damaged_snapshot_of_what_keys_share_is_an_error() {
    let stream = stream("{ features: ['frequency(country)'], share_every: 4 }");
    for key in ["\u{0}shared", "\u{0}shared 1"] {
        for snapshot in [&b"short"[..], b"long enough for two numbers and more"] {
            let error = detector(&stream).restore(key.into(), snapshot).unwrap_err().to_string();
            assert!(error.starts_with("snapshot of key \"\\0shared"), "{error}");
        }
    }
}

const TEXTS: &str = "features: ['frequency(country)'], false_alarm_rate: 1e-3";

/// Alarms of five new users, each with a country that is new to it after 100 logins; what is said of the last; and alarms of ordinary logins.
fn of_new_users(detect: &str) -> (usize, Option<String>, usize) {
    let stream = stream(detect);
    let mut random = Random::seeded(7);
    let mut of = Vec::new();
    for user in 0..120 {
        for login in 0..200 {
            // Two countries a user, known after some logins.
            let home = if random.below(4) == 0 { "fr" } else { "de" };
            of.push((format!("u{user}"), if user >= 115 && login == 100 { FAR } else { home }));
        }
    }
    let mut outputs = Outputs::default();
    let positions = (0..of.len() as u64).collect();
    detector(&stream).process(rows(&stream, &of, positions), &mut outputs).unwrap();
    let scored = all(&outputs).unwrap();
    let column = |name: &str| scored.column_by_name(name).unwrap().clone();
    let (anomalous, words) = (column("anomalous").as_boolean().clone(), column("anomaly_words"));
    let is_new = |row: usize| of[row].1 == FAR;
    let alarms: Vec<usize> = (0..of.len()).filter(|row| anomalous.value(*row)).collect();
    let found: Vec<usize> = alarms.iter().copied().filter(|row| is_new(*row)).collect();
    let said = found.last().map(|row| words.as_string::<i32>().value(*row).to_owned());
    for row in &found {
        assert_eq!(column("anomaly_state").as_string::<i32>().value(*row), "warming_up");
        assert!(column("anomaly_score").is_valid(*row));
    }
    (found.len(), said, alarms.len() - found.len())
}

#[test]
fn a_new_user_is_held_against_those_that_were_new_before() {
    assert_eq!(of_new_users(&format!("{{ {TEXTS} }}")), (0, None, 0));
    let (found, said, others) = of_new_users(&format!("{{ {TEXTS}, share_every: 1000 }}"));
    assert_eq!((found, others), (5, 0));
    let said = said.unwrap();
    assert!(said.starts_with("country is, never seen in 100 for u119: so are "), "{said}");
    assert!(said.ends_with(" of all keys at this age"), "{said}");
}

#[test]
fn a_new_users_numbers_are_held_against_those_of_others_when_they_were_new() {
    let numbers = "features: [value], layers: { chains: false, mahalanobis: false }, false_alarm_rate: 1e-3";
    assert_eq!(of_new_users(&format!("{{ {numbers} }}")), (0, None, 0));
    let (found, said, others) = of_new_users(&format!("{{ {numbers}, share_every: 1000 }}"));
    assert_eq!((found, others), (5, 0));
    let said = said.unwrap();
    assert!(said.starts_with("value 10000, expected ") && said.contains(" for u119: "), "{said}");
    assert!(said.contains(" sigma above, as high as ") && said.ends_with(" of all keys at this age"), "{said}");
}
