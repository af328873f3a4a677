//! Rows of a file that come many at a time and are given fewer at a time.

use arrow::array::RecordBatch;

use crate::SourceError;

/// Rows that a reader has decoded and not given yet.
#[derive(Default)]
pub(super) struct Held(Option<RecordBatch>);

impl Held {
    /// At most so many of the rows that are held, or else of those that `next` gives; `None` where it has none.
    ///
    /// # Errors
    /// Those of `next`.
    pub(super) fn rows(
        &mut self,
        rows_max: usize,
        next: impl FnOnce() -> Result<Option<RecordBatch>, SourceError>,
    ) -> Result<Option<RecordBatch>, SourceError> {
        let held = match self.0.take() {
            Some(held) => Some(held),
            None => next()?,
        };
        let Some(held) = held else { return Ok(None) };
        let given = held.num_rows().min(rows_max);
        if given < held.num_rows() {
            self.0 = Some(held.slice(given, held.num_rows() - given));
        }
        Ok(Some(held.slice(0, given)))
    }

    /// Whether everything was given.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}
