//! What stages take and give.

use arrow::{
    array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array},
    compute,
    datatypes::{DataType, Int64Type, TimeUnit},
    json::writer::{LineDelimited, WriterBuilder},
};
use bytes::Bytes;
use window::Partial;

use crate::Traces;

const MICROS_A_SECOND: i64 = 1_000_000;

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
    /// When each was taken in, in microseconds since 1970, where that is known and the same on every reading: the clock
    /// that an event's own time is held against.
    pub ingested: Option<Int64Array>,
    /// The traces that they came with.
    pub traces: Traces,
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
            ingested: match &self.ingested {
                Some(ingested) => Some(Int64Array::from(compute::filter(ingested, keep)?.to_data())),
                None => None,
            },
            traces: self.traces,
        })
    }

    /// Turns failed rows into dead letters, in the order of the rows, and gives the others. A row that failed twice is
    /// one for its first failure. `raw` is how many columns it came with: the dead letter has no others.
    pub(crate) fn move_to_dead_letters(
        self,
        failures: Vec<Failure>,
        raw: usize,
        out: &mut Outputs,
    ) -> Result<Rows, StageError> {
        if failures.iter().all(|failure| failure.rows.is_empty()) {
            return Ok(self);
        }
        let mut good = vec![true; self.len()];
        let mut dead_letters = Vec::new();
        for failure in failures {
            for (row, reason) in failure.rows {
                if std::mem::replace(&mut good[row], false) {
                    dead_letters.push((row, failure.kind, failure.rule.clone(), reason));
                }
            }
        }
        dead_letters.sort_by_key(|(row, ..)| *row);
        let columns: Vec<usize> = (0..raw).collect();
        let batch = self.batch.project(&columns)?;
        for (row, kind, rule, reason) in dead_letters {
            let position = self.positions.value(row);
            out.dead_letters.push(DeadLetter { position, payload: row_json(&batch, row)?, kind, rule, reason });
        }
        self.select(&BooleanArray::from(good))
    }

    /// A row as it came, as a JSON object with nulls: its first `raw` columns.
    ///
    /// # Errors
    /// Where a value has no JSON.
    pub fn json(&self, row: usize, raw: usize) -> Result<Bytes, StageError> {
        let columns: Vec<usize> = (0..raw.min(self.batch.num_columns())).collect();
        row_json(&self.batch.project(&columns)?, row)
    }

    /// `length` rows from `offset` on, without copying.
    pub fn slice(&self, offset: usize, length: usize) -> Rows {
        Rows {
            batch: self.batch.slice(offset, length),
            positions: self.positions.slice(offset, length),
            keys: self.keys.slice(offset, length),
            ingested: self.ingested.as_ref().map(|ingested| ingested.slice(offset, length)),
            traces: self.traces.clone(),
        }
    }
}

/// What comes out of a stage.
#[derive(Debug, Default)]
pub struct Outputs {
    /// Rows, in order.
    pub rows: Vec<Rows>,
    /// Alarms that are rows of their own, with the columns of the anomalies: no event is behind one. Each is at the position of the
    /// row that it came by.
    pub alarms: Vec<Rows>,
    /// Rows that cannot go on, in order within each call.
    pub dead_letters: Vec<DeadLetter>,
    /// How many rows the filter dropped.
    pub filtered: u64,
    /// How many rows of `rows` no learned layer looked at, because their key is beyond the limit on keys.
    pub unscored: u64,
    /// Events that an aggregate left out, with what it was and why, once for each aggregate that did. The events
    /// themselves are among `rows` all the same.
    pub late: Vec<Rows>,
    /// How many events `late` has, each counted once.
    pub late_events: u64,
    /// Events whose time was too far ahead of the others to close windows at once.
    pub ahead: u64,
    /// Results of windows that are closed, of groups that are in this partition alone. Each comes once.
    pub closed: Vec<RecordBatch>,
    /// Results of windows that are not closed, of groups that are in this partition alone, where they changed.
    pub changed: Vec<RecordBatch>,
    /// This partition's parts of all other groups, where they changed: for a [`window::Merge`].
    pub partials: Vec<Partial>,
    /// Events whose window was no longer kept when a partition that had been quiet brought them.
    pub overdue: u64,
    /// The latest event time in microseconds since 1970, where the stage was flushed: for a [`window::Merge`], which
    /// knows by it which windows are closed.
    pub clock: Option<i64>,
}

