//! From a source's records to the rows of each partition.

use arrow::{
    array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array},
    compute,
};
use stage::{DeadLetter, Rows, Traces};

use crate::{Records, SourceError};

/// Cuts records into partitions by their key.
#[derive(Debug)]
pub struct Router {
    key: String,
    partitions: u32,
}

/// What one partition has to do: rows, and records that were never rows.
#[derive(Debug)]
pub struct Share {
    /// Which partition.
    pub partition: u32,
    /// Its rows, where there are any.
    pub rows: Option<Rows>,
    /// Records that were never rows.
    pub rejected: Vec<DeadLetter>,
}

impl Router {
    /// Cuts by the column `key` into so many partitions.
    pub fn new(key: &str, partitions: u32) -> Self {
        Self { key: key.to_owned(), partitions }
    }

    /// Each partition's share of the records, in their order. A record that is not a row has no key: it goes by position.
    ///
    /// # Errors
    /// Where the rows have not the key column, or it has no text form.
    pub fn route(&self, records: Records) -> Result<Vec<Share>, SourceError> {
        let mut shares: Vec<Share> =
            (0..self.partitions).map(|partition| Share { partition, rows: None, rejected: Vec::new() }).collect();
        for rejected in records.rejected {
            let partition = (rejected.position % u64::from(self.partitions)) as usize;
            let letter = DeadLetter::undecodable(rejected.position, rejected.payload, rejected.reason);
            shares[partition].rejected.push(letter);
        }
        if records.rows.num_rows() > 0 {
            self.route_rows(&records.rows, &records.positions, &mut shares)?;
        }
        shares.retain(|share| share.rows.is_some() || !share.rejected.is_empty());
        Ok(shares)
    }

    fn route_rows(
        &self,
        batch: &RecordBatch,
        positions: &UInt64Array,
        shares: &mut [Share],
    ) -> Result<(), SourceError> {
        let key = batch.schema().index_of(&self.key)?;
        let keys = stage::key_text(batch.column(key))?;
        let mut rows_of: Vec<Vec<u32>> = vec![Vec::new(); shares.len()];
        for (row, key) in keys.iter().enumerate() {
            let partition = stage::partition_of(key.unwrap_or_default().as_bytes(), self.partitions);
            rows_of[partition as usize].push(row as u32);
        }
        for (share, rows) in shares.iter_mut().zip(rows_of) {
            if !rows.is_empty() {
                share.rows = Some(take(batch, positions, key, rows)?);
            }
        }
        Ok(())
    }
}

/// Some rows of a batch, whose key is in the column `key`.
fn take(batch: &RecordBatch, positions: &UInt64Array, key: usize, rows: Vec<u32>) -> Result<Rows, SourceError> {
    let indices = UInt32Array::from(rows);
    let take = |array: &ArrayRef| compute::take(array, &indices, None);
    let columns = batch.columns().iter().map(take).collect::<Result<Vec<_>, _>>()?;
    // Of a column of text that costs nothing.
    let keys = stage::key_text(&columns[key])?;
    Ok(Rows {
        batch: RecordBatch::try_new(batch.schema(), columns)?,
        positions: UInt64Array::from(compute::take(positions, &indices, None)?.to_data()),
        keys,
        ingested: None,
        traces: Traces::default(),
    })
}
