//! Windows over partitions in any batches give what one batch query over the same rows gives: on random streams, for
//! several numbers of partitions, orderly or shuffled within the lateness, with restarts in between.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array},
    compute::{concat_batches, take_record_batch},
    datatypes::Int64Type,
    util::pretty::pretty_format_batches,
};
use datafusion::{
    datasource::MemTable,
    prelude::{SessionConfig, SessionContext},
};
use fixtures::Memory;
use proptest::prelude::*;
use stage::{Aggregate, Merge, Outputs, Rows, Stage, Traces, partition_of};
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
  partitions: PARTITIONS
  aggregate:
    - name: by_kind
      window: 1m
      lateness: 20s
      group_by: [kind]
      select:
        events: "count(*)"
        valued: "count(value)"
        sum: "sum(value)"
        mean: "avg(value)"
        least: "min(value)"
        most: "max(value)"
        variance: "var_samp(value)"
        first: "first_value(value)"
        last: "last_value(value)"
        positive: "count(*) FILTER (WHERE value > 0)"
        spread: "max(value) - min(value)"
    - name: by_sensor
      window: 30s
      slide: 10s
      lateness: 20s
      group_by: [sensor, kind]
      select: { events: "count(*)", sum: "sum(value)" }
    - name: sessions
      session: 15s
      lateness: 20s
      group_by: [sensor]
      select: { events: "count(*)", last: "last_value(value)" }
    - name: total
      select: { events: "count(*)", sum: "sum(value)", sensors: "approx_distinct(sensor)" }
"#;

const SCHEMA: &str = r#"{ "type": "record", "name": "Reading", "fields": [
    { "name": "id", "type": "string" },
    { "name": "sensor", "type": "string" },
    { "name": "kind", "type": ["null", "string"] },
    { "name": "at", "type": { "type": "long", "logicalType": "timestamp-micros" } },
    { "name": "value", "type": ["null", "double"] } ] }"#;

const FILES: Memory<'_> = Memory(&[("reading.avsc", SCHEMA)]);

/// What the same aggregates are as one query over all rows.
const QUERIES: [(&str, &str, &str); 4] = [
    (
        "SELECT window_start, kind, events, valued, sum, mean, least, most, first, last, positive, spread
         FROM ours WHERE aggregate = 'by_kind'",
        "SELECT date_bin(INTERVAL '1 minute', at) AS window_start, kind, count(*) AS events, count(value) AS valued,
         sum(value) AS sum, avg(value) AS mean, min(value) AS least, max(value) AS most,
         first_value(value ORDER BY at, id) FILTER (WHERE value IS NOT NULL) AS first,
         last_value(value ORDER BY at, id) FILTER (WHERE value IS NOT NULL) AS last,
         count(*) FILTER (WHERE value > 0) AS positive, max(value) - min(value) AS spread
         FROM events GROUP BY 1, 2",
        "window_start, kind",
    ),
    (
        "SELECT window_start, sensor, kind, events, sum FROM ours WHERE aggregate = 'by_sensor'",
        "SELECT window_start, sensor, kind, count(*) AS events, sum(value) AS sum FROM (
           SELECT date_bin(INTERVAL '10 seconds', at) - back AS window_start, at, sensor, kind, value FROM events
           CROSS JOIN (VALUES (INTERVAL '0 seconds'), (INTERVAL '10 seconds'), (INTERVAL '20 seconds')) AS b(back))
         GROUP BY 1, 2, 3",
        "window_start, sensor, kind",
    ),
    (
        "SELECT window_start, window_end, sensor, events, last FROM ours WHERE aggregate = 'sessions'",
        "SELECT min(at) AS window_start, max(at) + INTERVAL '15 seconds' AS window_end, sensor, count(*) AS events,
         last_value(value ORDER BY at, id) FILTER (WHERE value IS NOT NULL) AS last FROM (
           SELECT *, sum(CASE WHEN at - before < INTERVAL '15 seconds' THEN 0 ELSE 1 END)
             OVER (PARTITION BY sensor ORDER BY at, id) AS session FROM (
             SELECT *, lag(at) OVER (PARTITION BY sensor ORDER BY at, id) AS before FROM events))
         GROUP BY sensor, session",
        "window_start, sensor",
    ),
    (
        "SELECT events, sum, sensors FROM ours WHERE aggregate = 'total'",
        "SELECT count(*) AS events, sum(value) AS sum, CAST(approx_distinct(sensor) AS BIGINT) AS sensors FROM events",
        "events",
    ),
];

fn stream(partitions: u32) -> Arc<Stream> {
    let text = DEFINITION.replace("PARTITIONS", &partitions.to_string());
    Arc::new(Stream::load("readings.yaml", &text, &FILES).unwrap_or_else(|errors| panic!("{errors}")))
}

