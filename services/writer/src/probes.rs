//! How old the rows are that the store gets, as probes among them say.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{SystemTime, UNIX_EPOCH},
};

use kafka::StoredNote;
use sink::{Batch, StoredProbe, TopicPartition};

/// Probes whose ages are remembered: two minutes of eight partitions.
const REMEMBERED_MAX: usize = 1024;

/// Probes that came back from the store with one write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Returned {
    /// How old each was, in milliseconds.
    pub ages: Vec<u64>,
    /// The newest of each partition.
    pub newest: BTreeMap<u32, StoredProbe>,
}

impl Returned {
    /// The probes of batches that are stored now.
    pub(crate) fn now(batches: &[Batch]) -> Self {
        let stored = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let probes = batches.iter().flat_map(|batch| &batch.probes);
        Self { ages: probes.map(|probe| probe.age(stored)).collect(), newest: StoredProbe::newest(batches, stored) }
    }
}

/// The ages of the last probes.
#[derive(Debug, Default)]
pub(crate) struct Ages(VecDeque<u64>);

impl Ages {
    /// Takes probes, and gives what is to be noted of the partitions that they were in.
    pub(crate) fn take(&mut self, returned: &Returned, batches: &[Batch]) -> Vec<(TopicPartition, StoredNote)> {
        self.0.extend(&returned.ages);
        self.0.drain(..self.0.len().saturating_sub(REMEMBERED_MAX));
        let mut sorted: Vec<u64> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let quantiles = (quantile(&sorted, 50), quantile(&sorted, 99));
        let probed: BTreeMap<u32, &String> = batches
            .iter()
            .filter(|batch| !batch.probes.is_empty())
            .map(|batch| (batch.partition, &batch.topic))
            .collect();
        let note = |(partition, topic): (u32, &String)| {
            let probe = returned.newest.get(&partition)?;
            let note = StoredNote::new(probe.sequence, (probe.sent, probe.stored), quantiles);
            Some(((topic.clone(), partition), note))
        };
        probed.into_iter().filter_map(note).collect()
    }
}

/// The value that so many of a hundred are at most (nearest rank).
fn quantile(sorted: &[u64], of_hundred: usize) -> u64 {
    let rank = (sorted.len() * of_hundred).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_there() {
        let sorted: Vec<u64> = (1..=200).collect();
        assert_eq!((quantile(&sorted, 50), quantile(&sorted, 99)), (100, 198));
        assert_eq!((quantile(&[7], 50), quantile(&[7], 99), quantile(&[], 50)), (7, 7, 0));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut ages = Ages::default();
        for _ in 0..100 {
            ages.take(&Returned { ages: vec![5; 100], ..Returned::default() }, &[]);
        }
        assert_eq!(ages.0.len(), REMEMBERED_MAX);
    }
}
