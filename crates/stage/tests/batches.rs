//! Batch boundaries never matter: any way of cutting the same rows gives the same output, on every stage and on all
//! of them together, with or without a crash in between.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{collections::HashMap, io, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray, UInt64Array,
    },
    compute::concat_batches,
    datatypes::Float64Type,
    ipc::writer::StreamWriter,
};
use fixtures::Memory;
use proptest::prelude::*;
use stage::{
    DeadLetter, Detect, Enrich, Outputs, Pipeline, Resumed, Rows, Spill, Spills, Stage, StateMemory, TraceId, Traces,
};
use stream::Stream;

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
  quality:
    - { name: has_value, check: "value IS NOT NULL" }
    - { name: small_enough, check: "value < 1000" }
  enrich:
    lookups:
      - { table: sensors.csv, on: sensor, columns: [offset] }
    columns:
      corrected: "value - coalesce(offset, 0)"
      share: "100 / divisor"
    filter: "NOT noise"
  detect:
    features: [corrected, "abs(corrected)", "frequency(divisor)", "hash(sensor)"]
    rules:
      - { name: huge, when: "corrected > 500" }
    layers: { chains: { window: 64 }, rate: true, stuck: true, missing: true, burst: true }
    false_alarm_rate: 0.05
    warm_up: 16
    episode_after: 5
"#;

const SCHEMA: &str = r#"{ "type": "record", "name": "Reading", "fields": [
    { "name": "id", "type": ["null", "string"] },
    { "name": "sensor", "type": "string" },
    { "name": "at", "type": { "type": "long", "logicalType": "timestamp-micros" } },
    { "name": "value", "type": ["null", "double"] },
    { "name": "divisor", "type": "long" },
    { "name": "noise", "type": "boolean" } ] }"#;

const FILES: Memory<'_> = Memory(&[("reading.avsc", SCHEMA), ("sensors.csv", "sensor,offset\na,1.5\nb,-2\n")]);

fn stream() -> Arc<Stream> {
    Arc::new(Stream::load("readings.yaml", DEFINITION, &FILES).unwrap())
}

#[derive(Debug, Clone)]
struct Row {
    id: bool,
    sensor: char,
    value: Option<f64>,
    divisor: i64,
    noise: bool,
    /// Microseconds since the row before.
    gap: i64,
}

fn row() -> impl Strategy<Value = Row> {
    let value = prop_oneof![
        20 => (-3.0..3.0f64).prop_map(Some),
        1 => Just(None),
        1 => Just(Some(f64::NAN)),
        1 => Just(Some(1e300)),
        1 => (400.0..1100.0f64).prop_map(Some),
    ];
    let gap = prop_oneof![8 => 500..2_000i64, 4 => 0..20i64, 1 => -3_000..0i64];
    (
        prop::bool::weighted(0.97),
        prop::sample::select(vec!['a', 'b', 'c']),
        value,
        -1..20i64,
        prop::bool::weighted(0.1),
        gap,
    )
        .prop_map(|(id, sensor, value, divisor, noise, gap)| Row { id, sensor, value, divisor, noise, gap })
}

fn rows(stream: &Stream, rows: &[Row]) -> Rows {
    let sensors = StringArray::from_iter_values(rows.iter().map(|row| row.sensor.to_string()));
    let ids: StringArray = rows.iter().enumerate().map(|(n, row)| row.id.then(|| n.to_string())).collect();
    let times = rows.iter().scan(0, |time, row| {
        *time += row.gap;
        Some(*time)
    });
    let times = TimestampMicrosecondArray::from_iter_values(times);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids),
        Arc::new(sensors.clone()),
        Arc::new(times.with_timezone("UTC")),
        Arc::new(rows.iter().map(|row| row.value).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.divisor)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.noise)).collect::<BooleanArray>()),
    ];
    let columns = columns
        .into_iter()
        .zip(stream.input.arrow().fields())
        .map(|(column, field)| arrow::compute::cast(&column, field.data_type()).unwrap())
        .collect();
    Rows {
        batch: RecordBatch::try_new(stream.input.arrow().clone(), columns).unwrap(),
        positions: UInt64Array::from_iter_values((0..rows.len() as u64).map(|n| n * 3)),
        keys: sensors,
        ingested: None,
        traces: Traces::default(),
    }
}

/// What a stage gave, in a form that does not know of batches.
#[derive(Debug, PartialEq)]
struct Given {
    rows: Vec<u8>,
    positions: Vec<u64>,
    dead_letters: Vec<DeadLetter>,
    filtered: u64,
}

