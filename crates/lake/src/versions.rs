//! Rows that take the place of earlier ones, in files that are only added to.
//!
//! Each result of a window is a row of its own: a *version*. What it is a version of is the key of its record, and which
//! one is the last its offset, both of which stand beside its columns. Readers take the last version of each key; earlier
//! ones go where files are merged. Nothing is read or written again to store a result, and no commit waits for another.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt32Array},
    compute::take_record_batch,
    datatypes::{DataType, Field, Int64Type, Schema, SchemaRef},
};
use sink::{Batch, Table};

use crate::LakeError;

const KEY: &str = "record_key";
const OFFSET: &str = "record_offset";

/// The columns that say of a row what it is a version of, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// The key of the row's record.
    pub key: String,
    /// The offset of the row's record: of one key the row with the largest counts.
    pub offset: String,
}

impl Versions {
    /// Those of a table with these columns; `None` where no row takes the place of another.
    pub(crate) fn of(table: Table, schema: &Schema) -> Option<Self> {
        (table == Table::Aggregates).then(|| Self { key: free(schema, KEY), offset: free(schema, OFFSET) })
    }

    /// Columns with these behind them.
    pub fn beside(&self, schema: &Schema) -> SchemaRef {
        let own = [Field::new(&self.key, DataType::Utf8, false), Field::new(&self.offset, DataType::Int64, false)];
        let fields = schema.fields().iter().cloned().chain(own.map(Into::into));
        SchemaRef::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The rows of a batch as versions.
    pub(crate) fn number(&self, batch: &Batch) -> Result<RecordBatch, LakeError> {
        let failed = |error| LakeError::rows(batch.table.name(), error);
        let Some(keys) = &batch.keys else {
            return Err(LakeError::rows(batch.table.name(), "its rows have no keys"));
        };
        let offsets = batch.positions.values().iter().map(|at| i64::try_from(*at).unwrap_or(i64::MAX));
        let own: [ArrayRef; 2] = [Arc::new(keys.clone()), Arc::new(Int64Array::from_iter_values(offsets))];
        let columns = batch.rows.columns().iter().cloned().chain(own).collect();
        RecordBatch::try_new(self.beside(batch.rows.schema_ref()), columns).map_err(failed)
    }

    /// The last version of each key among these rows, in their order.
    pub(crate) fn last(&self, rows: &RecordBatch) -> Result<RecordBatch, LakeError> {
        let column =
            |name: &str| rows.column_by_name(name).ok_or_else(|| LakeError::rows(name, "the rows have no such column"));
        let (keys, offsets) =
            (column(&self.key)?.as_string_opt::<i32>(), column(&self.offset)?.as_primitive_opt::<Int64Type>());
        let (Some(keys), Some(offsets)) = (keys, offsets) else {
            return Err(LakeError::rows(&self.key, "it is not a text beside a number"));
        };
        let mut last: HashMap<&str, usize> = HashMap::with_capacity(keys.len());
        for row in 0..keys.len() {
            let known = last.entry(keys.value(row)).or_insert(row);
            if offsets.value(*known) < offsets.value(row) {
                *known = row;
            }
        }
        let mut kept: Vec<u32> = last.into_values().map(|row| row as u32).collect();
        kept.sort_unstable();
        take_record_batch(rows, &UInt32Array::from(kept)).map_err(|error| LakeError::rows(&self.key, error))
    }
}

/// A name that no column has.
pub(crate) fn free(schema: &Schema, name: &str) -> String {
    let mut name = name.to_owned();
    while schema.index_of(&name).is_ok() {
        name.push('_');
    }
    name
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    /// Rows of which each says its offset.
    fn batch(keys: &[&str], offsets: &[u64]) -> Batch {
        let schema = SchemaRef::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let numbers = Int64Array::from_iter_values(offsets.iter().map(|at| *at as i64));
        Batch {
            table: Table::Aggregates,
            topic: "s.aggregates".to_owned(),
            partition: 0,
            rows: RecordBatch::try_new(schema, vec![Arc::new(numbers)]).unwrap(),
            positions: offsets.to_vec().into(),
            times: offsets.iter().map(|_| 0).collect(),
            keys: Some(StringArray::from_iter_values(keys)),
            probes: Vec::new(),
            next: offsets.last().map_or(0, |last| last + 1),
        }
    }

    #[test]
    fn the_largest_offset_of_a_key_stays_in_any_order_of_the_rows() {
        let rows = batch(&["a", "b", "a", "c", "b"], &[3, 4, 9, 11, 12]);
        let versions = Versions::of(rows.table, rows.rows.schema_ref()).unwrap();
        let numbered = versions.number(&rows).unwrap();
        let numbers = |rows: &RecordBatch| rows.column(0).as_primitive::<Int64Type>().values().to_vec();
        assert_eq!(numbers(&versions.last(&numbered).unwrap()), [9, 11, 12]);
        let reversed = take_record_batch(&numbered, &UInt32Array::from(vec![4, 3, 2, 1, 0])).unwrap();
        let last = versions.last(&reversed).unwrap();
        assert_eq!(numbers(&last), [12, 11, 9]);
        // The last versions of last versions are the same.
        assert_eq!(versions.last(&last).unwrap(), last);
    }

    #[test]
    fn rows_without_keys_and_columns_of_the_same_name_are_seen() {
        let rows = batch(&["a"], &[1]);
        let versions = Versions::of(rows.table, rows.rows.schema_ref()).unwrap();
        assert!(versions.number(&Batch { keys: None, ..rows.clone() }).is_err());
        let taken = versions.beside(rows.rows.schema_ref());
        assert_eq!(Versions::of(Table::Aggregates, &taken).unwrap().key, "record_key_");
        assert_eq!(Versions::of(Table::ProcessedData, &taken), None);
    }
}
