//! The state of both stages that have one: what a flush hands on, what snapshots cover, and where a restart has to read
//! from.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use bytes::Bytes;
use fixtures::{Memory, READING, definition};
use stage::{Aggregate, Detect, Key, Outputs, Rows, Stage, StateSize, Traces};
use stream::Stream;

const SPEC: &str = r#"
  detect:
    features: [value]
    layers: { ewma: {} }
    warm_up: 16
  aggregate:
    - { name: by_sensor, window: 1m, group_by: [sensor], select: { events: "count(*)" } }
    - { name: all, window: 1m, select: { events: "count(*)" } }
"#;

/// Where the first row stands, and how far each is from the one before.
const FIRST: u64 = 100;
const STEP: u64 = 10;
/// Bytes that hold all snapshots.
const PLENTY: usize = 1 << 20;

fn stream() -> Arc<Stream> {
    let files = Memory(&[("reading.avsc", READING)]);
    Arc::new(Stream::load("readings.yaml", &definition(SPEC), &files).unwrap_or_else(|errors| panic!("{errors}")))
}

/// A row for each sensor, from the row `first` on, at these seconds.
fn events(stream: &Stream, first: u64, sensors: &[&str], seconds: &[i64]) -> Rows {
    let numbers = || first..first + sensors.len() as u64;
    let keys = StringArray::from_iter_values(sensors);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(numbers().map(|number| number.to_string()))),
        Arc::new(keys.clone()),
        Arc::new(
            TimestampMicrosecondArray::from_iter_values(seconds.iter().map(|at| at * 1_000_000)).with_timezone("UTC"),
        ),
        Arc::new(Float64Array::from_iter_values(numbers().map(|number| (number % 7) as f64))),
    ];
    Rows {
        batch: RecordBatch::try_new(stream.input.arrow().clone(), columns).unwrap(),
        positions: UInt64Array::from_iter_values(numbers().map(|number| FIRST + STEP * number)),
        keys,
        ingested: None,
        traces: Traces::default(),
    }
}

fn keys(snapshots: &[(Key, Bytes)]) -> Vec<&str> {
    snapshots.iter().map(|(key, _)| key.as_ref()).collect()
}

fn detector(stream: &Arc<Stream>) -> Detect {
    Detect::new(stream.clone()).unwrap().unwrap()
}

fn taken(stage: &mut dyn Stage, rows: Rows) -> Outputs {
    let mut outputs = Outputs::default();
    stage.process(rows, &mut outputs).unwrap();
    outputs
}

#[test]
fn a_detectors_snapshots_cover_the_oldest_change_first_and_move_the_horizon() {
    let stream = stream();
    let mut stage = detector(&stream);
    assert_eq!(
        (stage.horizon(), stage.snapshots(PLENTY).unwrap().len(), stage.state()),
        (None, 0, StateSize::default())
    );
    taken(&mut stage, events(&stream, 0, &["a", "b", "a", "c"], &[0; 4]));
    assert_eq!(stage.horizon(), Some(FIRST));
    let size = stage.state();
    assert_eq!(size.keys, 3);
    assert!(size.bytes >= 3 && size.bytes.is_multiple_of(3), "{size:?}");

    // A budget that one snapshot fills.
    let first = stage.snapshots(1).unwrap();
    assert_eq!(keys(&first), ["a"]);
    assert_eq!(stage.horizon(), Some(FIRST + STEP), "the first row of `b`");
    let mut other = detector(&stream);
    taken(&mut other, events(&stream, 0, &["a", "b", "a", "c"], &[0; 4]));
    let all = other.snapshots(PLENTY).unwrap();
    let of_b = all[1].0.len() + all[1].1.len();
    assert_eq!(keys(&stage.snapshots(of_b + 1).unwrap()), ["b", "c"], "a budget that is not yet full takes one more");
    assert_eq!((stage.horizon(), stage.snapshots(PLENTY).unwrap().len()), (None, 0));

    taken(&mut stage, events(&stream, 4, &["b"], &[0]));
    assert_eq!(stage.horizon(), Some(FIRST + 4 * STEP));
    assert_eq!(keys(&stage.snapshots(PLENTY).unwrap()), ["b"]);
}

#[test]
fn a_budget_of_nothing_covers_nothing() {
    let stream = stream();
    let mut stage = detector(&stream);
    taken(&mut stage, events(&stream, 0, &["a"], &[0]));
    assert_eq!((stage.snapshots(0).unwrap().len(), stage.horizon()), (0, Some(FIRST)));
}

#[test]
fn a_restored_detector_goes_on_as_the_old_one_and_counts_as_covered() {
    let stream = stream();
    let mut old = detector(&stream);
    let sensors = ["a"; 60];
    taken(&mut old, events(&stream, 0, &sensors, &[0; 60]));
    let mut restored = detector(&stream);
    for (key, snapshot) in old.snapshots(PLENTY).unwrap() {
        restored.restore(key, &snapshot).unwrap();
    }
    assert_eq!((restored.horizon(), restored.state()), (None, old.state()));
    let next = events(&stream, 60, &sensors[..20], &[0; 20]);
    let [old, restored, fresh] =
        [&mut old, &mut restored, &mut detector(&stream)].map(|stage| taken(stage, next.clone()).rows.remove(0).batch);
    assert_eq!(old, restored);
    assert_ne!(fresh, restored, "without its state it would be warming up");
}

