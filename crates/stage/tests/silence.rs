//! Keys that fall silent: told in rows of their own, the same ones however rows are cut, committed and read again.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array},
    compute::{cast, concat_batches},
    datatypes::DataType,
};
use fixtures::Memory;
use proptest::prelude::*;
use stage::{Detect, Outputs, Rows, Stage, Traces};
use stream::Stream;

#[path = "lives/life.rs"]
mod life;

use life::{lived, positions, step};

const MILLI: i64 = 1_000;
const SECOND: i64 = 1_000 * MILLI;

/// A stream of hits whose id has this type, and their time that.
fn stream_of(id: &str, time: &str, detect: &str) -> Arc<Stream> {
    let schema = format!(
        r#"{{ "type": "record", "name": "Hit", "fields": [
            {{ "name": "id", "type": {id} }}, {{ "name": "cell", "type": "string" }}, {{ "name": "at", "type": {time} }},
            {{ "name": "value", "type": "double" }} ] }}"#
    );
    let text = format!(
        "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: {{ name: hits }}\nspec:\n  schema: hit.avsc\n  id: id\n  key: cell\n  time: at\n  partitions: 1\n  detect: {detect}\n"
    );
    Arc::new(Stream::load("hits.yaml", &text, &Memory(&[("hit.avsc", &schema)])).unwrap())
}

const MICROS: &str = r#"{ "type": "long", "logicalType": "timestamp-micros" }"#;

fn stream(detect: &str) -> Arc<Stream> {
    stream_of("\"string\"", MICROS, detect)
}

/// Hits of cells at times in microseconds, at these positions.
fn rows(stream: &Stream, of: &[(String, i64)], positions: Vec<u64>) -> Rows {
    let keys = StringArray::from_iter_values(of.iter().map(|(cell, _)| cell));
    let fields = stream.input.arrow().fields();
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..of.len() as i64));
    let times: ArrayRef = Arc::new(Int64Array::from_iter_values(of.iter().map(|(_, time)| *time)));
    let zoned =
        cast(&times, &DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()))).unwrap();
    let columns: Vec<ArrayRef> = vec![
        cast(&ids, fields[0].data_type()).unwrap(),
        Arc::new(keys.clone()),
        cast(&zoned, fields[2].data_type()).unwrap(),
        Arc::new(Float64Array::from_iter_values((0..of.len()).map(|row| (row * 7919 % 101) as f64))),
    ];
    Rows {
        batch: RecordBatch::try_new(stream.input.arrow().clone(), columns).unwrap(),
        positions: UInt64Array::from(positions),
        keys,
        ingested: None,
        traces: Traces::default(),
    }
}

/// Everything that goes to the anomalies, however it was cut.
fn anomalies(stream: &Stream, outputs: &Outputs) -> RecordBatch {
    let rows = outputs.anomalies(stream, &[]).unwrap();
    rows.map_or_else(|| RecordBatch::new_empty(stream.anomalies()), |rows| rows.batch)
}

fn scored(stream: &Stream, outputs: &Outputs) -> RecordBatch {
    concat_batches(&stream.scored, outputs.rows.iter().map(|rows| &rows.batch)).unwrap()
}

fn quiet(stream: &Arc<Stream>, rows: Rows) -> Outputs {
    let mut outputs = Outputs::default();
    Detect::new(stream.clone()).unwrap().unwrap().process(rows, &mut outputs).unwrap();
    outputs
}

/// Eight cells with a hit each second, of which the fourth has none from the 200th to the 230th second.
fn hits() -> Vec<(String, i64)> {
    let of = |second: i64| {
        (0..8).filter(move |cell| *cell != 3 || !(200..230).contains(&second)).map(move |cell| (cell, second))
    };
    let hits = (0..300).flat_map(of);
    hits.map(|(cell, second)| (format!("cell-{cell}"), second * SECOND + cell * 100 * MILLI)).collect()
}

const ALONE: &str =
    "{ rules: [{ name: never, when: 'value > 1000' }], layers: { silence: true }, warm_up: 64, episode_after: 5 }";