fn given(outputs: &Outputs) -> Given {
    let mut bytes = Vec::new();
    if let Some(first) = outputs.rows.first() {
        let schema = first.batch.schema();
        let batches: Vec<RecordBatch> = outputs.rows.iter().map(|rows| rows.batch.clone()).collect();
        let mut writer = StreamWriter::try_new(&mut bytes, &schema).unwrap();
        writer.write(&concat_batches(&schema, &batches).unwrap()).unwrap();
        writer.finish().unwrap();
    }
    Given {
        rows: bytes,
        positions: outputs.rows.iter().flat_map(|rows| rows.positions.values().to_vec()).collect(),
        dead_letters: outputs.dead_letters.clone(),
        filtered: outputs.filtered,
    }
}

/// Where states go that memory has no room for.
#[derive(Debug)]
struct Elsewhere;

#[derive(Debug, Default)]
struct Spilled(HashMap<u32, Vec<u8>>);

impl Spills for Elsewhere {
    fn open(&self) -> io::Result<Box<dyn Spill>> {
        Ok(Box::new(Spilled::default()))
    }
}

impl Spill for Spilled {
    fn write(&mut self, number: u32, state: &[u8]) -> io::Result<()> {
        self.0.insert(number, state.to_vec());
        Ok(())
    }

