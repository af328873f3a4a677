//! Synthetic events: repeatable, whatever the pieces, and as the schema wants them.

use std::path::Path;

use arrow::{array::AsArray, datatypes::TimestampMicrosecondType};
use source::{Cursor, Next};

use crate::house::{options, read, read_all, stream, tail, try_open};

pub(crate) const PARTICLE: &str = r#"{"type":"record","name":"P","fields":[
    {"name":"event_id","type":"string"},{"name":"event_number","type":"long"},
    {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"particle_type","type":"string"},{"name":"energy_gev","type":"double"},{"name":"momentum_x","type":"double"},
    {"name":"momentum_y","type":"double"},{"name":"momentum_z","type":"double"},{"name":"detector_id","type":"string"},
    {"name":"is_anomaly","type":"boolean"},{"name":"anomaly_kind","type":["null","string"],"default":null}]}"#;

/// For each profile: its schema's own fields, and its id, key and time.
const PROFILES: [(&str, &str, [&str; 3]); 5] = [
    (
        "uniform",
        r#"{"name":"particle_type","type":"string"},{"name":"energy_gev","type":"double"},{"name":"momentum_x","type":"double"},{"name":"momentum_y","type":"float"},{"name":"momentum_z","type":"double"}"#,
        ["event_id", "detector_id", "timestamp"],
    ),
    (
        "sensors",
        r#"{"name":"temperature","type":["null","double"]},{"name":"humidity","type":"double"},{"name":"pressure","type":"double"},{"name":"battery","type":"float"}"#,
        ["reading_id", "sensor_id", "timestamp"],
    ),
    (
        "logs",
        r#"{"name":"path","type":"string"},{"name":"status","type":"int"},{"name":"latency_ms","type":"double"},{"name":"bytes","type":"long"},{"name":"level","type":"string"},{"name":"message","type":["null","string"]}"#,
        ["request_id", "host", "timestamp"],
    ),
    (
        "prices",
        r#"{"name":"price","type":"double"},{"name":"volume","type":"double"}"#,
        ["trade_id", "symbol", "timestamp"],
    ),
    (
        "clicks",
        r#"{"name":"event_type","type":"string"},{"name":"product_id","type":["null","string"]},{"name":"session_id","type":"string"}"#,
        ["event_id", "user_id", "event_time"],
    ),
];

fn profile(profile: &str, own: &str, names: [&str; 3], settings: &str) -> std::sync::Arc<stream::Stream> {
    let [id, key, time] = names;
    let avro = format!(
        r#"{{"type":"record","name":"R","fields":[{{"name":"{id}","type":"string"}},{{"name":"{key}","type":"string"}},
        {{"name":"{time}","type":{{"type":"long","logicalType":"timestamp-micros"}}}},{own},{{"name":"is_anomaly","type":"boolean"}}]}}"#
    );
    stream(&avro, names, &format!("{{ synthetic: {{ profile: {profile}, rate: 0, {settings} }} }}"))
}

/// FNV-1a of the rows as CSV.
fn checksum(all: &crate::house::All) -> u64 {
    let mut writer = arrow::csv::Writer::new(Vec::new());
    writer.write(&all.rows).unwrap();
    let bytes = writer.into_inner();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn pieces_never_matter_and_a_place_is_found_at_once() {
    for (name, own, names) in PROFILES {
        let stream = profile(name, own, names, "events: 10000");
        let mut source = try_open(&stream, &options(Path::new("."))).unwrap();
        let all = read_all(source.as_mut());
        assert_eq!(all.positions, (0..10_000).collect::<Vec<_>>(), "{name}");
        let (found, _, cursors) =
            read(try_open(&stream, &options(Path::new("."))).unwrap().as_mut(), &[1, 4095, 700, 4097]);
        assert_eq!(found, all, "{name}");
        for cursor in cursors {
            source.seek(&cursor).unwrap();
            let (found, ..) = read(source.as_mut(), &[10_000]);
            let rest = tail(&all, cursor.position);
            assert_eq!(found.positions, rest.positions);
            assert!(rest.positions.is_empty() || found.rows == rest.rows, "{name}");
        }
        source.seek(&Cursor { position: 9_999, ..Cursor::default() }).unwrap();
        assert!(matches!(source.next(5).unwrap(), Next::Records(records) if records.rows.num_rows() == 1));
        let share = all.rows["is_anomaly"].as_boolean().true_count() as f64 / 10_000.0;
        assert!((0.002..0.03).contains(&share), "{name}: {share}");
    }
}

#[test]
fn seeds_differ_and_runs_do_not() {
    let sum = |seed: u64| {
        let settings =
            format!("{{ synthetic: {{ profile: physical, rate: 0, events: 5000, seed: {seed}, start: 2025-01-01 }} }}");
        let stream = stream(PARTICLE, ["event_id", "detector_id", "timestamp"], &settings);
        checksum(&read_all(try_open(&stream, &options(Path::new("."))).unwrap().as_mut()))
    };
    assert_eq!(sum(1), sum(1));
    assert_ne!(sum(1), sum(2));
    assert_eq!(
        sum(42),
        GOLDEN,
        "the events of a seed have changed: results of earlier runs cannot be taken up any more"
    );
}

/// Of 5,000 physical events of seed 42.
const GOLDEN: u64 = 7_591_801_384_264_410_147;

#[test]
fn event_time_follows_from_the_rate() {
    let stream = stream(
        PARTICLE,
        ["event_id", "detector_id", "timestamp"],
        "{ synthetic: { profile: physical, rate: 3, anomalies: 0, start: \"2025-01-01T00:00:00+01:00\" } }",
    );
    let mut source = try_open(&stream, &source::Options { speed: Some(0.0), ..options(Path::new(".")) }).unwrap();
    let Next::Records(records) = source.next(4).unwrap() else { panic!("no records") };
    let times = records.rows["timestamp"].as_primitive::<TimestampMicrosecondType>();
    assert_eq!(
        times.values(),
        &[1_735_686_000_000_000, 1_735_686_000_333_333, 1_735_686_000_666_667, 1_735_686_001_000_000]
    );
}

#[test]
fn a_column_that_cannot_be_filled_is_named() {
    let own = format!(r#"{},{{"name":"altitude","type":"double"}}"#, PROFILES[0].1);
    let names = ["event_id", "detector_id", "timestamp"];
    let fields = "fields: { momentum_x: [0, 1], altitude: [100, 200] }, anomalies: 0, events: 500";
    let stream = profile("uniform", &own, names, fields);
    let all = read_all(try_open(&stream, &options(Path::new("."))).unwrap().as_mut());
    for (name, bounds) in [("altitude", 100.0..200.0), ("momentum_x", 0.0..1.0)] {
        let values = all.rows[name].as_primitive::<arrow::datatypes::Float64Type>();
        assert!(values.values().iter().all(|value| bounds.contains(value)), "{name}");
    }
    // Another source than the definition's own has not been checked with it.
    let Some(stream::Source::Synthetic(mut other)) = stream.definition.spec.source.clone() else { panic!("no source") };
    other.fields.clear();
    let opened = source::open(&stream::Source::Synthetic(other), &stream, &options(Path::new(".")));
    let error = opened.map(|_| ()).unwrap_err();
    assert!(error.is_input() && error.to_string().contains("`altitude`"), "{error}");
}
