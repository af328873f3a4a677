//! What a board says of rows that a real pipeline has scored: exact where it draws all of them, bounded whatever comes.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array},
    datatypes::Schema,
};
use live::{Board, Counts, Facts, Level, Overview, StageState, State};
use proptest::prelude::*;
use stage::{Ledger, Outputs, Pipeline, Rows, Stage, Traces};
use stream::{FileReader, Stream};

const DEFINITION: &str = r#"
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: readings }
spec:
  schema: reading.avsc
  id: id
  key: sensor
  time: at
  partitions: 1
  detect:
    features: [eta]
    rules:
      - { name: huge, when: "eta > 4" }
    false_alarm_rate: 0.01
    warm_up: 16
"#;

/// Seconds since 1970 at which a test begins: a whole hour.
const BEGIN: i64 = 1_764_000_000;

struct Files(String);

impl FileReader for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        if path == "reading.avsc" { Ok(self.0.clone().into()) } else { Err(format!("no such file: {path}")) }
    }
}

/// A stream with the columns eta and phi, and so many other numbers.
fn stream(more: usize) -> Arc<Stream> {
    told("", more)
}

/// The same, whose page is told something.
fn told(page: &str, more: usize) -> Arc<Stream> {
    let number = |name: String| format!(r#"{{ "name": "{name}", "type": ["null", "double"] }}"#);
    let names = ["eta".to_owned(), "phi".to_owned()].into_iter().chain((0..more).map(|index| format!("n{index}")));
    let numbers: Vec<String> = names.map(number).collect();
    let schema = format!(
        r#"{{ "type": "record", "name": "Reading", "fields": [
            {{ "name": "id", "type": "string" }}, {{ "name": "sensor", "type": "string" }},
            {{ "name": "at", "type": {{ "type": "long", "logicalType": "timestamp-micros" }} }}, {} ] }}"#,
        numbers.join(", ")
    );
    Arc::new(Stream::load("readings.yaml", &format!("{DEFINITION}{page}"), &Files(schema)).unwrap())
}

/// Scored rows of these keys and values, every number of a row the same.
fn scored(stream: &Arc<Stream>, pipeline: &mut Pipeline, rows: &[(String, Option<f64>)], first: u64) -> Rows {
    let schema: &Arc<Schema> = stream.input.arrow();
    let values: ArrayRef = Arc::new(rows.iter().map(|(_, value)| *value).collect::<Float64Array>());
    let keys = StringArray::from_iter_values(rows.iter().map(|(key, _)| key));
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "id" => {
                Arc::new(StringArray::from_iter_values((0..rows.len()).map(|row| format!("e{}", first + row as u64))))
            }
            "sensor" => Arc::new(keys.clone()),
            "at" => Arc::new(TimestampMicrosecondArray::from(vec![0; rows.len()]).with_timezone("+00:00")),
            _ => values.clone(),
        }
    });
    let columns: Vec<ArrayRef> = columns
        .zip(schema.fields())
        .map(|(column, field)| arrow::compute::cast(&column, field.data_type()).unwrap())
        .collect();
    let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
    let positions = UInt64Array::from_iter_values(first..first + rows.len() as u64);
    let mut out = Outputs::default();
    pipeline.process(Rows { batch, positions, keys, ingested: None, traces: Traces::default() }, &mut out).unwrap();
    assert_eq!(out.rows.len(), 1);
    out.rows.remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However the rows are cut into batches, what is shown is what they are.
    #[test]
    fn counts_are_those_of_the_rows(
        rows in prop::collection::vec((0usize..5, prop::option::of(-6f64..6.0)), 1..120),
        cut in 1usize..40,
    ) {
        let stream = stream(0);
        let (mut pipeline, mut board) = (Pipeline::new(&stream).unwrap(), Board::new(stream.clone()));
        let named: Vec<(String, Option<f64>)> = rows.iter().map(|(key, value)| (format!("k{key}"), *value)).collect();
        let parts: Vec<Rows> = named
            .chunks(cut)
            .enumerate()
            .map(|(index, part)| scored(&stream, &mut pipeline, part, (index * cut) as u64))
            .collect();
        let anomalies: usize = parts.iter().map(|rows| live::anomalous_rows(&rows.batch).len()).sum();
        // Some put together, some alone.
        let (some, others) = parts.split_at(parts.len() / 2);
        live::together(some).iter().chain(others).for_each(|rows| board.take(rows, BEGIN * 1000));
        let finite = |key: Option<&str>| {
            named.iter().filter(|(k, value)| value.is_some() && key.is_none_or(|key| key == k)).count() as u64
        };
        let series = board.series(None, "eta", 10, BEGIN, BEGIN).unwrap();
        prop_assert_eq!(series.count[0], finite(None));
        for key in board.keys().keys {
            let count = named.iter().filter(|(name, _)| *name == key.key).count() as u64;
            prop_assert_eq!((key.count, key.error), (count, 0));
            let series = board.series(Some(&key.key), "phi", 60, BEGIN, BEGIN).unwrap();
            prop_assert_eq!(series.count[0], finite(Some(&key.key)));
        }
        let histogram = &board.histograms(Some("phi"), BEGIN).unwrap().histograms[0];
        prop_assert_eq!(histogram.total, finite(None));
        prop_assert_eq!(histogram.counts.iter().sum::<u64>(), finite(None));
        prop_assert_eq!(histogram.missing, named.len() as u64 - finite(None));
        let map = board.map().unwrap();
        prop_assert_eq!(map.counts.iter().sum::<u64>() + map.outside, named.len() as u64);
        let version = board.close_version();
        let since = board.recent().since(Some(0), version);
        prop_assert_eq!(since.anomalies.len(), anomalies);
        prop_assert_eq!(board.recent().since(Some(version), version + 1).anomalies.len(), 0);
    }
}