#[derive(Debug, Clone)]
struct Row {
    sensor: u8,
    kind: u8,
    /// Seconds since the row before.
    after: f64,
    /// How much later it comes than it happened, as a share of the lateness.
    delay: f64,
    /// In quarters, so that the query's sums are exact in any order too.
    value: Option<i32>,
}

fn row() -> impl Strategy<Value = Row> {
    let after = prop_oneof![8 => 0.0..2.0f64, 1 => Just(0.0), 1 => 10.0..40.0f64];
    let value = prop_oneof![9 => (-4000..4000i32).prop_map(Some), 1 => Just(None)];
    (0..9u8, 0..4u8, after, 0.0..1.0f64, value).prop_map(|(sensor, kind, after, delay, value)| Row {
        sensor,
        kind,
        after,
        delay,
        value,
    })
}

/// The rows in the order they come in: delayed by up to `lateness` seconds.
fn batch(stream: &Stream, rows: &[Row], lateness: f64) -> RecordBatch {
    let mut time = 0.0;
    let mut coming: Vec<(f64, usize, i64, &Row)> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        time += row.after;
        coming.push((time + row.delay * lateness, number, (time * 1e6) as i64, row));
    }
    coming.sort_by(|a, b| a.0.total_cmp(&b.0));
    let begin = 1_735_689_600_000_000;
    let kind = |row: &Row| (row.kind > 0).then(|| format!("kind-{}", row.kind));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(coming.iter().map(|(_, number, ..)| format!("{number:06}")))),
        Arc::new(StringArray::from_iter_values(coming.iter().map(|(.., row)| format!("sensor-{}", row.sensor)))),
        Arc::new(coming.iter().map(|(.., row)| kind(row)).collect::<StringArray>()),
        Arc::new(TimestampMicrosecondArray::from_iter_values(coming.iter().map(|(_, _, at, _)| begin + at))),
        Arc::new(
            coming.iter().map(|(.., row)| row.value.map(|value| f64::from(value) / 4.0)).collect::<Float64Array>(),
        ),
    ];
    let schema = stream.input.arrow();
    let columns = columns.iter().zip(schema.fields()).map(|(c, f)| arrow::compute::cast(c, f.data_type()).unwrap());
    RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
}

/// The results of all windows, and how many events each aggregate left out.
fn windows(
    stream: &Arc<Stream>,
    all: &RecordBatch,
    cuts: &[usize],
    restart: usize,
) -> (RecordBatch, BTreeMap<String, u64>) {
    let partitions = stream.definition.spec.partitions;
    let fresh = || Aggregate::new(stream.clone()).unwrap().unwrap();
    let mut aggregates: Vec<Aggregate> = (0..partitions).map(|_| fresh()).collect();
    let mut merge = Merge::new(stream).unwrap();
    let mut states: Vec<BTreeMap<Box<str>, Vec<u8>>> = vec![BTreeMap::new(); partitions as usize + 1];
    let (mut results, mut late) = (Vec::new(), BTreeMap::new());
    let mut begin = 0;
    for (number, length) in cuts.iter().copied().chain([usize::MAX]).enumerate() {
        let length = length.min(all.num_rows() - begin);
        let keys = all.column(1).as_string::<i32>();
        for (partition, aggregate) in aggregates.iter_mut().enumerate() {
            let mine = (begin..begin + length)
                .filter(|row| partition_of(keys.value(*row).as_bytes(), partitions) == partition as u32);
            let mine = UInt64Array::from_iter_values(mine.map(|row| row as u64));
            let batch = take_record_batch(all, &mine).unwrap();
            let keys = batch.column(1).as_string::<i32>().clone();
            let mut out = Outputs::default();
            aggregate
                .process(Rows { batch, positions: mine, keys, ingested: None, traces: Traces::default() }, &mut out)
                .unwrap();
            for name in out.late.iter().flat_map(|rows| rows.batch.column(0).as_string::<i32>().iter().flatten()) {
                *late.entry(name.to_owned()).or_default() += 1;
            }
            // Not every batch is a commit.
            if number % 2 == 0 || number == cuts.len() {
                aggregate.flush(&mut out).unwrap();
                results.extend(out.closed);
                for partial in &out.partials {
                    assert_eq!(merge.apply(partition as u32, &partial.state).unwrap(), 0);
                }
                out.clock.into_iter().for_each(|clock| merge.clock(partition as u32, clock));
                let snapshots = aggregate.snapshots(0).unwrap().into_iter().map(|(key, state)| (key, state.to_vec()));
                keep(&mut states[partition], snapshots);
                assert_eq!(aggregate.horizon(), None);
            }
        }
        results.extend(merge.settle().unwrap());
        keep(&mut states[partitions as usize], merge.snapshots().unwrap());
        if number == restart && number % 2 == 0 {
            for (aggregate, state) in aggregates.iter_mut().zip(&states) {
                *aggregate = fresh();
                state.iter().for_each(|(key, state)| aggregate.restore(key.clone(), state).unwrap());
            }
            merge = Merge::new(stream).unwrap();
            states[partitions as usize].iter().for_each(|(key, state)| merge.restore(key, state).unwrap());
        }
        begin += length;
    }
    for aggregate in &mut aggregates {
        results.extend(aggregate.unclosed(true).unwrap());
    }
    results.extend(merge.kept(true).unwrap());
    (concat_batches(&stream.aggregates.schema, &results).unwrap(), late)
}