/// Rows that failed at a step, with the reason for each.
pub(crate) struct Failure {
    pub(crate) kind: DeadLetterKind,
    pub(crate) rule: String,
    pub(crate) rows: Vec<(usize, String)>,
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

impl DeadLetter {
    /// Of an event that is larger than the stream allows, or that became so.
    pub fn oversized(position: u64, payload: Bytes, reason: String) -> Self {
        Self { position, payload, kind: DeadLetterKind::Size, rule: String::new(), reason }
    }

    /// Of bytes that are not an event of the schema.
    pub fn undecodable(position: u64, payload: Bytes, reason: String) -> Self {
        Self { position, payload, kind: DeadLetterKind::Decode, rule: String::new(), reason }
    }
}

/// What kind of failure made a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeadLetterKind {
    /// The bytes are not an event of the schema.
    Decode,
    /// The id, the key or the time is missing.
    Identity,
    /// A quality rule is not true.
    Quality,
    /// An expression cannot be computed for the row.
    Expression,
    /// The event is larger than the stream allows, or became so.
    Size,
}

impl DeadLetterKind {
    /// The name that results carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Identity => "identity",
            Self::Quality => "quality",
            Self::Expression => "expression",
            Self::Size => "size",
        }
    }
}

/// Event times in microseconds since 1970; null where a text is not a time.
///
/// # Errors
/// Where the type cannot be a time.
pub fn event_times(values: &ArrayRef) -> Result<Int64Array, StageError> {
    if let Some(texts) = values.as_string_opt::<i32>() {
        let micros = |text: &str| times::parse(text.as_bytes())?.in_units(MICROS_A_SECOND);
        return Ok(texts.iter().map(|text| micros(text?)).collect());
    }
    // A timestamp without a zone has the same microseconds either way.
    let zone = matches!(values.data_type(), DataType::Timestamp(_, Some(_))).then(|| "UTC".into());
    let times = compute::cast(values, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
    Ok(compute::cast(&times, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// One row as a JSON object, nulls included.
///
/// # Errors
/// Where a value has no JSON.
pub fn row_json(batch: &RecordBatch, row: usize) -> Result<Bytes, StageError> {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(&batch.slice(row, 1))?;
    writer.finish()?;
    let mut line = writer.into_inner();
    line.truncate(line.trim_ascii_end().len());
    Ok(line.into())
}

/// What can go wrong with a stage as a whole; a bad row is not an error but a [`DeadLetter`].
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
    /// A lookup does not fit the rows.
    #[error("lookup: {0}")]
    Lookup(#[from] lookup::LookupError),
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
    /// A state that memory has no room for cannot be kept elsewhere, or read from there.
    #[error("the state of a key, which is kept outside of memory: {0}")]
    Spill(#[source] std::io::Error),
    /// Windows cannot go on.
    #[error(transparent)]
    Window(#[from] window::WindowError),
    /// A batch that cannot be put together.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_text_is_read_as_a_time_in_every_form_that_sources_read() {
        let texts = [
            ("2025-01-01T00:00:01.5Z", Some(1_735_689_601_500_000)),
            ("2025-01-01 01:00:01+01:00", Some(1_735_689_601_000_000)),
            ("20250101T000001", Some(1_735_689_601_000_000)),
            ("Wed, 01 Jan 2025 00:00:01 GMT", Some(1_735_689_601_000_000)),
            ("1735689601", Some(1_735_689_601_000_000)),
            ("1969-12-31T23:59:59.999999Z", Some(-1)),
            ("yesterday", None),
            ("", None),
        ];
        let column: ArrayRef = Arc::new(StringArray::from_iter_values(texts.map(|(text, _)| text)));
        let expected: Vec<Option<i64>> = texts.map(|(_, time)| time).into();
        assert_eq!(event_times(&column).unwrap().iter().collect::<Vec<_>>(), expected);
        let missing: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
        assert_eq!(event_times(&missing).unwrap().iter().collect::<Vec<_>>(), [None]);
    }
}
