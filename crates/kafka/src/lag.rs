//! How far a consumer is behind, by what its client tells of itself every few seconds.

use std::collections::BTreeMap;

use rdkafka::{Statistics, statistics};

/// How often a client tells, in milliseconds.
pub(crate) const INTERVAL_MS: &str = "5000";

/// How many records wait in each assigned partition, by topic and partition.
pub(crate) fn lags(statistics: &Statistics) -> BTreeMap<(&str, u32), u64> {
    let of_topic = |topic: &'_ statistics::Topic| {
        let assigned = topic.partitions.values().filter(|partition| partition.partition >= 0 && partition.desired);
        assigned.map(|partition| (partition.partition as u32, lag(partition))).collect::<Vec<_>>()
    };
    statistics
        .topics
        .iter()
        .flat_map(|(name, topic)| of_topic(topic).into_iter().map(move |(number, lag)| ((name.as_str(), number), lag)))
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

    fn partition(json: &str) -> statistics::Partition {
        let rest = r#""partition":0,"broker":1,"leader":1,"desired":true,"unknown":false,"msgq_cnt":0,"msgq_bytes":0,
            "xmit_msgq_cnt":0,"xmit_msgq_bytes":0,"fetchq_size":0,"fetch_state":"active","query_offset":0,
            "stored_offset":-1001,"committed_offset":-1001,"eof_offset":-1001,"hi_offset":0,"consumer_lag":-1,
            "consumer_lag_stored":-1,"txmsgs":0,"txbytes":0,"rxmsgs":0,"rxbytes":0,"msgs":0,"rx_ver_drops":0"#;
        serde_json::from_str(&format!("{{{json},{rest}}}")).unwrap()
    }

    #[test]
    fn what_waits_is_counted_from_what_was_handed_over() {
        let waiting = r#""lo_offset":10,"ls_offset":100,"next_offset":100,"fetchq_cnt":60,"app_offset":40"#;
        assert_eq!(lag(&partition(waiting)), 60);
        let nothing_yet = r#""lo_offset":10,"ls_offset":100,"next_offset":10,"fetchq_cnt":0,"app_offset":-1001"#;
        assert_eq!(lag(&partition(nothing_yet)), 90);
    }

    #[test]
    fn a_marker_at_the_end_is_no_lag() {
        let done = r#""lo_offset":0,"ls_offset":101,"next_offset":101,"fetchq_cnt":0,"app_offset":100"#;
        assert_eq!(lag(&partition(done)), 0);
    }
}
