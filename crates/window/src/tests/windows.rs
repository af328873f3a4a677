//! Which windows an event is in, and when they close.

use super::*;
use crate::{
    slots::{SLOTS_MAX, Slots},
    state::State,
};

const BY_MINUTE: &str = "    - { name: m, window: 60s, lateness: 0s, group_by: [sensor], select: { n: \"count(*)\" } }";

#[test]
fn a_window_has_its_start_and_not_its_end_and_closes_when_the_clock_reaches_it() {
    let stream = stream(BY_MINUTE);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    assert_eq!(aggregator.clock(), None);
    assert!(take(&mut aggregator, &stream, &[("a", 0, 1.0), ("a", 59, 2.0), ("b", -1, 3.0)]).len() == 1);
    assert_eq!(flushed(&aggregator.flush().unwrap()), (vec![], vec!["m 0 60 - a 2".to_owned()]));
    assert!(take(&mut aggregator, &stream, &[("a", 60, 4.0)]).is_empty());
    assert_eq!(aggregator.clock(), Some(60 * SECOND));
    assert_eq!(
        flushed(&aggregator.flush().unwrap()),
        (vec!["m 0 60 * a 2".to_owned()], vec!["m 60 120 - a 1".to_owned()])
    );
    assert_eq!(aggregator.open_windows(), 1);
    let nothing = aggregator.flush().unwrap();
    assert!(nothing.closed.is_none() && nothing.changed.is_none(), "each change is given once");
}

#[test]
fn an_event_before_1970_is_in_the_window_that_contains_it() {
    let stream = stream(BY_MINUTE);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&mut aggregator, &stream, &[("a", -61, 1.0), ("a", -60, 2.0), ("a", -1, 3.0)]);
    let given = aggregator.flush().unwrap();
    assert_eq!(flushed(&given), (vec!["m -120 -60 * a 1".to_owned()], vec!["m -60 0 - a 2".to_owned()]));
}

#[test]
fn a_late_event_says_by_how_much_and_lateness_keeps_a_window_open() {
    let text = BY_MINUTE.replace("lateness: 0s", "lateness: 5s");
    let stream = stream(&text);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&mut aggregator, &stream, &[("a", 64, 1.0)]);
    assert!(take(&mut aggregator, &stream, &[("a", 59, 2.0)]).is_empty(), "one second is left");
    let late = take(&mut aggregator, &stream, &[("a", 65, 3.0), ("a", 59, 4.0), ("a", 80, 5.0), ("a", 10, 6.0)]);
    assert_eq!(
        reasons(&late),
        [(1, Some(0.0), "its window had closed 0 s before"), (3, Some(15.0), "its window had closed 15 s before")]
    );
    assert_eq!(late[0].aggregate.name, "m");
    assert_eq!(
        reasons(&take(&mut aggregator, &stream, &[("a", 205, 7.0), ("a", 70, 8.0)])),
        [(1, Some(80.0), "its window had closed 80 s before")]
    );
    assert_eq!(lines(&aggregator.flush().unwrap().closed), ["m 0 60 * a 1", "m 60 120 * a 3"]);
}

#[test]
fn a_time_beyond_all_bounds_is_left_out_and_moves_nothing() {
    let stream = stream(BY_MINUTE);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    let late = take(&mut aggregator, &stream, &[("a", i64::MAX, 1.0), ("a", i64::MIN, 2.0), ("a", 1, 3.0)]);
    let why = "its time is beyond all bounds";
    assert_eq!(reasons(&late), [(0, None, why), (1, None, why)]);
    assert_eq!(aggregator.clock(), Some(SECOND));
}

#[test]
fn sliding_windows_have_an_event_in_each_that_contains_it() {
    let stream = stream(
        "    - { name: s, window: 60s, slide: 20s, lateness: 0s, group_by: [sensor], select: { n: \"count(*)\" } }",
    );
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&mut aggregator, &stream, &[("a", 40, 1.0)]);
    assert_eq!(aggregator.open_windows(), 3);
    let open = lines(&aggregator.unclosed(false).unwrap());
    assert_eq!(open, ["s 0 60 - a 1", "s 20 80 - a 1", "s 40 100 - a 1"]);
    // Two of its three windows are closed; it is late by the one that was closed first.
    let late = take(&mut aggregator, &stream, &[("a", 90, 2.0), ("a", 45, 3.0)]);
    assert_eq!(reasons(&late), [(1, Some(30.0), "its window had closed 30 s before")]);
    let given = aggregator.flush().unwrap();
    assert_eq!(lines(&given.closed), ["s 0 60 * a 1", "s 20 80 * a 1"]);
    assert_eq!(lines(&given.changed), ["s 40 100 - a 3", "s 60 120 - a 1", "s 80 140 - a 1"]);
}

