//! What goes into an aggregate and what comes out of it besides results.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use bytes::Bytes;
use stream::WindowedAggregate;

/// Events of one partition, in order.
#[derive(Debug, Clone, Copy)]
pub struct Events<'a> {
    /// The scored events.
    pub batch: &'a RecordBatch,
    /// The event time of each, in microseconds since 1970.
    pub times: &'a [i64],
    /// The id of each, as text.
    pub ids: &'a StringArray,
}

/// An event that an aggregate does not have.
#[derive(Debug, Clone)]
pub struct LeftOut {
    /// Which aggregate.
    pub aggregate: Arc<WindowedAggregate>,
    /// The row of the batch.
    pub row: usize,
    /// How many seconds more lateness it would have taken; `None` where lateness is not the reason.
    pub late_by_seconds: Option<f64>,
    /// Why, as a sentence.
    pub reason: String,
}

/// A partition's part of a window and group, which a [`crate::Merge`] puts together with those of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// The same for the same window and group in every partition.
    pub key: Box<str>,
    /// All that the partition has of it so far; it takes the place of an earlier one.
    pub state: Bytes,
}
