//! A real HDFS: every event once although a data node goes and the name node restarts, and of two writers at one place one
//! wins. `make hdfs` writes more and kills the writers too.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use object_store::{ObjectStoreExt, PutMode};
use servers::Hdfs;

use crate::{
    child,
    faults::{check_without, some_millis},
    rows::{PARTITIONS, batch, positions, stream},
    sinks::{LAKES, Store},
};

/// What of the rows a backend does not give back as it was: ORC files have the list of causes as text.
fn left_out(backend: &str) -> &'static [&'static str] {
    if backend == "orc" { &["anomaly_causes"] } else { &[] }
}

/// Writers of every format at once, while a data node stops and the name node restarts; `kills` of them are killed before.
fn write_through_faults(hdfs: &Hdfs, events: u64, pace: &str, kills: u32) {
    let folder = tempfile::tempdir().unwrap();
    let stores = LAKES.map(|backend| Store::new(backend, hdfs.url(&format!("lakes/{backend}"))));
    let start = || {
        stores
            .each_ref()
            .map(|store| child::start(store, &folder.path().join(&store.backend), events, &[(child::PACE, pace)]))
    };
    let begun = Instant::now();
    for _ in 0..kills {
        let mut writers = start();
        thread::sleep(Duration::from_millis(1_500) + some_millis(1_500));
        for writer in &mut writers {
            writer.kill().unwrap();
            writer.wait().unwrap();
        }
    }
    let mut writers = start();
    thread::sleep(Duration::from_secs(2));
    hdfs.data_nodes()[0].kill();
    thread::sleep(Duration::from_secs(2));
    // How long the restart takes depends on the machine: what counts is that it finds the writers at work.
    let at_work = writers.iter_mut().filter_map(|writer| writer.try_wait().unwrap()).count() == 0;
    assert!(at_work, "the writers had ended before the faults: more events are needed");
    hdfs.name_node().restart().unwrap();
    hdfs.await_reports(2).unwrap();
    for (store, writer) in stores.iter().zip(&mut writers) {
        let ended = writer.wait().unwrap();
        assert!(ended.success(), "{}: {ended}", store.backend);
        check_without(store, events, left_out(&store.backend));
        println!("{} on HDFS: {events} events, each once, after {:.0?}", store.backend, begun.elapsed());
    }
    hdfs.data_nodes()[0].start().unwrap();
    hdfs.await_reports(3).unwrap();
    for store in &stores {
        let location = lake::Location::parse(&store.at).unwrap();
        let done = store::query::block_on(lake::compact(&location, 128 << 20, None)).unwrap().unwrap();
        assert!(done.iter().any(|table| table.merged > 1), "{}: {done:?}", store.backend);
        check_without(store, events, left_out(&store.backend));
    }
}

/// Of many who put an object at one place, one does, and it stays.
fn one_of_many_wins(hdfs: &Hdfs) {
    let (store, lake) = lake::Location::parse(&hdfs.url("race")).unwrap().open().unwrap();
    let found = store::query::block_on(async {
        for round in 0..20 {
            let path = lake.clone().join(format!("{round:020}.json"));
            let put = async |number: u32| {
                let wrote = store.put_opts(&path, number.to_string().into(), PutMode::Create.into()).await;
                match wrote {
                    Ok(_) => Some(number),
                    Err(object_store::Error::AlreadyExists { .. }) => None,
                    Err(error) => panic!("{error}"),
                }
            };
            let won = futures::future::join_all((0..8).map(put)).await;
            let won: Vec<u32> = won.into_iter().flatten().collect();
            let there = store.get(&path).await.unwrap().bytes().await.unwrap();
            assert_eq!(won.len(), 1, "{won:?} have won round {round}");
            assert_eq!(there, won[0].to_string());
        }
    });
    found.unwrap();
}

/// Two writers that have the same rows at the same moment: each row is stored once.
fn two_writers_race(hdfs: &Hdfs, backend: &str, rounds: u64) {
    let store = Store::new(backend, hdfs.url(&format!("races/{backend}")));
    let events = rounds * 400;
    let step = positions(400);
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (mut sink, stream) = (store.sink(), stream());
                // One table, which both would make.
                sink.positions().unwrap();
                for round in 0..rounds {
                    let part = |partition| batch(&stream, partition, round * step, (round + 1) * step);
                    let batches: Vec<_> = (0..PARTITIONS).map(part).collect();
                    barrier.wait();
                    sink.write(batches).unwrap();
                }
            });
        }
    });
    check_without(&store, events, left_out(backend));
    println!("{backend} on HDFS: {rounds} commits that two writers raced for, {events} events, each once");
}

#[test]
fn hdfs_has_every_event_once_whatever_goes_and_whoever_races() {
    let hdfs = Hdfs::start().unwrap();
    one_of_many_wins(&hdfs);
    two_writers_race(&hdfs, "delta", 4);
    write_through_faults(&hdfs, 24_000, "1000", 0);
}

#[test]
#[ignore = "takes minutes: make hdfs"]
fn hdfs_has_every_event_once_whoever_is_killed() {
    let hdfs = Hdfs::start().unwrap();
    LAKES.iter().for_each(|backend| two_writers_race(&hdfs, backend, 40));
    write_through_faults(&hdfs, 240_000, "150", 6);
}