#[test]
fn a_window_over_the_whole_stream_never_closes() {
    let stream = stream("    - { name: w, group_by: [sensor], select: { n: \"count(*)\", top: \"max(value)\" } }");
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&mut aggregator, &stream, &[("a", 0, 1.0), ("b", 5, 7.0), ("a", 1_000_000_000, 2.5)]);
    take(&mut aggregator, &stream, &[("a", 3, 2.0)]);
    assert_eq!(
        flushed(&aggregator.flush().unwrap()),
        (vec![], vec!["w - a 3 2.5".to_owned(), "w - b 1 7.0".to_owned()])
    );
    assert_eq!(
        lines(&aggregator.unclosed(true).unwrap()),
        ["w * a 3 2.5", "w * b 1 7.0"],
        "final where the stream is over"
    );
}

#[test]
fn windows_that_are_closed_are_not_among_those_that_are_not() {
    let stream = stream(BY_MINUTE);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&mut aggregator, &stream, &[("a", 0, 1.0), ("a", 100, 2.0)]);
    assert_eq!(lines(&aggregator.unclosed(false).unwrap()), ["m 60 120 - a 1"]);
    assert_eq!(lines(&aggregator.unclosed(true).unwrap()), ["m 60 120 * a 1"]);
}

#[test]
fn a_row_that_cannot_be_computed_is_left_out_with_the_reason() {
    let stream = stream(
        "    - { name: m, window: 60s, group_by: [sensor], select: { n: \"count(*)\", \
         f: \"sum(1 / cast(value as bigint)) FILTER (WHERE 1 / cast(value as bigint) >= 0)\" } }",
    );
    let mut aggregator = Aggregator::new(&stream).unwrap();
    let left_out = take(&mut aggregator, &stream, &[("a", 0, 1.0), ("a", 1, 0.0), ("a", 2, 1.0)]);
    assert_eq!(left_out.iter().map(|event| (event.row, event.late_by_seconds)).collect::<Vec<_>>(), [(1, None)]);
    assert!(left_out[0].reason.starts_with("it cannot be computed: "), "{}", left_out[0].reason);
    assert_eq!(lines(&aggregator.flush().unwrap().changed), ["m 0 60 - a 2 2"]);
}

#[test]
fn those_left_out_by_several_aggregates_come_in_the_order_of_their_rows() {
    let text = [BY_MINUTE.to_owned(), BY_MINUTE.replace("name: m", "name: o")].join("\n");
    let stream = stream(&text);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    let late = take(&mut aggregator, &stream, &[("a", 100, 1.0), ("a", 0, 2.0), ("a", 1, 3.0)]);
    let of: Vec<(usize, &str)> = late.iter().map(|event| (event.row, event.aggregate.name.as_str())).collect();
    assert_eq!(of, [(1, "m"), (1, "o"), (2, "m"), (2, "o")]);
    assert_eq!(aggregator.doubted(), 0);
}

#[test]
fn snapshots_are_what_changed_and_restore_all_of_it() {
    let text = [BY_MINUTE.to_owned(), BY_MINUTE.replace("name: m", "name: o").replace("60s", "3600s")].join("\n");
    let stream = stream(&text);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&mut aggregator, &stream, &[("a", 0, 1.0), ("b", 1, 2.0)]);
    let mut all = aggregator.snapshots().unwrap();
    assert_eq!(all.len(), 5, "two windows of each aggregate, and the clock");
    assert!(all.iter().all(|(key, _)| Aggregator::owns(key)));
    assert!(!Aggregator::owns("a"));
    assert_eq!(aggregator.snapshots().unwrap().len(), 0);
    take(&mut aggregator, &stream, &[("b", 70, 3.0)]);
    aggregator.flush().unwrap();
    let changed = aggregator.snapshots().unwrap();
    let empty = changed.iter().filter(|(_, state)| state.is_empty()).count();
    assert_eq!((changed.len(), empty), (5, 2), "two are closed, two changed, and the clock");
    all.extend(changed);

    let mut restored = Aggregator::new(&stream).unwrap();
    all.iter().for_each(|(key, state)| restored.restore(key, state).unwrap());
    assert_eq!((restored.clock(), restored.open_windows()), (Some(70 * SECOND), 3));
    assert_eq!(restored.snapshots().unwrap().len(), 0, "what was restored is written down");
    let next = [("b", 71, 4.0), ("a", 10, 5.0), ("a", 130, 6.0)];
    assert_eq!(reasons(&take(&mut restored, &stream, &next)), reasons(&take(&mut aggregator, &stream, &next)));
    assert_eq!(flushed(&restored.flush().unwrap()), flushed(&aggregator.flush().unwrap()));
    assert_eq!(lines(&restored.unclosed(false).unwrap()), lines(&aggregator.unclosed(false).unwrap()));
}

