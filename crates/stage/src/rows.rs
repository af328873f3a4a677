//! What stages take and give.

use arrow::array::{RecordBatch, StringArray, UInt64Array};
use bytes::Bytes;

/// A key of the stream as bytes: the text of the key column's value, as it stands in a message's key on Kafka.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub Bytes);

/// Rows of one partition, in order.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The columns.
    pub batch: RecordBatch,
    /// Where each row stands in its input, ascending: an offset on Kafka, a row number in a file.
    pub positions: UInt64Array,
    /// Each row's key as text.
    pub keys: StringArray,
}

/// What comes out of a stage.
#[derive(Debug, Default)]
pub struct Outputs {
    /// Rows, in order.
    pub rows: Vec<Rows>,
    /// Rows that cannot go on.
    pub dead_letters: Vec<DeadLetter>,
    /// How many rows the filter dropped.
    pub filtered: u64,
}

/// A row or message that cannot go on, kept with all that is needed to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it stands in its input.
    pub position: u64,
    /// Its bytes: as they came, or the row as JSON where it had been decoded already.
    pub payload: Bytes,
    /// What kind of failure: `decode`, `quality`, `identity`, `expression`.
    pub kind: &'static str,
    /// The name of the rule or column that it failed at.
    pub rule: String,
    /// Why, as a sentence.
    pub reason: String,
}

/// What can go wrong with a stage as a whole; a bad row is no error but a [`DeadLetter`].
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The definition's expressions do not fit the rows.
    #[error("{context}: {source}")]
    Expression {
        /// Which column or rule.
        context: String,
        /// What is wrong.
        source: expr::ExprError,
    },
    /// A snapshot that cannot be read.
    #[error("snapshot of key {key:?}: {message}")]
    Snapshot {
        /// The key as text.
        key: String,
        /// What is wrong.
        message: String,
    },
    /// A batch that cannot be put together.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}
