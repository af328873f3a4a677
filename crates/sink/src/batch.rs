//! Rows on their way into a store.

use arrow::{
    array::{Array, AsArray, Int64Array, RecordBatch, StringArray, UInt64Array},
    compute,
    error::ArrowError,
};

use crate::{Probe, Table};

/// Rows of one table out of one partition, with the position of each.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The table they belong to.
    pub table: Table,
    /// The topic they come from.
    pub topic: String,
    /// Its partition.
    pub partition: u32,
    /// The rows.
    pub rows: RecordBatch,
    /// Where each row stands in the partition, ascending; there may be gaps.
    pub positions: UInt64Array,
    /// When each row's event was taken in, in milliseconds since 1970: part of its record, so that every writer of the
    /// record sees the same.
    pub times: Int64Array,
    /// Each row's key, in a table where a later row of a key takes the place of an earlier one.
    pub keys: Option<StringArray>,
    /// Probes that stood among the rows, in the order of their positions.
    pub probes: Vec<Probe>,
    /// The first position that is not in this batch.
    pub next: u64,
}

impl Batch {
    /// The first position; `next` where there is no row.
    pub fn first(&self) -> u64 {
        self.positions.values().first().copied().unwrap_or(self.next)
    }

    /// Whether there is nothing in it to be stored: neither a row nor a probe.
    pub fn is_empty(&self) -> bool {
        self.rows.num_rows() == 0 && self.probes.is_empty()
    }

    /// How much memory its rows take.
    pub fn bytes(&self) -> usize {
        self.rows.get_array_memory_size() + self.keys.as_ref().map_or(0, Array::get_array_memory_size)
    }

    /// The rows from `position` on, without copying.
    pub fn from(&self, position: u64) -> Batch {
        let skipped = self.positions.values().partition_point(|at| *at < position);
        let left = self.rows.num_rows().saturating_sub(skipped);
        Batch {
            rows: self.rows.slice(skipped, left),
            positions: self.positions.slice(skipped, left),
            times: self.times.slice(skipped, left),
            keys: self.keys.as_ref().map(|keys| keys.slice(skipped, left)),
            probes: self.probes.iter().filter(|probe| probe.position >= position).copied().collect(),
            topic: self.topic.clone(),
            ..*self
        }
    }

    /// Batches of one table, topic and partition as one, in the order given.
    ///
    /// # Errors
    /// Where they are none or their columns differ.
    pub fn concat(batches: &[Batch]) -> Result<Batch, ArrowError> {
        let Some(first) = batches.first() else {
            return Err(ArrowError::InvalidArgumentError("there are no batches to put together".to_owned()));
        };
        let schema = first.rows.schema();
        let positions: Vec<u64> = batches.iter().flat_map(|batch| batch.positions.values().iter().copied()).collect();
        let times: Vec<i64> = batches.iter().flat_map(|batch| batch.times.values().iter().copied()).collect();
        let keys: Option<Vec<&dyn Array>> =
            batches.iter().map(|batch| batch.keys.as_ref().map(|keys| keys as &dyn Array)).collect();
        let keys = keys.map(|keys| compute::concat(&keys)).transpose()?;
        Ok(Batch {
            rows: compute::concat_batches(&schema, batches.iter().map(|batch| &batch.rows))?,
            positions: UInt64Array::from(positions),
            times: Int64Array::from(times),
            keys: keys.map(|keys| keys.as_string().clone()),
            probes: batches.iter().flat_map(|batch| batch.probes.iter().copied()).collect(),
            next: batches.iter().map(|batch| batch.next).max().unwrap_or(first.next),
            topic: first.topic.clone(),
            ..*first
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Int64Type, Schema};

    use super::*;

    fn batch(positions: &[u64], next: u64) -> Batch {
        let values = Int64Array::from_iter_values(positions.iter().map(|position| *position as i64 * 10));
        let schema = Arc::new(Schema::new(vec![Field::new("value", DataType::Int64, false)]));
        Batch {
            table: Table::ProcessedData,
            topic: "t".to_owned(),
            partition: 3,
            rows: RecordBatch::try_new(schema, vec![Arc::new(values)]).unwrap(),
            positions: UInt64Array::from(positions.to_vec()),
            times: Int64Array::from_iter_values(positions.iter().map(|position| *position as i64 + 1_000)),
            keys: Some(StringArray::from_iter_values(positions.iter().map(|position| format!("k{position}")))),
            probes: positions.iter().map(|at| Probe { position: *at, sequence: *at, sent: 0 }).collect(),
            next,
        }
    }

    fn values(batch: &Batch) -> Vec<i64> {
        batch.rows.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn a_batch_is_cut_by_position_and_put_together_again() {
        let whole = batch(&[2, 3, 7, 8], 10);
        assert_eq!((whole.first(), values(&whole.from(4)), whole.from(4).first()), (2, vec![70, 80], 7));
        assert_eq!((whole.from(0).rows.num_rows(), whole.from(9).rows.num_rows(), whole.from(9).first()), (4, 0, 10));
        let both = Batch::concat(&[batch(&[1], 2), whole.from(3)]).unwrap();
        assert_eq!(
            (values(&both), both.positions.values().to_vec(), both.next),
            (vec![10, 30, 70, 80], vec![1, 3, 7, 8], 10)
        );
        assert_eq!(both.times.values().to_vec(), [1_001, 1_003, 1_007, 1_008]);
        assert_eq!(both.from(7).keys, Some(StringArray::from(vec!["k7", "k8"])));
        let without = Batch { keys: None, ..batch(&[1], 2) };
        assert_eq!(
            (Batch::concat(&[without.clone(), without.clone()]).unwrap().keys, without.from(0).keys),
            (None, None)
        );
        let probes: Vec<u64> = both.from(3).probes.iter().map(|probe| probe.position).collect();
        assert_eq!(probes, [3, 7, 8]);
        assert!(Batch::concat(&[]).is_err());
    }
}
