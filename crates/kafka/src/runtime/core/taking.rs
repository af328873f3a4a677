//! Taking partitions and giving them up.

use std::time::Duration;

use super::Core;
use crate::{KafkaError, cluster::Cluster};

impl<C: Cluster> Core<C> {
    /// The partitions that are assigned to us, those among them that are still being taken.
    pub(crate) fn owned(&self) -> Vec<u32> {
        self.partitions.keys().chain(self.loaded.keys()).copied().chain(self.loads.running()).collect()
    }

    /// Begins to take partitions.
    pub(crate) fn load(&mut self, numbers: &[u32]) -> Result<(), KafkaError> {
        self.drop_loaded(numbers);
        self.loads.begin(numbers)
    }

    /// The partitions whose state has been read, and where to begin to read each.
    pub(crate) fn loaded(&mut self) -> Result<Vec<(u32, i64)>, KafkaError> {
        while let Some((number, partition)) = self.loads.next() {
            self.loaded.insert(number, (partition?, self.cluster.now()));
        }
        Ok(self.loaded.iter().map(|(number, (partition, _))| (*number, partition.next)).collect())
    }

    /// Takes a partition that is read from where it begins.
    pub(crate) fn started(&mut self, number: u32) {
        self.partitions.extend(self.loaded.remove(&number).map(|(partition, _)| (number, partition)));
    }

    /// How long the client has been asked to go to where a partition begins.
    pub(crate) fn starting(&self) -> Duration {
        self.loaded.values().map(|(_, since)| self.cluster.since(*since)).max().unwrap_or_default()
    }

    /// Whether every partition that was assigned has been taken.
    pub(crate) fn is_loaded(&self) -> bool {
        self.loads.running().is_empty() && self.loaded.is_empty()
    }

    /// Gives partitions up. Their next owner says how much waits.
    pub(crate) fn forget(&mut self, numbers: &[u32]) {
        self.drop_loaded(numbers);
        numbers.iter().for_each(|number| self.meters.left(*number));
    }

    /// Drops what memory holds of partitions.
    fn drop_loaded(&mut self, numbers: &[u32]) {
        self.loads.forget(numbers);
        for number in numbers {
            self.loaded.remove(number);
            self.partitions.remove(number);
        }
    }
}
