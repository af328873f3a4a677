//! Gathers what a source gives in small pieces: each batch has its cost, in every partition, however few rows are in it.

use std::time::{Duration, Instant};

use crate::{Records, SourceError};

/// Bytes of rows that are worth a batch, however few they are.
const BYTES_ENOUGH: usize = 32 << 20;

/// Records that wait for others.
pub struct Gathered {
    pieces: Vec<Records>,
    records: usize,
    bytes: usize,
    /// When the first of them came.
    since: Option<Instant>,
    records_enough: usize,
    wait_max: Duration,
}

impl Gathered {
    /// Nothing yet. So many records are worth a batch, and none waits for longer for others.
    pub fn new(records_enough: usize, wait_max: Duration) -> Self {
        Self { pieces: Vec::new(), records: 0, bytes: 0, since: None, records_enough, wait_max }
    }

    /// How many more records make a batch.
    pub fn records_wanted(&self) -> usize {
        self.records_enough.saturating_sub(self.records).max(1)
    }

    /// Whether these records can go with those that wait.
    pub fn goes_with(&self, records: &Records) -> bool {
        self.pieces.last().is_none_or(|piece| piece.rows.schema() == records.rows.schema())
    }

    /// Adds records, which [go with](Self::goes_with) those that wait.
    pub fn push(&mut self, records: Records) {
        self.since.get_or_insert_with(Instant::now);
        self.records += records.len();
        self.bytes += records.bytes();
        self.pieces.push(records);
    }

    /// Whether there are enough of them, or the first has waited for long enough.
    pub fn is_due(&self) -> bool {
        let enough = self.records >= self.records_enough || self.bytes >= BYTES_ENOUGH;
        enough || self.since.is_some_and(|since| since.elapsed() >= self.wait_max)
    }

    /// All of them, and when the first came.
    ///
    /// # Errors
    /// Where they cannot be put together.
    pub fn take(&mut self) -> Result<Option<(Records, Instant)>, SourceError> {
        let Some(since) = self.since.take() else { return Ok(None) };
        let mut pieces = std::mem::take(&mut self.pieces);
        (self.records, self.bytes) = (0, 0);
        let records = match pieces.len() {
            1 => pieces.swap_remove(0),
            _ => Records::joined(pieces)?,
        };
        Ok(Some((records, since)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt64Array};
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::Rejected;

    const ENOUGH: usize = 64;
    const WAIT: Duration = Duration::from_millis(200);

    /// A row at `position`, and a record behind it that is none.
    fn piece(position: u64, column: &str) -> Records {
        let values: ArrayRef = Arc::new(Int64Array::from(vec![position as i64]));
        let rejected = Rejected { position: position + 1, payload: Default::default(), reason: String::new() };
        Records {
            rows: RecordBatch::try_from_iter([(column, values)]).unwrap(),
            positions: UInt64Array::from(vec![position]),
            rejected: vec![rejected],
        }
    }

    #[test]
    fn pieces_become_one_in_their_order() {
        let mut gathered = Gathered::new(ENOUGH, WAIT);
        assert!(gathered.take().unwrap().is_none());
        for position in [0, 2, 4] {
            assert!(gathered.goes_with(&piece(position, "a")));
            gathered.push(piece(position, "a"));
        }
        assert!(!gathered.goes_with(&piece(6, "b")), "rows of other columns make a batch of their own");
        assert!(!gathered.is_due());
        let (records, _) = gathered.take().unwrap().unwrap();
        assert_eq!(records.positions.values(), &[0, 2, 4]);
        assert_eq!(records.rows.column(0).as_primitive::<Int64Type>().values(), &[0, 2, 4]);
        assert_eq!(records.rejected.iter().map(|rejected| rejected.position).collect::<Vec<_>>(), [1, 3, 5]);
        assert!(gathered.take().unwrap().is_none());
    }

    #[test]
    fn enough_records_or_enough_time_make_a_batch() {
        let mut gathered = Gathered::new(ENOUGH, WAIT);
        (0..ENOUGH as u64 / 2).for_each(|number| gathered.push(piece(2 * number, "a")));
        assert!(gathered.is_due());
        gathered.take().unwrap();
        gathered.push(piece(0, "a"));
        assert!(!gathered.is_due());
        assert_eq!(gathered.records_wanted(), ENOUGH - 2);
        std::thread::sleep(WAIT);
        assert!(gathered.is_due());
    }

    #[test]
    fn a_batch_of_large_records_has_few_of_them() {
        let mut gathered = Gathered::new(ENOUGH, Duration::MAX);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(1 << 20)]));
        let large = |position| Records {
            rows: RecordBatch::try_from_iter([("text", text.clone())]).unwrap(),
            positions: UInt64Array::from(vec![position]),
            rejected: Vec::new(),
        };
        let before = BYTES_ENOUGH as u64 >> 20;
        (0..before - 1).for_each(|position| gathered.push(large(position)));
        assert!(!gathered.is_due());
        gathered.push(large(before));
        assert!(gathered.is_due());
        gathered.take().unwrap();
        assert!(!gathered.is_due());
    }
}
