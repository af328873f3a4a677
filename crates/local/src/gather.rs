//! Gathers what a source gives in small pieces: each batch has its cost, in every partition, however few rows are in it.

use std::time::{Duration, Instant};

use source::{Records, SourceError};

/// So many records are worth a batch.
const RECORDS_ENOUGH: usize = 8_192;
/// How long a record waits at most for others.
const WAIT_MAX: Duration = Duration::from_millis(200);

/// Records that wait for others.
#[derive(Default)]
pub(crate) struct Gathered {
    pieces: Vec<Records>,
    records: usize,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Gathered {
    /// Whether these records can go with those that wait.
    pub(crate) fn goes_with(&self, records: &Records) -> bool {
        self.pieces.last().is_none_or(|piece| piece.rows.schema() == records.rows.schema())
    }

    pub(crate) fn push(&mut self, records: Records) {
        self.since.get_or_insert_with(Instant::now);
        self.records += records.len();
        self.pieces.push(records);
    }

    /// Whether there are enough of them, or the first has waited for long enough.
    pub(crate) fn is_due(&self) -> bool {
        self.records >= RECORDS_ENOUGH || self.since.is_some_and(|since| since.elapsed() >= WAIT_MAX)
    }

    /// All of them, and when the first came.
    pub(crate) fn take(&mut self) -> Result<Option<(Records, Instant)>, SourceError> {
        let Self { mut pieces, since, .. } = std::mem::take(self);
        let Some(since) = since else { return Ok(None) };
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

    use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt64Array};
    use arrow::datatypes::Int64Type;
    use source::Rejected;

    use super::*;

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
        let mut gathered = Gathered::default();
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
        let mut gathered = Gathered::default();
        (0..RECORDS_ENOUGH as u64 / 2).for_each(|number| gathered.push(piece(2 * number, "a")));
        assert!(gathered.is_due());
        gathered.take().unwrap();
        gathered.push(piece(0, "a"));
        assert!(!gathered.is_due());
        std::thread::sleep(WAIT_MAX);
        assert!(gathered.is_due());
    }
}
