//! What stages take and give.

use arrow::{
    array::{BooleanArray, RecordBatch, StringArray, UInt64Array},
    compute,
    json::writer::{LineDelimited, WriterBuilder},
};
use bytes::Bytes;

/// A key of the stream as text: the key column's value, as it stands in a message's key on Kafka.
pub type Key = Box<str>;

/// Rows of one partition, in order.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The columns.
    pub batch: RecordBatch,
    /// Where each row stands in its input, ascending: an offset on Kafka, a row number in a file.
    pub positions: UInt64Array,
    /// Each row's key as text; empty where the key is null.
    pub keys: StringArray,
}

impl Rows {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows for which `keep` is true.
    ///
    /// # Errors
    /// Where `keep` has another length.
    pub fn select(self, keep: &BooleanArray) -> Result<Rows, StageError> {
        if keep.true_count() == self.len() {
            return Ok(self);
        }
        Ok(Rows {
            batch: compute::filter_record_batch(&self.batch, keep)?,
            positions: UInt64Array::from(compute::filter(&self.positions, keep)?.to_data()),
            keys: StringArray::from(compute::filter(&self.keys, keep)?.to_data()),
        })
    }

    /// `length` rows from `offset` on, without copying.
    pub fn slice(&self, offset: usize, length: usize) -> Rows {
        Rows {
            batch: self.batch.slice(offset, length),
            positions: self.positions.slice(offset, length),
            keys: self.keys.slice(offset, length),
        }
    }
}

/// What comes out of a stage.
#[derive(Debug, Default)]
pub struct Outputs {
    /// Rows, in order.
    pub rows: Vec<Rows>,
    /// Rows that cannot go on, in order within each call.
    pub dead_letters: Vec<DeadLetter>,
    /// How many rows the filter dropped.
    pub filtered: u64,
    /// How many rows of `rows` no learned layer looked at, because their key is beyond the limit on keys.
    pub unscored: u64,
}

/// A row or message that cannot go on, kept with all that is needed to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it stands in its input.
    pub position: u64,
    /// Its bytes: as they came, or the raw row as a JSON object where it had been decoded already.
    pub payload: Bytes,
    /// What kind of failure.
    pub kind: DeadLetterKind,
    /// The name of the rule or column that it failed at; empty where it could not be decoded.
    pub rule: String,
    /// Why, as a sentence.
    pub reason: String,
}

/// What kind of failure made a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeadLetterKind {
    /// The bytes are no event of the schema.
    Decode,
    /// The id, the key or the time is missing.
    Identity,
    /// A quality rule is not true.
    Quality,
    /// An expression cannot be computed for the row.
    Expression,
}

impl DeadLetterKind {
    /// The name that results carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Identity => "identity",
            Self::Quality => "quality",
            Self::Expression => "expression",
        }
    }
}

/// One row as a JSON object, nulls included.
pub(crate) fn row_json(batch: &RecordBatch, row: usize) -> Result<Bytes, StageError> {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(&batch.slice(row, 1))?;
    writer.finish()?;
    let mut line = writer.into_inner();
    line.truncate(line.trim_ascii_end().len());
    Ok(line.into())
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
    /// The detector's settings cannot be used.
    #[error("detect: {0}")]
    Detect(#[from] detect::DetectError),
    /// A snapshot that cannot be read.
    #[error("snapshot of key {key:?}: {source}")]
    Snapshot {
        /// The key.
        key: Key,
        /// What is wrong.
        source: detect::DetectError,
    },
    /// A batch that cannot be put together.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}
