//! Taking up, giving up, counting and committing windows costs what they are, however many there are.

#![allow(clippy::unwrap_used)]

use std::{ops::Range, sync::Arc, time::Instant};

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use fixtures::Memory;
use stream::Stream;
use window::{Aggregator, Events, Merge};

const DEFINITION: &str = r#"
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: readings }
spec:
  schema: reading.avsc
  id: id
  key: id
  time: at
  partitions: 1
  aggregate:
    - { name: other, window: 1m, lateness: 8000h, group_by: [id], select: { events: "count(*)" } }
    - { name: by_kind, window: 1m, lateness: 8000h, group_by: [kind], select: { events: "count(*)" } }
"#;

const SCHEMA: &str = r#"{ "type": "record", "name": "Reading", "fields": [
    { "name": "id", "type": "string" },
    { "name": "kind", "type": "string" },
    { "name": "at", "type": { "type": "long", "logicalType": "timestamp-micros" } } ] }"#;

const FILES: Memory<'_> = Memory(&[("reading.avsc", SCHEMA)]);

const WINDOWS: usize = 100_000;
const GIVEN_UP: usize = 2_000;
const MINUTE: i64 = 60_000_000;

/// A stream, and an aggregator that has an event in each of so many windows.
fn opened() -> (Stream, Aggregator) {
    let stream = Stream::load("readings.yaml", DEFINITION, &FILES).unwrap_or_else(|errors| panic!("{errors}"));
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&stream, &mut aggregator, 0..WINDOWS);
    (stream, aggregator)
}

/// Takes an event of each of these windows.
fn take(stream: &Stream, aggregator: &mut Aggregator, windows: Range<usize>) {
    let times: Vec<i64> = windows.clone().map(|minute| minute as i64 * MINUTE).collect();
    let ids = StringArray::from_iter_values(windows.clone().map(|id| format!("id-{id}")));
    let kinds = StringArray::from_iter_values(windows.map(|id| format!("kind-{}", id % 7)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids.clone()),
        Arc::new(kinds),
        Arc::new(TimestampMicrosecondArray::from(times.clone()).with_timezone("UTC")),
    ];
    let batch = RecordBatch::try_new(stream.scored.clone(), columns).unwrap();
    let left_out = aggregator.process(&Events { batch: &batch, times: &times, ids: &ids }).unwrap();
    assert!(left_out.is_empty());
}

#[test]
fn a_merger_takes_up_and_gives_up_windows_one_by_one() {
    let (stream, mut aggregator) = opened();
    let mut merge = Merge::new(&stream).unwrap();
    for partial in aggregator.flush().unwrap().partials {
        merge.apply(0, &partial.state).unwrap();
    }
    let snapshots = merge.snapshots().unwrap();
    assert_eq!(snapshots.len(), WINDOWS);

    let mut restored = Merge::new(&stream).unwrap();
    let begun = Instant::now();
    snapshots.iter().for_each(|(key, state)| restored.restore(key, state).unwrap());
    let taking_up = begun.elapsed();
    assert_eq!(restored.kept(true).unwrap(), merge.kept(true).unwrap(), "the same to the last bit");

    let (gone, left) = snapshots.split_at(GIVEN_UP);
    let begun = Instant::now();
    gone.iter().for_each(|(key, _)| restored.restore(key, &[]).unwrap());
    let giving_up = begun.elapsed();
    let mut expected = Merge::new(&stream).unwrap();
    left.iter().for_each(|(key, state)| expected.restore(key, state).unwrap());
    assert_eq!(restored.kept(true).unwrap(), expected.kept(true).unwrap());
    assert!(giving_up < taking_up, "{GIVEN_UP} windows took {giving_up:?}, and {WINDOWS} took {taking_up:?}");
}

#[test]
fn counting_windows_does_not_look_at_them() {
    let begun = Instant::now();
    let (_, aggregator) = opened();
    let opening = begun.elapsed();
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(aggregator.open_windows(), 2 * WINDOWS);
    }
    let counting = begun.elapsed();
    assert!(counting < opening, "counting took {counting:?}, and opening {opening:?}");
}

#[test]
fn a_commit_looks_at_what_has_changed() {
    let begun = Instant::now();
    let (stream, mut aggregator) = opened();
    aggregator.flush().unwrap();
    aggregator.snapshots().unwrap();
    let opening = begun.elapsed();
    let begun = Instant::now();
    for window in 0..500 {
        take(&stream, &mut aggregator, window..window + 1);
        let flushed = aggregator.flush().unwrap();
        assert_eq!((flushed.changed.map(|rows| rows.num_rows()), flushed.partials.len()), (Some(1), 1));
        assert_eq!(aggregator.snapshots().unwrap().len(), 2);
    }
    let committing = begun.elapsed();
    assert!(committing < opening, "500 commits took {committing:?}, and the first one {opening:?}");
}