#[test]
fn an_alarm_is_a_row_of_its_own_and_says_what_it_is() {
    let stream = stream(ALONE);
    let hits = hits();
    let outputs = quiet(&stream, rows(&stream, &hits, (0..hits.len() as u64).collect()));
    assert_eq!((scored(&stream, &outputs).num_rows(), outputs.silences()), (hits.len(), 1));
    let found = anomalies(&stream, &outputs);
    assert_eq!(found.num_rows(), 1);
    let text = |name: &str| found.column_by_name(name).unwrap().as_string::<i32>().value(0).to_owned();
    assert_eq!(
        (text("cell").as_str(), text("anomaly_reasons").as_str(), text("anomaly_state").as_str()),
        ("cell-3", "silence", "scored")
    );
    assert_eq!(text("id"), "cell-3 silent at 1970-01-01T00:03:30.400Z");
    assert_eq!(text("anomaly_words"), "cell-3 silent for 11.1 s, expected an event at least every 10.92 s");
    assert!(found.column_by_name("value").unwrap().is_null(0) && found.column_by_name("trace_id").unwrap().is_null(0));
    assert!(found.column_by_name("anomalous").unwrap().as_boolean().value(0));
    assert_eq!(text("episode").len(), 16);
    let causes = found.column_by_name("anomaly_causes").unwrap().as_list::<i32>().value(0);
    let causes = causes.as_struct();
    assert_eq!(causes.column_by_name("feature").unwrap().as_string::<i32>().value(0), "seconds without an event");
    // Where nothing else is looked for either.
    assert!(scored(&stream, &outputs).column_by_name("anomaly_reasons").unwrap().null_count() == hits.len());
}

#[test]
fn ids_and_times_have_the_types_of_their_columns() {
    let hits = hits();
    for (id, time) in
        [("\"long\"", "\"string\""), ("\"int\"", r#"{ "type": "long", "logicalType": "timestamp-millis" }"#)]
    {
        let stream = stream_of(id, time, ALONE);
        let outputs = quiet(&stream, rows(&stream, &hits, (0..hits.len() as u64).collect()));
        let found = anomalies(&stream, &outputs);
        assert_eq!((found.num_rows(), found.schema()), (1, stream.anomalies()), "{id} {time}");
        let id = cast(found.column_by_name("id").unwrap(), &DataType::Int64).unwrap();
        assert!(id.as_primitive::<arrow::datatypes::Int64Type>().value(0) < 0);
    }
}

fn cells() -> impl Strategy<Value = Vec<(String, i64)>> {
    // Cells of which a few come seldom, and gaps of which a few are long.
    let hit = (0..100u32, prop_oneof![12 => 0..400i64, 1 => 400..6_000i64, 1 => -900..0i64]);
    prop::collection::vec(hit, 1..900).prop_map(|hits| {
        let mut now = 1_000 * SECOND;
        hits.into_iter()
            .map(|(cell, gap)| {
                now += gap * MILLI;
                (format!("c{}", if cell < 95 { cell % 6 } else { cell }), now)
            })
            .collect()
    })
}

const DETECT: &str = "{ features: [value], layers: { chains: false, mahalanobis: false, silence: { forget_after: 20s } }, \
                      false_alarm_rate: 0.1, warm_up: 16, episode_after: 3 }";

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_cut_committed_and_read_again_the_same_keys_are_silent(
        of in cells(),
        steps in prop::collection::vec(step(), 1..60),
        gaps in prop::collection::vec(1..30u64, 900),
        from_log: bool,
    ) {
        let stream = stream(DETECT);
        let expected = quiet(&stream, rows(&stream, &of, (0..of.len() as u64).collect()));
        // Elsewhere the same rows have other positions.
        let kept = lived(&stream, &rows(&stream, &of, positions(&gaps, of.len())), steps, from_log);
        prop_assert_eq!(expected.silences(), kept.silences());
        prop_assert_eq!(anomalies(&stream, &expected), anomalies(&stream, &kept));
        prop_assert_eq!(scored(&stream, &expected), scored(&stream, &kept));
    }
}

#[test]
fn a_damaged_snapshot_is_an_error() {
    let stream = stream(DETECT);
    for key in ["\u{0}silence", "\u{0}silence 0", "\u{0}silence x"] {
        for snapshot in [&b"short"[..], b"long enough for a position and more"] {
            let mut stage = Detect::new(stream.clone()).unwrap().unwrap();
            let error = stage.restore(key.into(), snapshot).unwrap_err().to_string();
            assert!(error.starts_with("snapshot of key \"\\0silence"), "{error}");
        }
    }
}