#[test]
fn a_board_stays_within_its_bytes_whatever_comes() {
    let stream = stream(30);
    let (mut pipeline, mut board) = (Pipeline::new(&stream).unwrap(), Board::new(stream.clone()));
    // As many keys as want, long ones, each in every chunk of every ring, and every row an anomaly.
    let rows = |round: usize| -> Vec<(String, Option<f64>)> {
        (0..300).map(|key| (format!("{key}-{}", "x".repeat(500)), Some(5.0 + (round % 7) as f64))).collect()
    };
    let mut position = 0;
    for round in 0..50 + 40 + 20 {
        // Hours, then ten minutes, then single ones.
        let ago = match round {
            0..50 => (50 - round as i64) * 3600 + 40 * 600,
            50..90 => (90 - round as i64) * 600,
            _ => (110 - round as i64) * 60 - 59,
        };
        let scored = scored(&stream, &mut pipeline, &rows(round), position);
        position += 300;
        board.take(&scored, (BEGIN + 200_000 - ago) * 1000);
    }
    assert!(board.bytes() > Board::BYTES_MAX / 2, "the test fills the board: {}", board.bytes());
    assert!(board.bytes() <= Board::BYTES_MAX, "{} > {}", board.bytes(), Board::BYTES_MAX);
    let keys = board.keys();
    assert_eq!(keys.keys.len(), 256);
    assert!(keys.keys.iter().filter(|key| key.series).count() <= keys.limit);
    assert!(keys.limit < 256, "so many columns leave room for fewer keys");
}

#[test]
fn what_is_wrong_comes_first_in_the_sentence() {
    let stream = stream(0);
    let mut board = Board::new(stream);
    let mut now = BEGIN * 1000;
    let mut shown = |facts: Facts| {
        now += 1000;
        board.observe(facts, now);
        board.overview(now)
    };
    let ledger = |records, out, dead_lettered| Ledger { records, out, dead_lettered, ..Ledger::default() };
    let running = Facts { state: State::Running, ledger: ledger(1000, 1000, 0), ..Facts::default() };
    let fine = shown(running.clone());
    assert_eq!((fine.level, fine.ledger.balance), (Level::Ok, 0), "{}", fine.sentence);
    let lost = shown(Facts { ledger: ledger(1000, 990, 0), lag_ms: 90_000, uncommitted: 5, ..running.clone() });
    assert_eq!((lost.level, lost.ledger.balance), (Level::Bad, 10));
    assert!(lost.sentence.contains("does not balance"), "{}", lost.sentence);
    let late = shown(Facts { lag_ms: 90_000, uncommitted: 5, ..running.clone() });
    assert_eq!((late.level, late.lag.seconds), (Level::Bad, 90.0));
    let idle = shown(Facts { lag_ms: 90_000, uncommitted: 0, ..running.clone() });
    assert_eq!((idle.level, idle.lag.seconds), (Level::Ok, 0.0), "nothing waits to be committed");
    let bad = shown(Facts { ledger: ledger(1000, 900, 100), ..running.clone() });
    assert!(bad.level == Level::Watch && bad.sentence.contains("100 of 1,000"), "{}", bad.sentence);
    let mut often = running.clone();
    often.ledger.reasons.insert("ewma".to_owned(), 90);
    let over = shown(often);
    assert!(over.level == Level::Watch && over.sentence.contains("9.0 times"), "{}", over.sentence);
    let failure = Some("the disk is full".to_owned());
    let failed = shown(Facts { state: State::Failed, failure, ledger: ledger(5, 1, 0), ..running });
    assert!(failed.level == Level::Bad && failed.sentence.contains("the disk is full"), "{}", failed.sentence);
}

