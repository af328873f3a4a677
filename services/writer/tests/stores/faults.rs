//! Faults: the writer killed at random moments, the store killed, paused and away. In the end every event is stored
//! once, with its values. `BEAMLINE_FAULTS_EVENTS` and `BEAMLINE_FAULTS` make more of it (`make faults-stores`).

use std::{
    collections::BTreeMap,
    env,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch},
    datatypes::Schema,
};
use servers::{Cassandra, S3};

use crate::{
    child,
    rows::{self, stream},
    sinks::Store,
};

/// Events of one comparison: what is compared is in memory.
const COMPARED_AT_ONCE: u64 = 50_000;

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap())
}

pub(crate) fn some_millis(max: u64) -> Duration {
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    Duration::from_millis(u64::from(nanos / 1_000) % max)
}

/// What has befallen a store and its writers, as a table.
pub(crate) fn print_table<'a>(backend: &str, faults: impl IntoIterator<Item = (&'a str, u64)>) {
    println!("times  fault ({backend})");
    faults.into_iter().for_each(|(name, times)| println!("{times:>5}  {name}"));
}

/// Runs writers until all events are stored, killing them `faults` times; `fault` is what else happens, and says what that was.
fn run(
    store: &Store,
    folder: &Path,
    events: u64,
    faults: u64,
    envs: &[(&str, &str)],
    mut fault: impl FnMut(u64) -> Option<&'static str>,
) {
    let file = folder.join("positions");
    // About as long as the faults together: a batch has about 2,000 rows.
    let pace = (faults * 700 * 2_000 / events).to_string();
    let envs = &[envs, &[(child::PACE, pace.as_str())]].concat();
    let begin = Instant::now();
    let mut killed = 0;
    let mut table = BTreeMap::new();
    for number in 0..faults {
        let mut child = child::start(store, &file, events, envs);
        std::thread::sleep(Duration::from_millis(200) + some_millis(800));
        fault(number).iter().for_each(|name| *table.entry(*name).or_default() += 1);
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
    }
    let ended = child::start(store, &file, events, envs).wait().unwrap();
    assert!(ended.success(), "{ended}");
    assert!(killed > faults / 4, "{killed} of {faults} writers were killed at work: more events are needed");
    println!("{}: {events} events, {killed} of {faults} writers killed, {:.1?}", store.backend, begin.elapsed());
    table.insert("kill -9 of the writer", killed);
    print_table(&store.backend, table);
}

/// Every event once, with its values.
pub(crate) fn check(store: &Store, events: u64) {
    check_without(store, events, &[]);
}

/// The same, but for some columns.
pub(crate) fn check_without(store: &Store, events: u64, left_out: &[&str]) {
    let stream = stream();
    let asked = store::query::block_on(async {
        let session = ask::open(&store.source(), &store::QueryOptions::default()).await.unwrap();
        let all = collect(
            &session,
            "SELECT count(*), count(DISTINCT event_id) FROM processed_data WHERE timestamp > '2025-01-01'",
        )
        .await;
        let count = |column: usize| all.column(column).as_primitive::<arrow::datatypes::Int64Type>().value(0) as u64;
        assert_eq!((count(0), count(1)), (events, events), "{}: rows and ids", store.backend);
        for first in (0..events).step_by(COMPARED_AT_ONCE as usize) {
            let numbers: Vec<u64> = (first..(first + COMPARED_AT_ONCE).min(events)).collect();
            let (from, to) = (format!("event-{first:09}"), format!("event-{:09}", first + COMPARED_AT_ONCE));
            let sql = format!(
                "SELECT * FROM processed_data WHERE timestamp > '2025-01-01' AND event_id >= '{from}' AND event_id < '{to}'"
            );
            let found = sorted(&without(&collect(&session, &sql).await, left_out));
            let wanted = without(&rows::events(&stream, &numbers), left_out);
            assert_eq!(found, wanted, "{}: values", store.backend);
        }
    });
    asked.unwrap();
}

pub(crate) async fn collect(session: &store::Session, sql: &str) -> RecordBatch {
    let mut answer = session.sql(sql).await.unwrap();
    let mut batches = Vec::new();
    while let Some(rows) = answer.next().await.unwrap() {
        batches.push(rows);
    }
    concat_batches(&answer.schema(), &batches).unwrap()
}

fn without(rows: &RecordBatch, names: &[&str]) -> RecordBatch {
    let schema = rows.schema();
    let kept = schema.fields().iter().enumerate().filter(|(_, field)| !names.contains(&field.name().as_str()));
    rows.project(&kept.map(|(index, _)| index).collect::<Vec<_>>()).unwrap()
}

fn sorted(rows: &RecordBatch) -> RecordBatch {
    let by = SortColumn { values: rows.column_by_name("event_id").unwrap().clone(), options: None };
    let rows = take_record_batch(rows, &lexsort_to_indices(&[by], None).unwrap()).unwrap();
    // Which columns can be null is the table's business. A table of an earlier version has fewer of them.
    let (scored, found) = (stream().scored.clone(), rows.schema());
    let fields = found.fields().iter().map(|field| scored.field_with_name(field.name()).unwrap().clone());
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), rows.columns().to_vec()).unwrap()
}

