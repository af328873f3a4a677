//! One statement, the same rows on every store.

use std::process::Command;

use arrow::array::UInt64Array;
use servers::Cassandra;
use sink::{Batch, Table};

use crate::{
    rows::stream,
    sinks::{LAKES, Store},
};

const STATEMENTS: [&str; 5] = [
    "SELECT * FROM processed_data WHERE timestamp > '2025-01-01'",
    "SELECT * FROM anomalies WHERE timestamp > '2025-01-01'",
    "SELECT detector_id, count(*), min(timestamp), max(energy_gev) FROM processed_data \
     WHERE detector_id IN ('det-00001', 'det-00002', 'nowhere') GROUP BY detector_id",
    "SELECT event_id, pt FROM processed_data WHERE timestamp >= '2025-01-01' AND detector_id = 'det-00003'",
    "SELECT count(*) FROM particle_events WHERE timestamp > '2025-01-01'",
];

/// When the rows were taken in: a day in 2025.
pub(crate) const TAKEN_IN: i64 = 1_738_324_800_000;

/// The answer as lines in an order of their own.
pub(crate) fn answer(source: &ask::Source, sql: &str) -> Vec<String> {
    let asked = store::query::block_on(async {
        let session = ask::open(source, &store::QueryOptions::default()).await.unwrap();
        let mut bytes = Vec::new();
        let answer = session.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        store::print(answer, store::OutputFormat::Csv, store::TableLimits::FILE, &mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap()
    });
    let mut lines: Vec<String> = asked.unwrap().lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// The rows of a table of results.
pub(crate) fn rows_of(source: &ask::Source, table: Table) -> Vec<arrow::array::RecordBatch> {
    let asked = store::query::block_on(async {
        let session = ask::open(source, &store::QueryOptions::default()).await.unwrap();
        let mut answer = session.sql(&format!("SELECT * FROM {table}")).await.unwrap();
        let mut batches = Vec::new();
        while let Some(rows) = answer.next().await.unwrap() {
            batches.push(rows);
        }
        batches
    });
    asked.unwrap()
}

/// Runs the command line, which `cargo test --workspace` has built beside the tests.
pub(crate) fn beamline(args: &[&str]) {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("beamline");
    let ran = Command::new(&program).arg("--quiet").args(args).status();
    let ran = ran.unwrap_or_else(|error| panic!("{} must be built: {error}", program.display()));
    assert!(ran.success(), "{args:?}");
}

#[test]
fn one_statement_gives_the_same_rows_on_files_cql_and_lakes() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    let definition = concat!(env!("CARGO_MANIFEST_DIR"), "/../../streams/particle-events.yaml");
    beamline(&["run", definition, "--rate", "0", "--events", "30000", "--out", results.to_str().unwrap()]);
    let files = ask::Source::Results(vec![results]);

    let cassandra = Cassandra::start().unwrap();
    let lake = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut stores = vec![Store::new("cql", cassandra.contact_point())];
    stores.extend(LAKES.map(|backend| Store::new(backend, lake(backend))));
    let topics = stream().topics();
    for store in &stores {
        store.prepare();
        let mut sink = store.sink();
        sink.reach().unwrap();
        for (table, topic) in [(Table::ProcessedData, &topics.scored), (Table::Anomalies, &topics.anomalies)] {
            let mut position = 0;
            for rows in rows_of(&files, table) {
                let next = position + rows.num_rows() as u64;
                let positions = UInt64Array::from_iter_values(position..next);
                let times = positions.values().iter().map(|_| TAKEN_IN).collect();
                let batch = Batch {
                    table,
                    topic: topic.clone(),
                    partition: 1,
                    rows,
                    positions,
                    times,
                    next,
                    probes: Vec::new(),
                    keys: None,
                };
                // Twice: a repeat changes nothing.
                sink.write(vec![batch.clone()]).unwrap();
                sink.write(vec![batch]).unwrap();
                position = next;
            }
        }
    }
    for sql in STATEMENTS {
        let expected = answer(&files, sql);
        for store in &stores {
            let found = answer(&store.source(), sql);
            let rows = expected.len() - 1;
            assert!(found == expected, "{sql}: {rows} rows on files, {} on {}", found.len() - 1, store.backend);
        }
        println!("{} rows everywhere: {sql}", expected.len() - 1);
    }
    refuses_what_would_read_everything(&stores[0]);
    lets_a_table_grow_and_refuses_what_cannot_be(&stores[0]);
}

fn refuses_what_would_read_everything(store: &Store) {
    let asked = store::query::block_on(async {
        let session = ask::open(&store.source(), &store::QueryOptions::default()).await.unwrap();
        let refused = session.sql("SELECT count(*) FROM processed_data").await.err().unwrap().to_string();
        assert!(refused.contains("--full-scan"), "{refused}");
        let mut some = session.sql("SELECT * FROM processed_data LIMIT 7").await.unwrap();
        assert_eq!(some.next().await.unwrap().unwrap().num_rows(), 7);
    });
    asked.unwrap();
}

/// A column more is added; another bucket or type is refused with the reason.
fn lets_a_table_grow_and_refuses_what_cannot_be(store: &Store) {
    let dead_letters = kafka::dead_letters_schema().unwrap();
    let stream = stream();
    let settings = store.settings();
    let plan = |stream: &stream::Stream| {
        let layouts = cql::Layout::of(stream, dead_letters.arrow()).unwrap();
        store::query::block_on(cql::plan(&settings, &layouts)).unwrap().unwrap()
    };
    assert_eq!(plan(&stream), cql::Plan::default());

    let mut more = stream.as_ref().clone();
    let field = arrow::datatypes::Field::new("grade", arrow::datatypes::DataType::Int32, true);
    let fields = more.scored.fields().iter().cloned().chain([field.into()]);
    more.scored = std::sync::Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>()));
    let grown = plan(&more);
    assert!(grown.refusals.is_empty() && grown.changes[0].statement.contains("ADD \"grade\" int"), "{grown:?}");
    let layouts = cql::Layout::of(&more, dead_letters.arrow()).unwrap();
    store::query::block_on(cql::apply(&settings, &layouts)).unwrap().unwrap();
    assert_eq!(plan(&more), cql::Plan::default());

    let mut other = stream.as_ref().clone();
    other.definition.spec.store.cql.bucket = stream::Duration(std::time::Duration::from_secs(60));
    let refusals = plan(&other).refusals.join("\n");
    assert!(refusals.contains("has buckets of 3600 s and the stream asks for 60 s"), "{refusals}");
    let mut other = stream.as_ref().clone();
    other.definition.spec.key = "particle_type".to_owned();
    let refusals = plan(&other).refusals.join("\n");
    assert!(refusals.contains("a primary key cannot change"), "{refusals}");
}
