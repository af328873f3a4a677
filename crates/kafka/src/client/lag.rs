//! How far a consumer is behind, by what its client tells of itself every few seconds.

use std::collections::BTreeMap;

use rdkafka::{Statistics, statistics};

use crate::cluster::Seen;

/// How often a client tells, in milliseconds.
pub(crate) const INTERVAL_MS: &str = "5000";

/// What was seen of each assigned partition, by topic and partition.
pub(crate) fn seen(statistics: &Statistics) -> BTreeMap<(&str, u32), Seen> {
    let of_topic = |topic: &'_ statistics::Topic| {
        let assigned = topic.partitions.values().filter(|partition| partition.partition >= 0 && partition.desired);
        let of = |partition: &statistics::Partition| {
            let seen = Seen { lag: lag(partition), first: partition.lo_offset, end: partition.ls_offset };
            (partition.partition as u32, seen)
        };
        assigned.map(of).collect::<Vec<_>>()
    };
    statistics
        .topics
        .iter()
        .flat_map(|(name, topic)| {
            of_topic(topic).into_iter().map(move |(number, seen)| ((name.as_str(), number), seen))
        })
        .collect()
}

/// Markers of transactions take offsets and are never handed over: where the client has fetched everything and handed it
/// over, nothing waits.
fn lag(partition: &statistics::Partition) -> u64 {
    let stable_end = partition.ls_offset;
    if partition.fetchq_cnt == 0 && partition.next_offset >= stable_end {
        return 0;
    }
    // Negative before the first message.
    let position = partition.app_offset.max(partition.lo_offset);
    (stable_end - position).max(0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(offsets: [i64; 3], fetchq_cnt: i64, app_offset: i64) -> statistics::Partition {
        let [lo_offset, ls_offset, next_offset] = offsets;
        statistics::Partition { lo_offset, ls_offset, next_offset, fetchq_cnt, app_offset, ..Default::default() }
    }

    #[test]
    fn what_waits_is_counted_from_what_was_handed_over() {
        assert_eq!(lag(&partition([10, 100, 100], 60, 40)), 60);
        // Nothing was handed over yet.
        assert_eq!(lag(&partition([10, 100, 10], 0, -1001)), 90);
    }

    #[test]
    fn a_marker_at_the_end_is_no_lag() {
        assert_eq!(lag(&partition([0, 101, 101], 0, 100)), 0);
    }
}
