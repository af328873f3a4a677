//! Places that are lost: a writer whose group has no offsets goes on where its store says.

use std::{fs, path::Path};

use servers::Cassandra;

use crate::{
    child,
    cluster::{Cluster, Writer},
    faults::{check, check_without},
    owners::{pause_while_it_holds_rows, stores},
    same_rows::answer,
    sinks::Store,
};

#[test]
fn a_writer_whose_group_has_lost_its_offsets_goes_on_where_the_store_says() {
    let (cluster, cassandra) = (Cluster::start(), Cassandra::start().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&cassandra, folder.path());
    let start = |instance: &str| stores.each_ref().map(|store| cluster.writer(store, instance, "1s"));
    let first = start("first");
    first.iter().for_each(Writer::wait_until_ready);
    let events = 30_000;
    let sending = cluster.send(0, events, 1_500);
    // The quick ones first: none is to have everything.
    for (store, writer) in stores.iter().zip(&first).rev() {
        cluster.wait_until_stored(&store.backend, 8_000, &[writer]);
        writer.program.signal("KILL").unwrap();
    }
    let stored = stores.each_ref().map(|store| cluster.committed(&store.backend));
    for store in &stores {
        cluster.delete_group(&store.backend);
    }
    // The topic's retention goes on meanwhile: its first record is in the middle of what is stored.
    cluster.delete_events(500);
    let second = start("second");
    sending.join().unwrap();
    for ((store, writer), stored) in stores.iter().zip(&second).zip(stored) {
        cluster.wait_until_stored(&store.backend, events, &[writer]);
        let log = writer.program.log();
        assert!(log.contains("going on where the store says"), "{}: {log}", store.backend);
        let rows = writer.stop();
        println!("{}: {stored} rows were committed, {rows} were stored after that", store.backend);
        assert!(rows <= events - stored, "{}: {rows} rows behind {stored} were read", store.backend);
        check(store, events);
    }
}

#[test]
fn a_partition_that_comes_back_to_a_writer_is_read_on_where_the_other_one_was() {
    let cluster = Cluster::start();
    let folder = tempfile::tempdir().unwrap();
    let [delta, parquet] =
        ["delta", "parquet"].map(|backend| Store::new(backend, folder.path().join(backend).to_str().unwrap()));
    let both = [&delta, &parquet];
    let start = |instance: &str| both.map(|store| cluster.writer(store, instance, "4s"));
    let first = start("first");
    first.iter().for_each(Writer::wait_until_ready);
    let events = 45_000;
    let sending = cluster.send(0, events, 1_000);
    // Paused until the group hands its partitions on.
    for (store, writer) in both.iter().zip(&first) {
        pause_while_it_holds_rows(&cluster, &store.backend, writer);
    }
    let second = start("second");
    for (store, writer) in both.iter().zip(&second) {
        cluster.wait_until_stored(&store.backend, cluster.committed(&store.backend) + 4_000, &[writer]);
    }
    first.iter().for_each(|writer| writer.program.signal("CONT").unwrap());
    let of_second = second.each_ref().map(Writer::stop);
    sending.join().unwrap();
    for ((store, writer), of_second) in both.iter().zip(&first).zip(of_second) {
        cluster.wait_until_stored(&store.backend, events, &[writer]);
        let of_first = writer.stop();
        println!("{}: {of_first} and {of_second} rows by two writers", store.backend);
        assert!(of_second >= 4_000, "{}: the second writer had no partition", store.backend);
        assert_eq!(of_first + of_second, events, "{}: rows were read twice", store.backend);
        check(store, events);
    }
}

/// What earlier writers left. That of revision f956084: of each of eight partitions the events at 0 to 39, and in other
/// files those at 40 to 59, as if it had been killed before it committed these.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/golden");

/// Columns that the golden folders were written before.
const LATER_COLUMNS: [&str; 4] = ["anomaly_state", "anomaly_words", "anomaly_causes", "trace_id"];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => _ = fs::copy(entry.path(), to).unwrap(),
        }
    }
}

#[test]
fn lakes_of_the_first_version_are_gone_on_with() {
    let cluster = Cluster::start();
    let events = 800;
    cluster.send(0, events, 100_000).join().unwrap();
    for (backend, lost) in [("parquet", false), ("delta", false), ("parquet", true), ("delta", true)] {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(GOLDEN).join(format!("{backend}-f956084")), folder.path());
        let store = Store::new(backend, folder.path().to_str().unwrap());
        match lost {
            true => cluster.delete_group(backend),
            false => cluster.commit(backend, 40),
        }
        let writer = cluster.writer(&store, "new", "1s");
        cluster.wait_until_stored(backend, events, &[&writer]);
        let rows = writer.stop();
        println!("{backend}, offsets lost: {lost}: {rows} rows behind those of the first version");
        assert!(rows <= events - 320, "{backend}: {rows} rows were read");
        check_without(&store, events, &LATER_COLUMNS);
        // A table that this version is the first to have.
        assert_eq!(answer(&store.source(), "SELECT count(*) FROM aggregates"), ["0", "count(*)"]);
    }
}

/// A writer with the first version of the log was killed between a commit and its last file; and its group is gone.
#[test]
fn a_folder_with_the_first_version_of_the_log_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(GOLDEN).join("parquet-log-1"), folder.path());
    let store = Store::new("parquet", folder.path().to_str().unwrap());
    check_without(&store, 160, &LATER_COLUMNS);
    let ended = child::start(&store, &folder.path().join("positions"), 400, &[]).wait().unwrap();
    assert!(ended.success());
    check_without(&store, 400, &LATER_COLUMNS);
}
