//! What goes to the anomalies: the anomalous ones of the scored rows, and the alarms that are rows of their own.

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, UInt32Array, UInt64Array},
    compute,
};
use stream::{Stream, columns};

use crate::{Outputs, Rows, StageError, Traces};

impl Outputs {
    /// The rows of the anomalies in the order of their positions, however the input was cut; a row that an alarm came by goes before it.
    /// Scored rows at positions that were `refused` are not among them. `None` where there are none.
    ///
    /// # Errors
    /// Where rows are not those of `stream`.
    pub fn anomalies(&self, stream: &Stream, refused: &[u64]) -> Result<Option<Rows>, StageError> {
        let schema = stream.anomalies();
        let mut all = Vec::new();
        for rows in &self.rows {
            let Some(anomalous) = anomalous(rows).filter(|anomalous| anomalous.true_count() > 0) else { continue };
            let taken = |position: &u64| Some(!refused.contains(position));
            let taken: BooleanArray = rows.positions.values().iter().map(taken).collect();
            let found = rows.clone().select(&compute::and(anomalous, &taken)?)?;
            let batch = RecordBatch::try_new(schema.clone(), found.batch.columns().to_vec())?;
            all.push(Rows { batch, ..found });
        }
        all.extend(self.alarms.iter().cloned());
        let Some(first) = all.first() else { return Ok(None) };
        if all.len() == 1 {
            return Ok(Some(first.clone()));
        }
        let batch = compute::concat_batches(&schema, all.iter().map(|rows| &rows.batch))?;
        let column = |of: fn(&Rows) -> &dyn Array| -> Result<ArrayRef, StageError> {
            Ok(compute::concat(&all.iter().map(of).collect::<Vec<_>>())?)
        };
        let (positions, keys) = (column(|rows| &rows.positions)?, column(|rows| &rows.keys)?);
        let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
        let at = UInt64Array::from(positions.to_data());
        order.sort_by_key(|row| at.value(*row as usize));
        let order = UInt32Array::from(order);
        Ok(Some(Rows {
            batch: compute::take_record_batch(&batch, &order)?,
            positions: UInt64Array::from(compute::take(&positions, &order, None)?.to_data()),
            keys: StringArray::from(compute::take(&keys, &order, None)?.to_data()),
            ingested: None,
            traces: Traces::default(),
        }))
    }

    /// How many alarms are rows of their own.
    pub fn silences(&self) -> u64 {
        self.alarms.iter().map(|rows| rows.len() as u64).sum()
    }
}

/// Which rows are anomalous, of a step that says so.
fn anomalous(rows: &Rows) -> Option<&BooleanArray> {
    rows.batch.column_by_name(columns::ANOMALOUS)?.as_boolean_opt()
}
