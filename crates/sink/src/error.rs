//! Why rows are not stored.

use crate::Table;

/// Why rows are not stored.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The store does not answer, or cannot take more right now.
    #[error("{store} does not take writes: {message}")]
    Away {
        /// The store.
        store: String,
        /// What it says, if anything.
        message: String,
    },
    /// Somebody else has stored rows of the same partition.
    #[error("partition {partition} of {topic} is written by somebody else: {message}")]
    Overtaken {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// What was seen.
        message: String,
    },
    /// The store is there but not prepared for these rows.
    #[error("{store}: {message}")]
    Unprepared {
        /// The store.
        store: String,
        /// What is missing, and what to do.
        message: String,
    },
    /// Rows that the store will never take.
    #[error("{table} rows of {topic}, partition {partition}, from offset {position} on cannot be stored: {message}")]
    Refused {
        /// The table.
        table: Table,
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The first of their positions.
        position: u64,
        /// Why.
        message: String,
    },
}

impl SinkError {
    /// Whether the same write may succeed later, so that it is worth while to keep the rows and try again.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Away { .. })
    }
}