    fn read(&mut self, number: u32) -> io::Result<Vec<u8>> {
        self.0.get(&number).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// A pipeline whose memory has room for one key's state.
fn tight(stream: &Arc<Stream>) -> Pipeline {
    Pipeline::within(stream, &StateMemory::bounded(1, Elsewhere)).unwrap()
}

fn process(stage: &mut dyn Stage, rows: &Rows, cuts: &[usize], outputs: &mut Outputs) {
    let mut begin = 0;
    for length in cuts.iter().copied().chain([usize::MAX]) {
        let length = length.min(rows.len() - begin);
        stage.process(rows.slice(begin, length), outputs).unwrap();
        begin += length;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn cuts_never_change_what_comes_out(all in prop::collection::vec(row(), 1..300), cuts in prop::collection::vec(0..60usize, 0..12)) {
        let stream = stream();
        let rows = rows(&stream, &all);

        let mut whole = Outputs::default();
        Enrich::new(stream.clone()).process(rows.clone(), &mut whole).unwrap();
        let mut cut = Outputs::default();
        process(&mut Enrich::new(stream.clone()), &rows, &cuts, &mut cut);
        prop_assert_eq!(given(&whole), given(&cut), "enrich");

        if let Some(enriched) = whole.rows.first() {
            let detect = || Detect::new(stream.clone()).unwrap().unwrap();
            let mut whole = Outputs::default();
            detect().process(enriched.clone(), &mut whole).unwrap();
            let mut cut = Outputs::default();
            process(&mut detect(), enriched, &cuts, &mut cut);
            prop_assert_eq!(given(&whole), given(&cut), "detect");
        }

        let mut whole = Outputs::default();
        Pipeline::new(&stream).unwrap().process(rows.clone(), &mut whole).unwrap();
        let mut cut = Outputs::default();
        process(&mut Pipeline::new(&stream).unwrap(), &rows, &cuts, &mut cut);
        prop_assert_eq!(given(&whole), given(&cut), "pipeline");
        let (mut small, mut spilling) = (tight(&stream), Outputs::default());
        process(&mut small, &rows, &cuts, &mut spilling);
        prop_assert_eq!(given(&whole), given(&spilling), "memory for one state");
        let state = small.state();
        prop_assert_eq!(state.spilled, state.bytes - state.bytes / state.keys.max(1), "one state is in memory");
        let counted = whole.rows.iter().map(Rows::len).sum::<usize>() + whole.dead_letters.len() + whole.filtered as usize;
        prop_assert_eq!(counted, all.len(), "no row vanishes");
    }

    /// A state that is snapshot, dropped and put back, then brought up to date from the horizon on, goes on the same.
    #[test]
    fn a_restored_state_gives_the_same_scores(all in prop::collection::vec(row(), 2..300), at in 0.0..1.0f64, budget in 0..40_000usize, spills: bool) {
        let stream = stream();
        let rows = rows(&stream, &all);
        let at = (all.len() as f64 * at) as usize;
        let mut whole = Outputs::default();
        let mut quiet = Pipeline::new(&stream).unwrap();
        process(&mut quiet, &rows, &[at], &mut whole);

        let mut crashed = Outputs::default();
        let mut before = if spills { tight(&stream) } else { Pipeline::new(&stream).unwrap() };
        before.process(rows.slice(0, at), &mut crashed).unwrap();
        let snapshots = before.snapshots(budget).unwrap();
        let horizon = before.horizon().map_or(at, |position| position as usize / 3);
        let committed = 3 * at as u64;
        let mut after = Resumed::new(tight(&stream), committed);
        for (key, snapshot) in snapshots {
            after.restore(key, committed, &snapshot).unwrap();
        }
        after.process(rows.slice(horizon, all.len() - horizon), &mut crashed).unwrap();
        prop_assert_eq!(given(&whole), given(&crashed));
    }
}

/// A key's first events are learned from; an event that stands out later says what is odd about it, in the units of the
/// column, and whatever the cuts.
#[test]
fn an_alarm_says_what_is_odd_and_an_ordinary_event_says_nothing() {
    let text = DEFINITION
        .replace("[corrected, \"abs(corrected)\", \"frequency(divisor)\", \"hash(sensor)\"]", "[\"asinh(corrected)\"]");
    let stream = Arc::new(Stream::load("readings.yaml", &text, &FILES).unwrap());
    let mut values: Vec<Row> = (0..400u32)
        .map(|n| Row {
            id: true,
            sensor: 'c',
            value: Some(f64::from(n * 7919 % 101) / 50.0 - 1.0),
            divisor: 1,
            noise: false,
            gap: 1_000,
        })
        .collect();
    values[399].value = Some(600.0);
    let mut outputs = Outputs::default();
    process(&mut Pipeline::new(&stream).unwrap(), &rows(&stream, &values), &[399], &mut outputs);
    let column = |rows: &Rows, name: &str| rows.batch.column_by_name(name).unwrap().clone();
    let (ordinary, odd) = (&outputs.rows[0], &outputs.rows[1]);
    let states = column(ordinary, "anomaly_state");
    let states: Vec<&str> = states.as_string::<i32>().iter().map(Option::unwrap).collect();
    assert!(
        states[..16].iter().all(|state| *state == "warming_up") && states[16..].iter().all(|state| *state == "scored")
    );
    let scores = column(ordinary, "anomaly_score");
    assert_eq!((scores.null_count(), scores.is_null(15), scores.is_null(16)), (16, true, false));
    let anomalous = column(ordinary, "anomalous").as_boolean().clone();
    for name in ["anomaly_words", "anomaly_causes"] {
        let values = column(ordinary, name);
        assert!((0..399).all(|row| values.is_null(row) != anomalous.value(row)), "{name}");
    }

    let words = column(odd, "anomaly_words");
    let words = words.as_string::<i32>().value(0);
    let (rule, rest) = words.split_once("; ").unwrap();
    assert_eq!(rule, "huge: corrected > 500");
    assert!(
        rest.starts_with("corrected 600, expected -") && rest.contains(" for c: ") && rest.ends_with(" sigma above"),
        "{words}"
    );
    let causes = column(odd, "anomaly_causes");
    let causes = causes.as_list::<i32>().value(0);
    let causes = causes.as_struct();
    let text = |name: &str, row: usize| {
        let values = causes.column_by_name(name).unwrap().as_string::<i32>();
        values.is_valid(row).then(|| values.value(row).to_owned())
    };
    let number = |name: &str, row: usize| {
        let values = causes.column_by_name(name).unwrap().as_primitive::<Float64Type>();
        values.is_valid(row).then(|| values.value(row))
    };
    assert_eq!((text("layer", 0).as_deref(), text("feature", 0), number("score", 0)), (Some("huge"), None, None));
    assert_eq!(text("feature", 1).as_deref(), Some("corrected"));
    assert!((number("value", 1).unwrap() - 600.0).abs() < 1e-9);
    let (low, high) = (number("expected_low", 1).unwrap(), number("expected_high", 1).unwrap());
    assert!(low < -0.5 && (0.5..600.0).contains(&high) && number("score", 1) > number("threshold", 1));
    // Odder than the one event in twenty that may alarm.
    let score = column(odd, "anomaly_score").as_primitive::<Float64Type>().value(0);
    assert!(score > (1.0 / 0.05_f64).log2(), "{score} bits");
}

/// Whatever else is known of an event: its anomaly has the trace that it came with, or the one that follows from its id.
#[test]
fn an_anomaly_has_the_trace_that_it_came_with_or_the_one_of_its_id() {
    let stream = stream();
    let values = [1.0, 600.0, 2.0, 601.0, 602.0].map(|value| Row {
        id: true,
        sensor: 'c',
        value: Some(value),
        divisor: 1,
        noise: false,
        gap: 1_000,
    });
    let traces = [(0, TraceId(1)), (9, TraceId(2))].into_iter().collect();
    let rows = Rows { traces, ..rows(&stream, &values) };
    let own = |id: &str| Some(TraceId::of("readings", id).to_string());
    for cuts in [&[][..], &[2], &[1, 1, 1]] {
        let mut outputs = Outputs::default();
        process(&mut Pipeline::new(&stream).unwrap(), &rows, cuts, &mut outputs);
        let column = |rows: &Rows| rows.batch.column_by_name("trace_id").unwrap().clone();
        let found = outputs.rows.iter().map(column).flat_map(|traces| {
            traces.as_string::<i32>().iter().map(|trace| trace.map(str::to_owned)).collect::<Vec<_>>()
        });
        let came = Some(format!("{:032x}", 2));
        assert_eq!(found.collect::<Vec<_>>(), [None, own("1"), None, came, own("4")], "{cuts:?}");
    }
}
