//! Sessions: which events belong together, and what becomes of two that turn out to be one.

use super::*;
use crate::state::State;

const SESSIONS: &str = "    - { name: s, session: 10s, lateness: 100s, group_by: [sensor], select: { n: \"count(*)\", most: \"max(value)\" } }";

fn of(events: &[(&str, i64, f64)]) -> Vec<String> {
    let stream = stream(SESSIONS);
    let mut whole = Aggregator::new(&stream).unwrap();
    take(&mut whole, &stream, events);
    let mut one_by_one = Aggregator::new(&stream).unwrap();
    for event in events {
        take(&mut one_by_one, &stream, &[*event]);
        one_by_one.flush().unwrap();
    }
    let found = lines(&whole.unclosed(false).unwrap());
    assert_eq!(found, lines(&one_by_one.unclosed(false).unwrap()), "however the events are cut");
    found
}

#[test]
fn a_session_ends_where_no_event_comes_for_the_gap() {
    assert_eq!(of(&[("a", 0, 1.0), ("a", 10, 2.0)]), ["s 0 10 - a 1 1.0", "s 10 20 - a 1 2.0"]);
    assert_eq!(of(&[("a", 0, 1.0), ("a", 9, 2.0)]), ["s 0 19 - a 2 2.0"]);
    assert_eq!(of(&[("a", 0, 3.0), ("a", -10, 2.0)]), ["s -10 0 - a 1 2.0", "s 0 10 - a 1 3.0"]);
    assert_eq!(of(&[("a", 0, 3.0), ("a", -9, 2.0)]), ["s -9 10 - a 2 3.0"]);
    assert_eq!(of(&[("a", 0, 3.0), ("a", 9, 2.0), ("a", 5, 1.0)]), ["s 0 19 - a 3 3.0"], "one within changes no bound");
    assert_eq!(of(&[("a", 0, 1.0), ("b", 1, 2.0)]), ["s 0 10 - a 1 1.0", "s 1 11 - b 1 2.0"]);
}

#[test]
fn an_event_between_two_sessions_makes_them_one() {
    let three = [("a", 15, 5.0), ("a", 0, 2.0), ("b", 8, 9.0), ("a", 8, 3.0)];
    assert_eq!(of(&three), ["s 0 25 - a 3 5.0", "s 8 18 - b 1 9.0"]);
    let four = [("a", 30, 1.0), ("a", 15, 5.0), ("a", 0, 2.0), ("a", 22, 1.0), ("a", 8, 3.0)];
    assert_eq!(of(&four), ["s 0 40 - a 5 5.0"]);
}

#[test]
fn a_session_is_given_once_when_it_is_closed() {
    let stream = stream(&SESSIONS.replace("100s", "5s"));
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&mut aggregator, &stream, &[("a", 0, 1.0), ("a", 14, 2.0)]);
    let given = aggregator.flush().unwrap();
    assert_eq!(flushed(&given), (vec![], vec![]), "its bounds may change");
    let late =
        take(&mut aggregator, &stream, &[("a", 6, 3.0), ("a", 15, 4.0), ("a", 0, 5.0), ("a", 30, 6.0), ("a", 2, 7.0)]);
    assert_eq!(
        reasons(&late),
        [(4, Some(13.0), "its window had closed 13 s before")],
        "with the clock at 30, all until 25 is closed"
    );
    let given = aggregator.flush().unwrap();
    assert_eq!(flushed(&given), (vec!["s 0 25 * a 5 5.0".to_owned()], vec![]));
    assert_eq!(lines(&aggregator.unclosed(false).unwrap()), ["s 30 40 - a 1 6.0"]);
}

#[test]
fn an_event_that_is_late_by_nothing_is_late_all_the_same() {
    let stream = stream(&SESSIONS.replace("100s", "0s"));
    let mut aggregator = Aggregator::new(&stream).unwrap();
    let late = take(&mut aggregator, &stream, &[("a", 20, 1.0), ("a", 10, 2.0)]);
    assert_eq!(reasons(&late), [(1, Some(0.0), "its window had closed 0 s before")]);
    assert!(take(&mut aggregator, &stream, &[("b", 15, 9.0)]).is_empty(), "a session that is open until 25");
    assert!(take(&mut aggregator, &stream, &[("a", 11, 3.0)]).is_empty());
    assert_eq!(lines(&aggregator.unclosed(false).unwrap()), ["s 11 30 - a 2 3.0", "s 15 25 - b 1 9.0"]);
}

#[test]
fn a_session_whose_start_moved_is_written_down_in_place_of_the_old_one() {
    let stream = stream(SESSIONS);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&mut aggregator, &stream, &[("a", 20, 1.0), ("a", 0, 2.0)]);
    let mut all = aggregator.snapshots().unwrap();
    assert_eq!(all.len(), 3, "two sessions and the clock");
    take(&mut aggregator, &stream, &[("a", 12, 3.0)]);
    let moved = aggregator.snapshots().unwrap();
    let gone: Vec<_> = moved.iter().filter(|(_, state)| state.is_empty()).collect();
    assert_eq!((moved.len(), gone.len()), (2, 1), "the later session is now one that begins earlier");
    all.extend(moved);
    take(&mut aggregator, &stream, &[("a", 5, 4.0)]);
    let last = aggregator.snapshots().unwrap();
    let one = last.iter().find(|(_, state)| state.len() > 16).unwrap();
    let state = State::decode(&one.1).unwrap();
    assert_eq!((state.events, state.added), (4, 4), "one session has the events of both");
    all.extend(last);

    let mut restored = Aggregator::new(&stream).unwrap();
    all.iter().for_each(|(key, state)| restored.restore(key, state).unwrap());
    assert_eq!(restored.open_windows(), 1);
    assert_eq!(lines(&restored.unclosed(false).unwrap()), ["s 0 30 - a 4 4.0"]);
    take(&mut restored, &stream, &[("a", 29, 5.0)]);
    assert_eq!(lines(&restored.unclosed(false).unwrap()), ["s 0 39 - a 5 5.0"]);
}