#[test]
fn the_rate_is_that_of_the_counts() {
    let mut board = Board::new(stream(0));
    for second in 0..10 {
        let counts = Counts { records: second * 250, ..Counts::default() };
        board.observe(Facts { state: State::Running, counts, ..Facts::default() }, (BEGIN + second as i64) * 1000);
    }
    let rate = board.overview((BEGIN + 9) * 1000).rate;
    assert_eq!(rate.now, 250.0);
    assert_eq!(rate.counts.iter().flatten().sum::<u64>(), 9 * 250);
    assert_eq!(rate.counts.len(), 301);
    assert_eq!(rate.counts[0], None, "nothing is known of the time before");
}

#[test]
fn a_histogram_stands_over_that_of_the_same_hour_of_the_day_before() {
    let stream = stream(0);
    let (mut pipeline, mut board) = (Pipeline::new(&stream).unwrap(), Board::new(stream.clone()));
    for (hour, count) in [(0, 3), (1, 5), (24, 7)] {
        let rows: Vec<(String, Option<f64>)> = vec![("a".to_owned(), Some(1.0)); count];
        let scored = scored(&stream, &mut pipeline, &rows, hour as u64 * 100);
        board.take(&scored, (BEGIN + hour * 3600) * 1000);
    }
    let histogram = board.histograms(Some("eta"), BEGIN + 24 * 3600).unwrap().histograms.remove(0);
    let ghost = histogram.ghost.unwrap();
    assert_eq!((histogram.total, ghost.total, ghost.from_s), (7, 3, BEGIN));
    let later = board.histograms(Some("eta"), BEGIN + 26 * 3600).unwrap().histograms.remove(0);
    assert_eq!((later.total, later.ghost.is_none()), (0, true));
}

#[test]
fn steps_that_run_apart_are_one_account() {
    let mut board = Board::new(stream(0));
    let ledger = Ledger { records: 1000, out: 900, anomalies: 20, ..Ledger::default() };
    let apart = Facts {
        state: State::Running,
        ledger: Ledger { reasons: [("ewma".to_owned(), 5)].into(), ..ledger },
        between: 100,
        waiting: vec![("enrich", 3), ("detect", 90), ("aggregate", 7)],
        uncommitted: 100,
        lag_ms: 20_000,
        reasons_of: Some(5),
        measured: Some(["taken in", "read back"]),
        ..Facts::default()
    };
    board.observe(apart.clone(), BEGIN * 1000);
    let overview = board.overview(BEGIN * 1000);
    assert_eq!((overview.ledger.between, overview.ledger.balance, overview.ledger.balances), (100, 0, true));
    let watched: Vec<&str> =
        overview.stages.iter().filter(|stage| stage.state == StageState::Watch).map(|stage| stage.name).collect();
    assert_eq!(watched, ["detect", "store"], "the stage that most wait for, and the end: {:?}", overview.stages);
    assert_eq!((overview.latency.from, overview.latency.to), ("taken in", "read back"));
    let layer =
        |overview: &Overview| overview.alarms.layers.iter().find(|layer| layer.name == "ewma").cloned().unwrap();
    assert_eq!(
        (layer(&overview).alarms, layer(&overview).scored),
        (5, 225),
        "a quarter of the alarms is of as many events"
    );
    let missing = Facts { between: 90, reasons_of: Some(20), ..apart };
    board.observe(missing, BEGIN * 1000);
    let overview = board.overview(BEGIN * 1000);
    assert_eq!((overview.level, overview.ledger.balance), (Level::Bad, 10), "{}", overview.sentence);
    assert_eq!(layer(&overview).scored, 900);
}

