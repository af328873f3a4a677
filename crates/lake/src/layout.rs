//! How a table lies in a lake: its columns, and what its files are apart by.

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};
use sink::{Batch, Table};

use crate::{LakeError, delta_types, shape, versions::Versions};

/// The column by whose hour the results of windows lie: all versions of one are in one hour.
const WINDOW_START: &str = "window_start";

/// How a table lies in a lake.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The columns of its files, but for the hour.
    pub(crate) columns: SchemaRef,
    /// The column by whose hour its files lie, where it has that.
    pub(crate) time: String,
    /// Where rows take the place of earlier ones: the columns that say so.
    pub(crate) versions: Option<Versions>,
}

impl Layout {
    /// The layout of a table that queries see with this schema, in a lake whose events have their time in `time`.
    pub(crate) fn new(table: Table, schema: &SchemaRef, time: &str) -> Self {
        let versions = Versions::of(table, schema);
        let columns = versions.as_ref().map_or_else(|| schema.clone(), |versions| versions.beside(schema));
        let time = if versions.is_some() { WINDOW_START } else { time };
        Self { columns, time: time.to_owned(), versions }
    }

    /// The same in the types that Delta has.
    ///
    /// # Errors
    /// Where it has nothing for a type.
    pub(crate) fn in_delta(self) -> Result<Self, LakeError> {
        Ok(Self { columns: delta_types::schema(&self.columns)?, ..self })
    }

    /// The rows of a batch by the hour, as they are stored. Of those of one key the last one is enough.
    pub(crate) fn by_hour(&self, batch: &Batch) -> Result<Vec<(Option<String>, RecordBatch)>, LakeError> {
        let rows = match &self.versions {
            Some(versions) => versions.last(&versions.number(batch)?)?,
            None => batch.rows.clone(),
        };
        shape::by_hour(&shape::plain(&rows, &self.columns)?, &self.time)
    }

    /// Rows of several files of one hour as those of one, in the order of their time; versions that have been replaced are
    /// left out.
    ///
    /// # Errors
    /// Where a column has another type than the table's.
    pub(crate) fn merged(&self, batches: &[RecordBatch]) -> Result<Vec<(Option<String>, RecordBatch)>, LakeError> {
        let mut columns = self.columns.clone();
        for batch in batches {
            columns = shape::with_others(&columns, batch.schema_ref());
        }
        let plain = batches.iter().map(|rows| shape::plain(rows, &columns)).collect::<Result<Vec<_>, _>>()?;
        let rows =
            arrow::compute::concat_batches(&columns, &plain).map_err(|error| LakeError::rows("merging", error))?;
        let rows = match &self.versions {
            Some(versions) => versions.last(&rows)?,
            None => rows,
        };
        shape::by_hour(&rows, &self.time)
    }

    /// The same with columns that a table has beside those of the stream. Results of windows may lack any: a column of an
    /// aggregate that is gone stays, and is null in the rows of the others.
    pub(crate) fn beside(self, there: &Schema) -> Self {
        match self.versions {
            Some(_) => Self { columns: shape::with_others(&self.columns, there), ..self },
            None => self,
        }
    }
}
