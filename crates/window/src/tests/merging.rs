//! Results of groups that are in several partitions.

use super::*;
use crate::{Merge, Partial, result_keys};

const ALL: &str = "    - { name: all, window: 60s, lateness: 10s, select: { n: \"count(*)\", most: \"max(value)\" } }";

/// Partitions, each with an aggregator, and what puts them together.
struct Partitions {
    stream: Stream,
    aggregators: Vec<Aggregator>,
    merge: Merge,
}

impl Partitions {
    fn new(aggregates: &str) -> Self {
        let stream = stream(aggregates);
        let aggregators = (0..3).map(|_| Aggregator::new(&stream).unwrap()).collect();
        let merge = Merge::new(&stream).unwrap();
        Self { stream, aggregators, merge }
    }

    /// A partition takes events and hands on what has changed; gives how many came too late for the windows that are kept.
    fn take(&mut self, partition: usize, of: &[(&str, i64, f64)]) -> u64 {
        let aggregator = &mut self.aggregators[partition];
        assert!(take(aggregator, &self.stream, of).is_empty());
        let overdue = aggregator
            .flush()
            .unwrap()
            .partials
            .iter()
            .map(|part| self.merge.apply(partition as u32, &part.state).unwrap())
            .sum();
        self.merge.clock(partition as u32, aggregator.clock().unwrap());
        overdue
    }

    fn changed(&mut self) -> Vec<String> {
        lines(&self.merge.changed().unwrap())
    }

    fn kept(&mut self) -> Vec<String> {
        lines(&self.merge.kept(false).unwrap())
    }

    fn settled(&mut self) -> Vec<String> {
        lines(&self.merge.settle().unwrap())
    }
}

#[test]
fn a_result_is_there_from_its_first_part_on_and_changes_with_each() {
    let mut all = Partitions::new(ALL);
    assert_eq!(all.changed(), [""; 0]);
    all.take(0, &[("a", 0, 1.0), ("a", 1, 3.0)]);
    assert_eq!(all.changed(), ["all 0 60 - 2 3.0"]);
    assert_eq!(all.changed(), [""; 0], "each change is given once");
    all.take(1, &[("b", 2, 7.0)]);
    assert_eq!(all.changed(), ["all 0 60 - 3 7.0"]);
    all.take(0, &[("a", 3, 9.0)]);
    assert_eq!(all.changed(), ["all 0 60 - 4 9.0"], "a part takes the place of the one before");
    assert_eq!(all.kept(), ["all 0 60 - 4 9.0"]);
    assert_eq!(lines(&all.merge.kept(true).unwrap()), ["all 0 60 * 4 9.0"], "final where the stream is over");
}

#[test]
fn a_result_is_final_when_every_partition_is_past_its_end() {
    let mut all = Partitions::new(ALL);
    all.take(0, &[("a", 0, 1.0)]);
    all.take(1, &[("b", 1, 2.0)]);
    assert_eq!(all.changed(), ["all 0 60 - 2 2.0"]);
    all.take(0, &[("a", 70, 3.0)]);
    assert_eq!(all.changed(), ["all 60 120 - 1 3.0"], "the second partition is still in the window");
    all.take(1, &[("b", 69, 4.0)]);
    assert_eq!(all.changed(), ["all 60 120 - 2 4.0"], "a second is missing");
    all.take(1, &[("b", 70, 4.0)]);
    assert_eq!(all.changed(), ["all 0 60 * 2 2.0", "all 60 120 - 3 4.0"]);
    assert_eq!(all.changed(), [""; 0], "a final result is given once");
    assert_eq!(all.kept(), ["all 0 60 * 2 2.0", "all 60 120 - 3 4.0"]);
}

#[test]
fn a_partition_that_has_been_quiet_for_an_hour_holds_nothing_back() {
    let mut all = Partitions::new(ALL);
    all.take(0, &[("a", 0, 1.0)]);
    all.take(1, &[("b", 1, 2.0)]);
    all.changed();
    all.take(0, &[("a", 3600, 3.0)]);
    assert_eq!(all.changed(), ["all 3600 3660 - 1 3.0"]);
    all.take(0, &[("a", 3601, 3.0)]);
    assert_eq!(all.changed(), ["all 3600 3660 - 2 3.0"], "an hour is not more than an hour");
    all.take(0, &[("a", 3602, 3.0)]);
    assert_eq!(all.changed(), ["all 0 60 * 2 2.0", "all 3600 3660 - 3 3.0"]);
    all.take(1, &[("b", 2, 5.0)]);
    assert_eq!(all.changed(), ["all 0 60 - 3 5.0"], "it wakes up, and the result changes once more");
}

#[test]
fn a_window_is_kept_until_every_partition_is_past_it() {
    let mut all = Partitions::new(ALL);
    all.take(0, &[("a", 0, 1.0), ("a", 70, 2.0)]);
    all.take(1, &[("b", 70, 3.0)]);
    assert_eq!(all.settled(), [""; 0], "the third partition has had nothing");
    all.take(2, &[("c", 0, 9.0)]);
    assert_eq!(all.settled(), [""; 0]);
    all.take(2, &[("c", 69, 4.0)]);
    assert_eq!(all.settled(), [""; 0], "a second is missing");
    all.take(2, &[("c", 70, 4.0)]);
    assert_eq!(all.settled(), ["all 0 60 * 2 9.0"]);
    assert_eq!((all.settled(), all.kept().len()), (vec![], 1));
    // A part of it that comes all the same is counted, event by event.
    let mut again = Aggregator::new(&all.stream).unwrap();
    take(&mut again, &all.stream, &[("c", 0, 1.0), ("c", 1, 1.0), ("c", 60, 8.0)]);
    let parts: Vec<Partial> = again.flush().unwrap().partials;
    assert_eq!(parts.iter().map(|part| all.merge.apply(2, &part.state).unwrap()).collect::<Vec<_>>(), [2, 0]);
}

