//! Where the rows come from.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sink::{Batch, Positions, TopicPartition};

/// Where the rows come from: Kafka, or a test.
pub trait Feed {
    /// The next rows, after `wait` at the latest; there may be none. Also what keeps the feed's own business going, such as
    /// membership of a consumer group.
    ///
    /// # Errors
    /// Where reading cannot go on.
    fn next(&mut self, wait: Duration) -> Result<Vec<Batch>, FeedError>;

    /// Partitions that came or went since the last call. Rows of them that were given before belong to an assignment that
    /// has ended: whoever has the partition now is given them again.
    fn moved(&mut self) -> BTreeSet<TopicPartition> {
        BTreeSet::new()
    }

    /// Whether partitions have come that give nothing until [`Feed::begin`].
    fn is_waiting(&self) -> bool {
        false
    }

    /// Begins with the partitions that wait: where the store says, or else where the group does, or else at the beginning.
    ///
    /// # Errors
    /// [`FeedError::Moved`] where the group does not answer, so that it should be tried again; anything else where the feed
    /// cannot go on.
    fn begin(&mut self, _: &Positions) -> Result<(), FeedError> {
        Ok(())
    }

    /// Gives no rows from now on, or goes on giving them. Its own business goes on in [`Feed::next`] either way.
    ///
    /// # Errors
    /// Where the feed cannot go on.
    fn pause(&mut self, paused: bool) -> Result<(), FeedError>;

    /// Makes sure that the group still counts these partitions as ours, before rows of them are written: each with the
    /// position of the first row that is held.
    ///
    /// # Errors
    /// [`FeedError::Moved`] where it does not, or does not answer: nothing may be written until it does.
    fn confirm(&mut self, _: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError> {
        Ok(())
    }

    /// How many records wait in each partition, where that is news.
    fn lags(&self) -> Option<BTreeMap<u32, u64>> {
        None
    }

    /// Whether it has partitions to read. Not before the topics are there.
    fn is_assigned(&self) -> bool {
        true
    }

    /// Notes this of a partition with what is committed of it from now on.
    fn note(&mut self, _: TopicPartition, _: String) {}

    /// Says that everything before these positions is stored.
    ///
    /// # Errors
    /// [`FeedError::Moved`] where somebody else has the partitions by now; anything else where it cannot go on.
    fn commit(&mut self, next: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError>;
}

/// Why a feed cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Partitions went to another member of the group. What is read of them comes again, there.
    #[error("partitions have moved to another writer: {0}")]
    Moved(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}