#[test]
fn a_window_that_was_restored_twice_counts_once() {
    let stream = stream(BY_MINUTE);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&mut aggregator, &stream, &[("a", 0, 1.0)]);
    let early = aggregator.snapshots().unwrap();
    take(&mut aggregator, &stream, &[("a", 1, 2.0)]);
    let late = aggregator.snapshots().unwrap();
    let mut restored = Aggregator::new(&stream).unwrap();
    early.iter().chain(&late).for_each(|(key, state)| restored.restore(key, state).unwrap());
    assert_eq!(lines(&restored.unclosed(false).unwrap()), ["m 0 60 - a 2"]);
    let unknown = aggregator.restore("\u{1}x/0/", &late[0].1[..3]);
    assert!(unknown.is_err(), "a state that is cut");
    let other = super::stream(&BY_MINUTE.replace("name: m", "name: other"));
    let error = Aggregator::new(&other).unwrap().restore(&late[0].0, &late[0].1).unwrap_err();
    assert!(error.to_string().contains("no such aggregate"), "{error}");
}

/// A part says how many events its partition has of the window, and how many of them are new.
#[test]
fn a_part_counts_its_events() {
    let stream = stream("    - { name: all, window: 60s, select: { n: \"count(*)\" } }");
    let mut aggregator = Aggregator::new(&stream).unwrap();
    let counts = |aggregator: &mut Aggregator| {
        let partials = aggregator.flush().unwrap().partials;
        let states = partials.iter().map(|partial| State::decode(&partial.state).unwrap());
        states.map(|state| (state.start / SECOND, state.events, state.added)).collect::<Vec<_>>()
    };
    take(&mut aggregator, &stream, &[("a", 0, 1.0), ("b", 1, 2.0)]);
    assert_eq!(counts(&mut aggregator), [(0, 2, 2)]);
    assert_eq!(counts(&mut aggregator), []);
    take(&mut aggregator, &stream, &[("a", 2, 3.0), ("a", 61, 4.0)]);
    assert_eq!(counts(&mut aggregator), [(0, 3, 1), (60, 1, 1)]);
    let snapshots = aggregator.snapshots().unwrap();
    let mut restored = Aggregator::new(&stream).unwrap();
    snapshots.iter().for_each(|(key, state)| restored.restore(key, state).unwrap());
    take(&mut restored, &stream, &[("a", 3, 5.0)]);
    assert_eq!(counts(&mut restored), [(0, 4, 1)], "and goes on from a snapshot");
}

#[test]
fn there_is_a_limit_to_the_windows_that_are_open() {
    let mut slots = Slots::default();
    for start in 0..SLOTS_MAX as i64 {
        assert!(slots.window(start, start + 1, b"").is_some());
    }
    assert_eq!((slots.count(), slots.len()), (SLOTS_MAX, SLOTS_MAX));
    assert_eq!((slots.window(-1, 0, b""), slots.session(-1, 0, b"")), (None, None));
    assert!(slots.window(7, 8, b"").is_some(), "one that is open is found");
    slots.close(7);
    assert_eq!(slots.count(), SLOTS_MAX - 1);
    assert_eq!(slots.window(-1, 0, b""), Some(7), "one that was given up is used again");
}

#[test]
fn a_clock_of_files_doubts_a_time_far_ahead_and_one_of_a_live_stream_does_not() {
    for (source, clock, doubted) in [("  source: { files: { paths: [\"*.csv\"] } }\n", 10, 1), ("", 1_000_000, 0)] {
        let text = definition(&format!("  max_ahead: 1h\n{source}  aggregate:\n{BY_MINUTE}"));
        let stream = Stream::load("readings.yaml", &text, &Memory(&[("reading.avsc", READING)]))
            .unwrap_or_else(|error| panic!("{error}"));
        let mut aggregator = Aggregator::new(&stream).unwrap();
        take(&mut aggregator, &stream, &[("a", 10, 1.0), ("a", 1_000_000, 2.0)]);
        assert_eq!((aggregator.clock(), aggregator.doubted()), (Some(clock * SECOND), doubted), "{source}");
        assert_eq!(aggregator.doubted(), 0);
    }
}
