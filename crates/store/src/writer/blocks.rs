//! Rows that wait until there are enough of them to be written at once.

use arrow::{array::RecordBatch, compute::BatchCoalescer, datatypes::SchemaRef, error::ArrowError};

/// Rows of a block, where they do not take
const ROWS: usize = 8192;
/// so many bytes before that: a block ends with the row that they are reached with.
const BYTES: usize = 8 << 20;

/// Cuts rows into blocks. Where a block ends depends on its rows, and not on the batches that they came in.
pub(super) struct Blocks {
    waiting: BatchCoalescer,
    /// What the rows take that wait for others.
    bytes: usize,
}

impl Blocks {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { waiting: BatchCoalescer::new(schema, ROWS), bytes: 0 }
    }

    /// Adds rows.
    pub(super) fn push(&mut self, rows: &RecordBatch) -> Result<(), ArrowError> {
        let mut given = 0;
        while given < rows.num_rows() {
            let room = (ROWS - self.waiting.get_buffered_rows()).min(rows.num_rows() - given);
            let fitting = rows.slice(given, room);
            let fitting = fitting.slice(0, sizes::rows_with(&fitting, BYTES - self.bytes));
            given += fitting.num_rows();
            self.bytes += sizes::bytes(&fitting);
            self.waiting.push_batch(fitting)?;
            if self.bytes >= BYTES || self.waiting.get_buffered_rows() == 0 {
                self.end()?;
            }
        }
        Ok(())
    }

    /// Makes a block of what waits.
    pub(super) fn end(&mut self) -> Result<(), ArrowError> {
        self.bytes = 0;
        self.waiting.finish_buffered_batch()
    }

    /// The first of the complete blocks that was not taken yet.
    pub(super) fn next(&mut self) -> Option<RecordBatch> {
        self.waiting.next_completed_batch()
    }

    /// How many rows wait.
    pub(super) fn rows(&self) -> usize {
        self.waiting.get_buffered_rows()
    }

    /// About how many bytes wait.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};
    use proptest::prelude::*;

    use super::*;

    fn texts(lengths: impl IntoIterator<Item = usize>) -> RecordBatch {
        let texts: ArrayRef =
            Arc::new(StringArray::from_iter_values(lengths.into_iter().map(|length| "x".repeat(length))));
        RecordBatch::try_from_iter([("text", texts)]).unwrap()
    }

    /// How many rows each block of these batches has.
    fn blocks(batches: impl IntoIterator<Item = RecordBatch>) -> Vec<usize> {
        let (mut blocks, mut found) = (Blocks::new(texts([]).schema()), Vec::new());
        for batch in batches {
            blocks.push(&batch).unwrap();
            while let Some(block) = blocks.next() {
                found.push(block.num_rows());
            }
        }
        blocks.end().unwrap();
        found.extend(blocks.next().map(|block| block.num_rows()));
        found
    }

    #[test]
    fn small_rows_are_counted_and_large_ones_weighed() {
        assert_eq!(blocks([texts(vec![1; 2 * ROWS + 1])]), [ROWS, ROWS, 1]);
        assert_eq!(blocks([texts(vec![1 << 20; 20])]), [8, 8, 4]);
        assert_eq!(blocks([texts([2 * BYTES, 1, 2 * BYTES, 1])]), [1, 2, 1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn how_rows_are_cut_into_batches_changes_no_block(
            lengths in prop::collection::vec(0_usize..2_000_000, 1..60),
            cuts in prop::collection::vec(1_usize..20, 1..60),
        ) {
            let rows = texts(lengths.iter().copied());
            let (mut pieces, mut given) = (Vec::new(), 0);
            for cut in cuts.iter().cycle() {
                let cut = (*cut).min(rows.num_rows() - given);
                pieces.push(rows.slice(given, cut));
                given += cut;
                if given == rows.num_rows() {
                    break;
                }
            }
            prop_assert_eq!(blocks(pieces), blocks([rows]));
        }
    }
}
