//! Partitions that change hands: rows of a writer that lost them are stored once, by whoever has them now.

use std::{
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use arrow::{
    array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array},
    compute::cast,
    datatypes::Float64Type,
};
use servers::Cassandra;
use sink::{Batch, Table};

use crate::{
    cluster::{Cluster, Writer},
    faults::{check, collect, print_table},
    rows,
    sinks::Store,
};

/// 2100-01-01T00:00:00Z in microseconds.
const FUTURE: i64 = 4_102_444_800_000_000;

const BACKENDS: [&str; 3] = ["cql", "delta", "parquet"];

/// A store of each kind, ready for rows.
pub(crate) fn stores(cassandra: &Cassandra, folder: &std::path::Path) -> [Store; 3] {
    let stores = BACKENDS.map(|backend| match backend {
        "cql" => Store::new("cql", cassandra.contact_point()),
        _ => Store::new(backend, folder.join(backend).to_str().unwrap()),
    });
    stores.iter().for_each(Store::prepare);
    stores
}

/// Pauses a writer while it holds rows: some time behind a commit.
pub(crate) fn pause_while_it_holds_rows(cluster: &Cluster, backend: &str, writer: &Writer) {
    let before = cluster.committed(backend);
    while cluster.committed(backend) == before {
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(Duration::from_millis(2_500));
    writer.program.signal("STOP").unwrap();
}

#[test]
fn a_paused_writer_that_goes_on_after_its_successor_harms_no_store() {
    let (cluster, cassandra) = (Cluster::start(), Cassandra::start().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&cassandra, folder.path());
    let start = |instance: &str| stores.each_ref().map(|store| cluster.writer(store, instance, "4s"));
    let first = start("first");
    first.iter().for_each(Writer::wait_until_ready);
    let events = 60_000;
    let sending = cluster.send(0, events, 1_000);
    for (store, writer) in stores.iter().zip(&first) {
        pause_while_it_holds_rows(&cluster, &store.backend, writer);
    }
    let held = stores.each_ref().map(|store| cluster.committed(&store.backend));
    let second = start("second");
    for ((store, writer), held) in stores.iter().zip(&second).zip(held) {
        // What the paused one holds, and more.
        cluster.wait_until_stored(&store.backend, held + 6_000, &[writer]);
    }
    first.iter().for_each(|writer| writer.program.signal("CONT").unwrap());
    sending.join().unwrap();
    for ((store, first), second) in stores.iter().zip(&first).zip(&second) {
        cluster.wait_until_stored(&store.backend, events, &[first, second]);
        let rows = [first.stop(), second.stop()];
        println!("{}: {rows:?} rows stored by the paused writer and its successor", store.backend);
        print_table(&store.backend, [("writer paused while it holds rows, another takes over, it goes on", 1)]);
    }
    for store in &stores {
        check(store, events);
    }
}

/// Event 7, as it would be far in the future and with this energy, at a position and taken in at a time.
fn event_of_the_future(energy: f64, position: u64, taken_in: i64) -> Batch {
    let stream = rows::stream();
    let event = rows::events(&stream, &[7]);
    let schema = event.schema();
    let columns = schema.fields().iter().zip(event.columns()).map(|(field, values)| -> ArrayRef {
        match field.name().as_str() {
            "energy_gev" => Arc::new(Float64Array::from(vec![energy])),
            "timestamp" => {
                let times = TimestampMicrosecondArray::from(vec![FUTURE]);
                cast(&times.with_timezone("UTC"), field.data_type()).unwrap()
            }
            _ => values.clone(),
        }
    });
    let rows = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
    let (positions, times) = (UInt64Array::from(vec![position]), Int64Array::from(vec![taken_in]));
    let (table, topic) = (Table::ProcessedData, stream.topics().scored);
    Batch { table, topic, partition: 3, rows, positions, times, next: position + 1, probes: Vec::new(), keys: None }
}

#[test]
fn an_older_record_that_is_written_last_does_not_win_in_cql() {
    let cassandra = Cassandra::start().unwrap();
    let store = Store::new("cql", cassandra.contact_point());
    store.prepare();
    let (mut paused, mut successor) = (store.sink(), store.sink());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
    let (older, newer) = (event_of_the_future(1.0, 5, now - 9_000), event_of_the_future(2.0, 8, now - 5_000));
    successor.write(vec![older.clone(), newer]).unwrap();
    paused.write(vec![older]).unwrap();
    let sql = "SELECT energy_gev FROM processed_data WHERE timestamp > '2090-01-01'";
    let found = store::query::block_on(async {
        let session = ask::open(&store.source(), &store::QueryOptions::default()).await.unwrap();
        collect(&session, sql).await.column(0).as_primitive::<Float64Type>().values().to_vec()
    });
    assert_eq!(found.unwrap(), [2.0], "the record that is behind the other one in its topic stays");
    let kept = paused.positions().unwrap().kept;
    assert_eq!(kept.into_values().collect::<Vec<_>>(), [9], "a position never goes back");
}
