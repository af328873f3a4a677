//! What the client tells of the partitions: how much waits, whether they stand still, and how long their topic keeps what
//! is still needed.

use std::{collections::BTreeMap, time::Duration};

use super::Core;
use crate::cluster::{Cluster, Seen};

/// Where less than this share of what the topic keeps lies before the oldest record that is still needed, it is said.
const SHARE_MIN: f64 = 0.25;
/// How often.
const SAID_EVERY: Duration = Duration::from_secs(600);

impl<C: Cluster> Core<C> {
    /// Takes what the client has seen of its partitions.
    pub(crate) fn saw(&mut self, seen: BTreeMap<u32, Seen>) {
        let mut near: Vec<(u32, f64)> = Vec::new();
        let now = self.cluster.now();
        for (number, Seen { lag, first, end }) in seen {
            let Some(partition) = self.partitions.get_mut(&number) else { continue };
            partition.waits(lag, now);
            self.meters.lag(number, partition.lag());
            self.meters.hot_key(number, partition.hot_key());
            near.extend(share_before(partition.needed(), first, end).map(|share| (number, share)));
        }
        if near.is_empty() || self.warned.is_some_and(|warned| self.cluster.since(warned) < SAID_EVERY) {
            return;
        }
        self.warned = Some(now);
        for (partition, share) in near {
            let (topic, percent) = (self.input(), (share * 100.0) as u64);
            tracing::warn!(
                topic,
                partition,
                percent,
                "the topic will soon let go of records that are needed to go on after \
                a restart: this share of what it keeps is left before them; give it a longer retention, or more workers"
            );
        }
    }

    /// Which partition stands still although records wait in it, as a sentence.
    pub(crate) fn standstill(&self) -> Option<String> {
        self.partitions.iter().find_map(|(number, partition)| {
            let (records, since) = partition.standstill(self.cluster.now())?;
            let (topic, seconds) = (self.input(), since.as_secs());
            Some(format!(
                "partition {number} of `{topic}` stands still: {records} records wait, and none came for {seconds} s"
            ))
        })
    }
}

/// Which share of what a topic keeps lies before an offset, where that is little and the topic has let go of records before.
fn share_before(needed: i64, first: i64, end: i64) -> Option<f64> {
    let share = (needed - first) as f64 / (end - first).max(1) as f64;
    (first > 0 && end > first && share < SHARE_MIN).then_some(share.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_watched_long_before_it_is_gone() {
        assert_eq!(share_before(100, 0, 10_000), None, "nothing has been let go of yet");
        assert_eq!(share_before(9_000, 1_000, 10_000), None);
        assert_eq!(share_before(2_000, 1_000, 11_000), Some(0.1));
        assert_eq!(share_before(500, 1_000, 11_000), Some(0.0));
    }
}
