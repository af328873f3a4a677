//! Pacing holds records back and changes nothing else.

use std::{
    fs,
    time::{Duration, Instant},
};

use source::Next;

use crate::{
    house::{nine, open, options, read, read_all, tail, try_open},
    replay::csv,
};

#[test]
fn a_replay_takes_the_time_that_its_events_took() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), csv(61, true)).unwrap();
    let stream = nine("{ files: { paths: [a.csv], speed: 100 } }");
    let unpaced = nine("{ files: { paths: [a.csv] } }");
    let all = read_all(open(&unpaced, folder.path()).as_mut());
    let begun = Instant::now();
    let (found, failed, cursors) = read(open(&stream, folder.path()).as_mut(), &[1000]);
    let took = begun.elapsed();
    assert!(failed.is_none());
    assert_eq!(found, all);
    // A minute of events, a hundred times faster.
    assert!(took > Duration::from_millis(550), "{took:?}");
    assert!(cursors.len() > 20, "{}", cursors.len());
    // A cursor of the paced source is one of the other as well.
    let mut source = open(&unpaced, folder.path());
    for cursor in &cursors {
        source.seek(cursor).unwrap();
        let rest = tail(&all, cursor.position);
        assert_eq!(read(source.as_mut(), &[7]).0.positions, rest.positions);
    }
}

#[test]
fn a_rate_is_kept_and_zero_lifts_it() {
    let folder = tempfile::tempdir().unwrap();
    let avro = crate::synthetic::PARTICLE;
    let stream = crate::house::stream(
        avro,
        ["event_id", "detector_id", "timestamp"],
        "{ synthetic: { profile: physical, rate: 2000, events: 1000 } }",
    );
    let begun = Instant::now();
    let all = read_all(open(&stream, folder.path()).as_mut());
    assert!((450..2000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    let mut fast = try_open(&stream, &source::Options { speed: Some(0.0), ..options(folder.path()) }).unwrap();
    let Next::Records(records) = fast.next(10_000).unwrap() else { panic!("no records") };
    assert_eq!(records.rows, all.rows);
}