#[test]
#[ignore = "takes minutes: make faults-stores"]
fn cql_has_every_event_once_whatever_is_killed_paused_or_away() {
    let cassandra = Cassandra::start().unwrap();
    let store = Store::new("cql", cassandra.contact_point());
    store.prepare();
    let folder = tempfile::tempdir().unwrap();
    let events = setting("BEAMLINE_FAULTS_EVENTS", 120_000);
    let faults = setting("BEAMLINE_FAULTS", 9);
    run(&store, folder.path(), events, faults, &[], |number| match number % 4 {
        // Paused until requests and connections time out, while the writer lives on.
        1 => {
            cassandra.node().pause().unwrap();
            std::thread::sleep(Duration::from_secs(15));
            cassandra.node().resume().unwrap();
            std::thread::sleep(Duration::from_secs(4));
            Some("store paused for 15 s")
        }
        // Killed, and away for a while.
        3 => {
            cassandra.node().kill();
            std::thread::sleep(Duration::from_secs(if number == 3 { 30 } else { 3 }));
            cassandra.node().start().unwrap();
            std::thread::sleep(Duration::from_secs(4));
            Some("kill -9 of the store, away for 3 to 30 s")
        }
        _ => None,
    });
    check(&store, events);
}

#[test]
#[ignore = "takes minutes: make faults-stores"]
fn a_delta_table_has_every_event_once_whenever_the_writer_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let store = Store::new("delta", lake.to_str().unwrap());
    let events = setting("BEAMLINE_FAULTS_EVENTS", 120_000);
    run(&store, folder.path(), events, setting("BEAMLINE_FAULTS", 9), &[], |_| None);
    check(&store, events);
    read_with_python(&lake.join("processed_data"), events);
}

#[test]
#[ignore = "takes minutes: make faults-stores"]
fn orc_files_have_every_event_once_whenever_the_writer_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new("orc", folder.path().join("lake").to_str().unwrap());
    let events = setting("BEAMLINE_FAULTS_EVENTS", 120_000);
    run(&store, folder.path(), events, setting("BEAMLINE_FAULTS", 9), &[], |_| None);
    check_without(&store, events, &["anomaly_causes"]);
}

#[test]
#[ignore = "takes minutes: make faults-stores"]
fn parquet_files_have_every_event_once_whenever_the_writer_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new("parquet", folder.path().join("lake").to_str().unwrap());
    let events = setting("BEAMLINE_FAULTS_EVENTS", 120_000);
    run(&store, folder.path(), events, setting("BEAMLINE_FAULTS", 9), &[], |_| None);
    check(&store, events);
}

#[test]
fn two_writers_of_one_delta_table_store_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new("delta", folder.path().join("lake").to_str().unwrap());
    // Made first, so that the two do not race for that.
    store.sink().positions().unwrap();
    let events = 80_000;
    let mut both = [0, 1].map(|number| child::start(&store, &folder.path().join(format!("{number}")), events, &[]));
    for child in &mut both {
        assert!(child.wait().unwrap().success());
    }
    check(&store, events);
}

#[test]
fn a_lake_on_s3_has_every_event_once() {
    let s3 = S3::start().unwrap();
    s3.create_bucket("lake").unwrap();
    let url = s3.url();
    let envs = [
        ("AWS_ENDPOINT", url.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    for backend in ["delta", "parquet"] {
        // The reader is this process, which cannot change its environment: a writer in a process of its own checks.
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(backend, on_s3(backend));
        let events = 60_000;
        run(&store, folder.path(), events, 4, &envs, |_| None);
        let checked = Command::new(env::current_exe().unwrap())
            .args(["--exact", "faults::checks_what_is_asked", "--nocapture"])
            .envs(envs)
            .env("BEAMLINE_TEST_CHECK", format!("{backend} {events}"))
            .status()
            .unwrap();
        assert!(checked.success(), "{backend}");
    }
}

fn on_s3(backend: &str) -> String {
    format!("s3://lake/particle-events-{backend}")
}

/// No test by itself: what the test on S3 runs.
#[test]
fn checks_what_is_asked() {
    let Ok(asked) = env::var("BEAMLINE_TEST_CHECK") else { return };
    let (backend, events) = asked.split_once(' ').unwrap();
    check(&Store::new(backend, on_s3(backend)), events.parse().unwrap());
}

/// An independent reader: Python's `deltalake`.
fn read_with_python(table: &Path, events: u64) {
    let Some(python) = servers::python().unwrap() else {
        println!("skipped: this machine has no Python to read the table with");
        return;
    };
    let script = "import sys, deltalake\n\
        t = deltalake.DeltaTable(sys.argv[1]).to_pyarrow_table(columns=['event_id', 'charge'])\n\
        print(t.num_rows, len(set(t['event_id'].to_pylist())), sum(v for v in t['charge'].to_pylist() if v is not None))";
    let output = Command::new(python).args(["-c", script, table.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let numbers: Vec<u64> = (0..events).collect();
    let expected = rows::events(&stream(), &numbers);
    let charges = expected.column_by_name("charge").unwrap().as_primitive::<arrow::datatypes::Int64Type>().clone();
    let sum: i64 = (0..charges.len()).filter(|row| charges.is_valid(*row)).map(|row| charges.value(row)).sum();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), format!("{events} {events} {sum}"));
    println!("Python reads {events} events, each once");
}