fn keep(states: &mut BTreeMap<Box<str>, Vec<u8>>, snapshots: impl IntoIterator<Item = (Box<str>, Vec<u8>)>) {
    for (key, state) in snapshots {
        match state.is_empty() {
            true => states.remove(&key),
            false => states.insert(key, state),
        };
    }
}

fn context(events: &RecordBatch, ours: &RecordBatch) -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(1);
    config.options_mut().sql_parser.enable_ident_normalization = false;
    let context = SessionContext::new_with_config(config);
    for (name, batch) in [("events", events), ("ours", ours)] {
        let table = MemTable::try_new(batch.schema(), vec![vec![batch.clone()]]).unwrap();
        context.register_table(name, Arc::new(table)).unwrap();
    }
    context
}

fn answer(context: &SessionContext, sql: &str) -> Vec<RecordBatch> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { context.sql(sql).await.unwrap().collect().await.unwrap() })
}

fn text(context: &SessionContext, sql: &str, order: &str) -> String {
    let rows = answer(context, &format!("SELECT * FROM ({sql}) ORDER BY {order}"));
    pretty_format_batches(&rows).unwrap().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn windows_are_what_one_query_says(
        rows in prop::collection::vec(row(), 1..400),
        cuts in prop::collection::vec(0..80usize, 1..10),
        restart in 0..8usize,
        shuffled in any::<bool>(),
    ) {
        let lateness = if shuffled { 19.9 } else { 0.0 };
        for partitions in [1, 3, 8] {
            let stream = stream(partitions);
            let events = batch(&stream, &rows, lateness);
            let (ours, late) = windows(&stream, &events, &cuts, restart);
            prop_assert!(late.is_empty(), "{late:?}");
            let context = context(&events, &ours);
            for (mine, query, order) in QUERIES {
                prop_assert_eq!(text(&context, mine, order), text(&context, query, order), "{} partitions", partitions);
            }
            // The query's own variance is rounded at every row.
            let off = answer(&context, "SELECT count(*) FROM ours JOIN (
                SELECT date_bin(INTERVAL '1 minute', at) AS start, coalesce(kind, '') AS name, var_samp(value) AS v
                FROM events GROUP BY 1, 2) ON window_start = start AND name = coalesce(kind, '')
                WHERE aggregate = 'by_kind' AND ((v IS NULL) <> (variance IS NULL) OR abs(v - variance) > 1e-9 * (1 + v))");
            prop_assert_eq!(off[0].column(0).as_primitive::<Int64Type>().value(0), 0);
            let closed = answer(&context, "SELECT count(*) FROM ours WHERE NOT final");
            prop_assert_eq!(closed[0].column(0).as_primitive::<Int64Type>().value(0), 0);
        }
    }

    /// Events that come too late are counted, each once, and are in no window that had closed.
    #[test]
    fn an_event_is_in_its_window_or_late(
        rows in prop::collection::vec(row(), 1..400),
        cuts in prop::collection::vec(0..80usize, 1..10),
        other in prop::collection::vec(0..80usize, 1..10),
    ) {
        for partitions in [1, 3] {
            let stream = stream(partitions);
            let events = batch(&stream, &rows, 200.0);
            let (ours, late) = windows(&stream, &events, &cuts, 0);
            let context = context(&events, &ours);
            for name in ["by_kind", "sessions", "total"] {
                let sql = format!("SELECT coalesce(sum(events), 0) FROM ours WHERE aggregate = '{name}'");
                let inside = answer(&context, &sql)[0].column(0).as_primitive::<Int64Type>().value(0) as u64;
                prop_assert_eq!(inside + late.get(name).copied().unwrap_or(0), rows.len() as u64, "{}", name);
            }
            let (again, late_again) = windows(&stream, &events, &other, 1);
            let order = "aggregate, window_start, window_end, sensor, kind";
            prop_assert_eq!(late, late_again, "cuts change nothing");
            let ours = text(&context, "SELECT * FROM ours", order);
            prop_assert_eq!(ours, text(&self::context(&events, &again), "SELECT * FROM ours", order));
        }
    }
}
