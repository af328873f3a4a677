//! The latest row of each key, of a topic whose messages replace each other.

use std::collections::HashMap;

use arrow::{
    array::{RecordBatch, StringArray},
    compute::interleave_record_batch,
    datatypes::SchemaRef,
    error::ArrowError,
};

/// Rows that are held beyond two a key before those that were replaced are let go of.
const REPLACED_MAX: usize = 65_536;

/// The latest row of each key.
pub(super) struct Latest {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Rows in `batches`.
    held: usize,
    /// Where each key's row is: the batch, and the row in it.
    rows: HashMap<Box<str>, (usize, usize)>,
}

impl Latest {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { schema, batches: Vec::new(), held: 0, rows: HashMap::new() }
    }

    /// Takes rows, later than all before them, with their keys.
    pub(super) fn take(&mut self, batch: RecordBatch, keys: &StringArray) -> Result<(), ArrowError> {
        let number = self.batches.len();
        for (row, key) in keys.iter().enumerate() {
            self.rows.insert(key.unwrap_or_default().into(), (number, row));
        }
        self.held += batch.num_rows();
        self.batches.push(batch);
        if self.held > 2 * self.rows.len() + REPLACED_MAX {
            let rows = self.rows()?;
            self.held = rows.num_rows();
            self.batches = vec![rows];
            self.rows.values_mut().enumerate().for_each(|(row, place)| *place = (0, row));
        }
        Ok(())
    }

    /// A row for each key, in no order.
    pub(super) fn rows(&self) -> Result<RecordBatch, ArrowError> {
        let places: Vec<(usize, usize)> = self.rows.values().copied().collect();
        if places.is_empty() {
            return Ok(RecordBatch::new_empty(self.schema.clone()));
        }
        interleave_record_batch(&self.batches.iter().collect::<Vec<_>>(), &places)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{AsArray, Int64Array},
        datatypes::{DataType, Field, Int64Type, Schema},
    };

    use super::*;

    #[test]
    fn the_last_row_of_a_key_stays_however_often_it_is_replaced() {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let mut latest = Latest::new(schema.clone());
        assert_eq!(latest.rows().unwrap().num_rows(), 0);
        for round in 0..200 {
            let keys = StringArray::from_iter_values((0..1000).map(|key| format!("k{}", key % 500)));
            let numbers = Int64Array::from_iter_values((0..1000).map(|row| round * 1000 + row));
            latest.take(RecordBatch::try_new(schema.clone(), vec![Arc::new(numbers)]).unwrap(), &keys).unwrap();
            assert!(latest.held <= 1000 + REPLACED_MAX);
        }
        let rows = latest.rows().unwrap();
        let mut found = rows.column(0).as_primitive::<Int64Type>().values().to_vec();
        found.sort_unstable();
        assert_eq!(found, (199_500..200_000).collect::<Vec<i64>>());
    }
}