#[test]
fn a_merger_goes_on_from_its_snapshots() {
    let aggregates =
        format!("{ALL}\n{}", ALL.replace("name: all", "name: by").replace("select", "group_by: [id], select"));
    let mut all = Partitions::new(&aggregates);
    all.take(0, &[("a", 0, 1.0), ("a", 70, 2.0)]);
    all.take(1, &[("b", 5, 3.0), ("b", 75, 3.0)]);
    let mut snapshots = all.merge.snapshots().unwrap();
    assert_eq!(snapshots.len(), 7, "two windows, four groups, and the clocks");
    assert_eq!(all.merge.snapshots().unwrap().len(), 0);
    all.merge.clock(1, 75 * SECOND);
    assert_eq!(all.merge.snapshots().unwrap().len(), 0, "the same clock changes nothing");
    all.take(2, &[("c", 71, 2.0)]);
    assert_eq!(all.settled().len(), 3);
    let changed = all.merge.snapshots().unwrap();
    let empty = changed.iter().filter(|(_, state)| state.is_empty()).count();
    assert_eq!((changed.len(), empty), (8, 3), "three are gone, two changed, two settled, and the clocks");
    snapshots.extend(changed);

    let mut restored = Merge::new(&all.stream).unwrap();
    snapshots.iter().for_each(|(key, state)| restored.restore(key, state).unwrap());
    assert_eq!(restored.snapshots().unwrap().len(), 0, "what was restored is written down");
    assert_eq!(lines(&restored.kept(false).unwrap()), all.kept());
    for merge in [&mut restored, &mut all.merge] {
        merge.clock(0, 200 * SECOND);
        let lines = lines(&merge.changed().unwrap());
        assert!(lines.iter().all(|line| line.contains(" - ")), "the other clocks hold them back: {lines:?}");
    }
    let state = &snapshots.iter().find(|(key, state)| key.contains("all/0/") && !state.is_empty()).unwrap().1;
    assert!(restored.restore("\u{1}all/0/", &state[..state.len() - 1]).is_err(), "a state that is cut");
    let mut again = Aggregator::new(&all.stream).unwrap();
    take(&mut again, &all.stream, &[("c", 0, 1.0), ("c", 80, 8.0)]);
    let overdue =
        again.flush().unwrap().partials.iter().map(|part| restored.apply(2, &part.state).unwrap()).sum::<u64>();
    assert_eq!(overdue, 2, "of either aggregate, since both know what is settled");
    let other = Merge::new(&stream(&ALL.replace("name: all", "name: other")))
        .unwrap()
        .restore(&snapshots[0].0, &snapshots[0].1);
    assert!(other.unwrap_err().to_string().contains("no such aggregate"));
}

#[test]
fn all_windows_may_be_settled_at_once() {
    let mut all = Partitions::new(ALL);
    all.take(0, &[("a", 0, 1.0)]);
    for partition in 0..3 {
        all.merge.clock(partition, 70 * SECOND);
    }
    assert_eq!(all.settled(), ["all 0 60 * 1 1.0"]);
    assert_eq!(all.kept(), [""; 0]);
}

#[test]
fn an_aggregate_by_the_key_is_not_merged() {
    let keyed = ALL.replace("name: all", "name: keyed").replace("select", "group_by: [sensor], select");
    let mut all = Partitions::new(&format!("{keyed}\n{ALL}"));
    all.take(0, &[("a", 0, 1.0)]);
    assert_eq!(all.changed(), ["all 0 60 - 1 1.0"]);
}

#[test]
fn there_is_a_limit_to_the_windows_that_are_kept() {
    let mut all = Partitions::new("    - { name: all, window: 1s, lateness: 100000s, select: { n: \"count(*)\" } }");
    let events: Vec<(&str, i64, f64)> = (0..65_536).map(|second| ("a", second, 1.0)).collect();
    all.take(0, &events);
    assert_eq!(all.settled(), [""; 0], "as many as are kept");
    all.take(0, &[("a", 65_536, 1.0), ("a", 65_537, 1.0)]);
    assert_eq!(all.settled(), ["all 0 1 * 1", "all 1 2 * 1"], "the oldest");
    assert_eq!((all.settled().len(), all.kept().len()), (0, 65_536));
}

#[test]
fn a_result_has_a_key_of_its_aggregate_window_and_group() {
    let aggregates = "    - { name: by, window: 60s, group_by: [sensor, id], select: { n: \"count(*)\" } }\n    \
                      - { name: whole, group_by: [sensor], select: { n: \"count(*)\" } }";
    let stream = stream(aggregates);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    take(&mut aggregator, &stream, &[("a/b\\c", 61, 2.5)]);
    let changed = aggregator.flush().unwrap().changed.unwrap();
    let keys = result_keys(&stream.aggregates, &changed).unwrap();
    let keys: Vec<&str> = keys.iter().flatten().collect();
    assert_eq!(keys, ["by/60000000/a\\/b\\\\c/id-2.5", "whole//a\\/b\\\\c"]);
}