#[test]
fn rows_of_the_past_stand_where_they_were_and_their_anomalies_come_by_themselves() {
    let stream = stream(0);
    let (mut pipeline, mut board) = (Pipeline::new(&stream).unwrap(), Board::new(stream.clone()));
    let rows = [("a".to_owned(), Some(1.0)), ("a".to_owned(), Some(5.0))];
    let rows = scored(&stream, &mut pipeline, &rows, 0);
    board.take_values(&rows, (BEGIN + 600) * 1000);
    board.take_values(&rows, BEGIN * 1000);
    let series = board.series(None, "eta", 1, BEGIN, BEGIN + 600).unwrap();
    assert_eq!((series.count[0], series.count[1], series.count[600]), (2, 0, 2));
    assert_eq!(board.recent().since(None, u64::MAX).anomalies.len(), 0);
    board.take_committed(&rows, BEGIN * 1000);
    board.count_anomalies(1, BEGIN * 1000);
    let anomalies = board.recent().since(None, u64::MAX).anomalies;
    assert_eq!(anomalies.len(), 1);
    assert!(anomalies[0].committed && anomalies[0].position.is_none(), "{:?}", anomalies[0]);
    assert_eq!(board.overview((BEGIN + 600) * 1000).alarms.last_hour, 1);
    assert_eq!(board.overview((BEGIN + 7200) * 1000).alarms.last_hour, 0);
}

#[test]
fn a_map_is_of_the_columns_that_the_definition_names_wherever_they_stand() {
    // A column behind those that have series, and one of the detector's.
    let page = "  page:
    columns: { n39: { unit: mm } }
    map: { x: { column: n39, min: 0, max: 64 }, y: { column: anomaly_score, min: 0, max: 64 } }\n";
    let stream = told(page, 40);
    let (mut pipeline, mut board) = (Pipeline::new(&stream).unwrap(), Board::new(stream.clone()));
    let rows: Vec<(String, Option<f64>)> =
        [Some(5.0), Some(63.5), Some(64.5), None].map(|value| ("k".to_owned(), value)).into();
    board.take(&scored(&stream, &mut pipeline, &rows, 0), BEGIN * 1000);
    let map = board.map().unwrap();
    assert_eq!((map.x.column.as_str(), map.x.unit.as_deref(), map.x.low, map.x.high), ("n39", Some("mm"), 0.0, 64.0));
    assert_eq!((map.y.column.as_str(), map.y.unit), ("anomaly_score", None));
    // The rule gives its alarms the bits of the asked rate, between 6 and 7; the row without a value has none.
    let found: Vec<usize> =
        map.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(cell, _)| cell).collect();
    assert_eq!((found, map.outside), (vec![6 * 64 + 5, 6 * 64 + 63], 2));
    assert_eq!(map.anomalies, map.counts);
    assert_eq!(live::map_columns(&stream).map(|map| map.x), Some("n39".to_owned()));
    let without = Board::new(told("  page: { columns: { eta: { unit: rad } } }\n", 0));
    assert_eq!(without.map().map(|map| (map.x.column, map.x.high)), Some(("eta".to_owned(), 5.0)));
}

#[test]
fn a_key_that_has_most_of_a_partition_is_named_with_its_share() {
    let mut board = Board::new(stream(0));
    let positions = UInt64Array::from_iter_values(0..20_000);
    let spread = StringArray::from_iter_values((0..20_000).map(|row| format!("k{}", row % 300)));
    let skewed = (0..20_000).map(|row| if row % 300 < 150 { "hot".to_owned() } else { format!("k{}", row % 300) });
    let skewed = StringArray::from_iter_values(skewed);
    board.take_partition(2, &spread, &positions);
    assert_eq!(board.overview(BEGIN * 1000).hot_keys, []);
    board.take_partition(3, &skewed, &positions);
    let hot = board.overview(BEGIN * 1000).hot_keys;
    assert_eq!((hot.len(), hot[0].partition, &*hot[0].key), (1, 3, "hot"));
    assert!((0.45..0.55).contains(&hot[0].share), "{hot:?}");
}
