//! Where the rows come from.

use std::{collections::BTreeMap, time::Duration};

use sink::{Batch, TopicPartition};

/// Where the rows come from: Kafka, or a test.
pub trait Feed {
    /// The next rows, after `wait` at the latest; there may be none. Also what keeps the feed's own business going, such as
    /// membership of a consumer group.
    ///
    /// # Errors
    /// Where reading cannot go on.
    fn next(&mut self, wait: Duration) -> Result<Vec<Batch>, FeedError>;

    /// How many records wait in each partition, where that is news.
    fn lags(&self) -> Option<BTreeMap<u32, u64>> {
        None
    }

    /// Whether it has partitions to read. Not before the topics are there.
    fn is_assigned(&self) -> bool {
        true
    }

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
