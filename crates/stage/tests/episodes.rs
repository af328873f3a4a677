//! Alarms that belong together carry one episode, whatever is learned, and go on from snapshots.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, UInt64Array};
use fixtures::Memory;
use stage::{Detect, Outputs, Pipeline, Rows, Stage, Traces};
use stream::Stream;

const SCHEMA: &str = r#"{ "type": "record", "name": "Reading", "fields": [
    { "name": "id", "type": "string" }, { "name": "sensor", "type": "string" }, { "name": "at", "type": "string" },
    { "name": "value", "type": "double" } ] }"#;

fn stream(detect: &str) -> Arc<Stream> {
    let text = format!(
        "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: {{ name: readings }}\nspec:\n  schema: reading.avsc\n  id: id\n  key: sensor\n  time: at\n  partitions: 1\n  detect: {detect}\n"
    );
    Arc::new(Stream::load("readings.yaml", &text, &Memory(&[("reading.avsc", SCHEMA)])).unwrap())
}

/// Rows of sensors, each with a value, from position `first` on.
fn rows(stream: &Stream, first: u64, of: &[(&str, f64)]) -> Rows {
    let keys = StringArray::from_iter_values(of.iter().map(|(sensor, _)| *sensor));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values((first..).take(of.len()).map(|row| format!("r{row}")))),
        Arc::new(keys.clone()),
        Arc::new(StringArray::from_iter_values(of.iter().map(|_| "2025-01-01T00:00:00Z"))),
        Arc::new(Float64Array::from_iter_values(of.iter().map(|(_, value)| *value))),
    ];
    Rows {
        batch: RecordBatch::try_new(stream.input.arrow().clone(), columns).unwrap(),
        positions: UInt64Array::from_iter_values((first..).take(of.len())),
        keys,
        ingested: None,
        traces: Traces::default(),
    }
}

fn episodes(stage: &mut dyn Stage, rows: Rows) -> Vec<Option<String>> {
    let mut out = Outputs::default();
    stage.process(rows, &mut out).unwrap();
    let column = out.rows[0].batch.column_by_name("episode").unwrap().clone();
    column.as_string::<i32>().iter().map(|episode| episode.map(str::to_owned)).collect()
}

const RULES: &str = "{ rules: [{ name: high, when: \"value > 9\" }], episode_after: 2 }";

#[test]
fn alarms_of_a_key_are_one_episode_until_it_is_quiet() {
    let stream = stream(RULES);
    let mut stage = Pipeline::new(&stream).unwrap();
    let of = [("a", 10.0), ("b", 1.0), ("a", 1.0), ("a", 10.0), ("b", 10.0), ("a", 1.0), ("a", 1.0), ("a", 10.0)];
    let found = episodes(&mut stage, rows(&stream, 0, &of));
    let alarms: Vec<usize> = (0..of.len()).filter(|row| found[*row].is_some()).collect();
    assert_eq!(alarms, [0, 3, 4, 7], "ordinary rows have none");
    assert_eq!(found[0], found[3], "one quiet row of the key does not end it");
    assert!(found[0] != found[7] && found[0] != found[4] && found[4] != found[7]);
    assert!(found[0].as_ref().is_some_and(|episode| episode.len() == 16), "{found:?}");
}

#[test]
fn an_episode_goes_on_from_its_snapshot_also_where_nothing_is_learned() {
    for detect in [RULES, "{ features: [value], rules: [{ name: high, when: \"value > 9\" }], episode_after: 2 }"] {
        let stream = stream(detect);
        let mut before = Detect::new(stream.clone()).unwrap().unwrap();
        let first = episodes(&mut before, rows(&stream, 0, &[("a", 10.0), ("a", 1.0)]));
        let snapshots = before.snapshots(1 << 20).unwrap();
        assert_eq!((snapshots.len(), before.horizon()), (1, None));
        let mut after = Detect::new(stream.clone()).unwrap().unwrap();
        for (key, snapshot) in &snapshots {
            after.restore(key.clone(), snapshot).unwrap();
        }
        assert_eq!(episodes(&mut after, rows(&stream, 2, &[("a", 10.0)])), first[..1], "{detect}");
    }
}

/// What was learned is kept where episodes are asked for later, or no longer.
#[test]
fn a_snapshot_with_or_without_an_episode_is_read_by_both() {
    let plain = stream("{ features: [value] }");
    let with = stream("{ features: [value], episode_after: 2 }");
    for (old, new) in [(&plain, &with), (&with, &plain)] {
        assert_eq!(old.fingerprints.detector, new.fingerprints.detector);
        let mut before = Detect::new(old.clone()).unwrap().unwrap();
        before.process(rows(old, 0, &[("a", 1.0), ("a", 2.0)]), &mut Outputs::default()).unwrap();
        let mut after = Detect::new(new.clone()).unwrap().unwrap();
        for (key, snapshot) in before.snapshots(1 << 20).unwrap() {
            after.restore(key, &snapshot).unwrap();
        }
        assert_eq!(after.state().keys, 1);
    }
}