#[test]
fn a_damaged_snapshot_is_an_error_that_names_its_key() {
    let stream = stream();
    let error = detector(&stream).restore("a".into(), b"nonsense").unwrap_err();
    assert!(error.to_string().starts_with("snapshot of key \"a\": "), "{error}");
    let mut aggregate = Aggregate::new(stream).unwrap().unwrap();
    assert!(aggregate.restore("a".into(), b"nonsense").is_err());
}

/// Results of an aggregate, as counts by sensor.
fn counts(batches: &[RecordBatch]) -> Vec<String> {
    let shown = arrow::util::pretty::pretty_format_batches(batches).unwrap().to_string();
    let rows = shown.lines().filter(|line| line.contains("by_sensor"));
    let cells =
        rows.map(|row| row.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" "));
    cells.collect()
}

#[test]
fn an_aggregate_hands_on_what_changed_when_it_is_flushed_and_each_closed_window_once() {
    let stream = stream();
    let mut stage = Aggregate::new(stream.clone()).unwrap().unwrap();
    let taken_in = taken(&mut stage, events(&stream, 0, &["a", "a", "b"], &[0, 1, 2]));
    assert!(taken_in.changed.is_empty() && taken_in.clock.is_none(), "nothing is handed on before a flush");
    assert_eq!(stage.open_windows(), 3, "two sensors and the whole stream");
    assert_eq!(stage.state(), StateSize { keys: 3, ..StateSize::default() });

    let mut flushed = Outputs::default();
    stage.flush(&mut flushed).unwrap();
    assert_eq!(flushed.clock, Some(2_000_000));
    assert_eq!(counts(&flushed.changed).len(), 2, "{:?}", counts(&flushed.changed));
    assert_eq!((flushed.closed.len(), flushed.partials.len()), (0, 1));
    let mut again = Outputs::default();
    stage.flush(&mut again).unwrap();
    assert_eq!((again.changed.len(), again.partials.len()), (0, 0), "nothing has changed since");

    taken(&mut stage, events(&stream, 3, &["a"], &[3600]));
    let mut later = Outputs::default();
    stage.flush(&mut later).unwrap();
    assert_eq!(counts(&later.closed).len(), 2, "{:?}", counts(&later.closed));
    assert_eq!(counts(&later.changed).len(), 1, "{:?}", counts(&later.changed));
    let mut last = Outputs::default();
    stage.flush(&mut last).unwrap();
    assert_eq!((last.closed.len(), last.changed.len()), (0, 0), "a closed window comes once");
}

#[test]
fn an_aggregates_snapshots_cover_all_whatever_the_budget() {
    let stream = stream();
    let mut stage = Aggregate::new(stream.clone()).unwrap().unwrap();
    assert_eq!(stage.horizon(), None);
    taken(&mut stage, events(&stream, 0, &["a", "b"], &[0, 1]));
    taken(&mut stage, events(&stream, 2, &["a"], &[2]));
    assert_eq!(stage.horizon(), Some(FIRST), "the first row since the last snapshot, and not the latest");
    let snapshots = stage.snapshots(0).unwrap();
    assert!(snapshots.len() >= 3, "{:?}", keys(&snapshots));
    assert!(snapshots.iter().all(|(key, _)| Aggregate::owns(key)), "{:?}", keys(&snapshots));
    assert!(!Aggregate::owns("a"), "an event's key is not one of them");
    assert_eq!((stage.horizon(), stage.snapshots(0).unwrap().len()), (None, 0));

    let mut restored = Aggregate::new(stream.clone()).unwrap().unwrap();
    for (key, snapshot) in snapshots {
        restored.restore(key, &snapshot).unwrap();
    }
    assert_eq!((restored.open_windows(), restored.horizon()), (3, None));
    let next = events(&stream, 3, &["a", "b", "b"], &[3, 4, 3600]);
    let [old, restored] = [stage, restored].map(|mut stage| {
        taken(&mut stage, next.clone());
        let mut flushed = Outputs::default();
        stage.flush(&mut flushed).unwrap();
        (counts(&flushed.closed), counts(&flushed.changed), flushed.clock)
    });
    assert_eq!(old, restored);
    assert!(old.0.iter().any(|row| row.contains(" 3 ") || row.ends_with(" 3")), "three events of `a`: {old:?}");
}

#[test]
fn no_rows_are_no_change() {
    let stream = stream();
    let mut stage = Aggregate::new(stream.clone()).unwrap().unwrap();
    taken(&mut stage, events(&stream, 0, &[], &[]));
    assert_eq!((stage.horizon(), stage.open_windows()), (None, 0));
}

#[test]
fn what_is_not_closed_yet_can_be_asked_for() {
    let stream = stream();
    let mut aggregate = Aggregate::new(stream.clone()).unwrap().unwrap();
    assert!(aggregate.unclosed(false).unwrap().is_none());
    taken(&mut aggregate, events(&stream, 0, &["a"], &[0]));
    let unclosed = aggregate.unclosed(false).unwrap().unwrap();
    assert_eq!(counts(&[unclosed]).len(), 1);
}
