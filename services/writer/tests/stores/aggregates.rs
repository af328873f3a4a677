//! Results of windows in every store: of all versions that were written a query gives the last one, before and after files
//! are merged, and Python's `deltalake` finds the same.

use std::{path::Path, process::Command, sync::Arc};

use arrow::{
    array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array},
    datatypes::SchemaRef,
};
use servers::Cassandra;
use sink::{Batch, Sink, Table};
use stream::columns::FINAL;

use crate::{
    rows::stream,
    same_rows::{TAKEN_IN, answer, beamline, rows_of},
    sinks::{LAKES, Store},
};

/// What every store answers.
const EVERYWHERE: [&str; 3] = [
    "SELECT * FROM aggregates WHERE aggregate = 'rates' AND window_start > '2025-01-01'",
    "SELECT * FROM aggregates WHERE aggregate = 'energy_spectra' AND window_start > '2025-01-01'",
    "SELECT detector_id, sum(events), max(max_energy) FROM aggregates \
     WHERE aggregate = 'rates' AND window_start > '2025-01-01' AND final GROUP BY detector_id",
];
/// What lakes answer as results in one process do.
const BY_NAME: [&str; 3] = [
    "SELECT * FROM rates",
    "SELECT * FROM energy_spectra",
    "SELECT count(*), count(DISTINCT window_start) FROM aggregates",
];

/// Results as their topic has them: first those that are not final yet, twice over, then the last ones.
fn versions(results: &[RecordBatch]) -> Vec<Batch> {
    let stream = stream();
    let open = |rows: &RecordBatch| {
        let schema: SchemaRef = rows.schema();
        let columns = schema.fields().iter().zip(rows.columns()).map(|(field, values)| -> ArrayRef {
            match field.name().as_str() {
                FINAL => Arc::new(BooleanArray::from(vec![false; rows.num_rows()])),
                _ => values.clone(),
            }
        });
        RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
    };
    let of_each: Vec<_> = results.iter().flat_map(|rows| [open(rows), open(rows), rows.clone()]).collect();
    let mut next = 0;
    let batch = |rows: RecordBatch| {
        let (first, rows_in) = (next, rows.num_rows() as u64);
        next += rows_in + 3;
        Batch {
            table: Table::Aggregates,
            topic: stream.topics().aggregates,
            partition: 1,
            positions: UInt64Array::from_iter_values(first..first + rows_in),
            times: (0..rows_in).map(|_| TAKEN_IN).collect(),
            keys: Some(stage::result_keys(&stream.aggregates, &rows).unwrap()),
            probes: Vec::new(),
            next,
            rows,
        }
    };
    of_each.into_iter().map(batch).collect()
}

/// Writes all of it, by two writers one of which repeats what the other one has.
fn write(store: &Store, versions: &[Batch]) {
    store.prepare();
    let mut both: [Box<dyn Sink>; 2] = [store.sink(), store.sink()];
    both.iter_mut().for_each(|sink| sink.reach().unwrap());
    for (number, batch) in versions.iter().enumerate() {
        both[number % 2].write(vec![batch.clone()]).unwrap();
        both[0].write(versions[..=number].to_vec()).unwrap();
    }
}

#[test]
fn one_statement_gives_the_last_results_of_windows_on_files_cql_and_lakes() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    let definition = concat!(env!("CARGO_MANIFEST_DIR"), "/../../streams/particle-events.yaml");
    // 100 s of events: the first windows of a minute are final, the later ones are not.
    beamline(&["run", definition, "--rate", "0", "--events", "100000", "--out", results.to_str().unwrap()]);
    let files = ask::Source::Results(vec![results]);
    let versions = versions(&rows_of(&files, Table::Aggregates));

    let cassandra = Cassandra::start().unwrap();
    let lake = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let lakes = LAKES.map(|backend| Store::new(backend, lake(backend)));
    let cql = Store::new("cql", cassandra.contact_point());
    for store in lakes.iter().chain([&cql]) {
        write(store, &versions);
    }
    let same = |store: &Store, statements: &[&str]| {
        for sql in statements {
            let (expected, found) = (answer(&files, sql), answer(&store.source(), sql));
            let rows = expected.len() - 1;
            assert!(
                rows > 0 && found == expected,
                "{sql}: {rows} rows on files, {} on {}",
                found.len() - 1,
                store.backend
            );
        }
    };
    same(&cql, &EVERYWHERE);
    for store in &lakes {
        same(store, &EVERYWHERE);
        same(store, &BY_NAME);
    }
    let results = answer(&files, "SELECT * FROM aggregates").len() - 1;
    let table = Path::new(&lakes[2].at).join("aggregates");
    read_with_python(&table, results);
    for store in &lakes {
        let location = lake::Location::parse(&store.at).unwrap();
        let done = store::query::block_on(lake::compact(&location, 128 << 20, None)).unwrap().unwrap();
        let done = done.iter().find(|done| done.table == Table::Aggregates).unwrap();
        println!("{}: {results} results, {} versions before them dropped", store.backend, done.replaced);
        assert!(done.replaced > results, "{done:?}");
        same(store, &EVERYWHERE);
        same(store, &BY_NAME);
    }
    assert_eq!(read_with_python(&table, results).unwrap_or(results), results, "every row is the last of its key");
}

/// The last version of each key as Python's `deltalake` finds it: as many as there are results, all of them final where they
/// are. Gives how many rows the table has.
fn read_with_python(table: &Path, results: usize) -> Option<usize> {
    let python = servers::python().unwrap()?;
    // It leaves at once: threads of the libraries may be at work while the interpreter ends, which aborts it.
    let script = "import os, sys, deltalake\n\
        t = deltalake.DeltaTable(sys.argv[1]).to_pyarrow_table(columns=['record_key', 'record_offset', 'final'])\n\
        last = {}\n\
        for key, offset, final in zip(*(t[name].to_pylist() for name in t.column_names)):\n    \
            last[key] = max(last.get(key, (-1, None)), (offset, final))\n\
        print(t.num_rows, len(last), sum(final for _, final in last.values()), flush=True)\n\
        os._exit(0)";
    let output = Command::new(python).args(["-c", script, table.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<usize> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers[1], results);
    println!("Python reads {} rows, {} last versions, {} of them final", numbers[0], numbers[1], numbers[2]);
    assert!(numbers[2] > 0);
    Some(numbers[0])
}
