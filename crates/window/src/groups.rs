//! The values of `group_by` as bytes that can be compared and taken back.

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::{DataType, Schema},
    row::{RowConverter, Rows, SortField},
};
use stream::WindowedAggregate;

use crate::{WindowError, accumulate::plain};

/// Groups as bytes, and back.
#[derive(Debug)]
pub(crate) struct Groups {
    columns: Vec<String>,
    /// `None` where all events are one group.
    converter: Option<RowConverter>,
}

impl Groups {
    /// The groups of an aggregate whose results have `schema`.
    pub(crate) fn new(aggregate: &WindowedAggregate, schema: &Schema) -> Result<Self, WindowError> {
        let types = aggregate.group_by.iter().map(|name| schema.field_with_name(name).map(|f| f.data_type().clone()));
        let types: Vec<DataType> = types.collect::<Result<_, _>>()?;
        let converter = match types.is_empty() {
            true => None,
            false => Some(RowConverter::new(types.into_iter().map(SortField::new).collect())?),
        };
        Ok(Self { columns: aggregate.group_by.clone(), converter })
    }

    /// The group of each row; `None` where all events are one.
    pub(crate) fn of(&self, batch: &RecordBatch) -> Result<Option<Rows>, WindowError> {
        let Some(converter) = &self.converter else { return Ok(None) };
        let schema = batch.schema_ref();
        let columns = self.columns.iter().map(|name| plain(batch.column(schema.index_of(name)?)));
        Ok(Some(converter.convert_columns(&columns.collect::<Result<Vec<_>, _>>()?)?))
    }

    /// The columns of groups.
    pub(crate) fn columns(&self, groups: &[&[u8]]) -> Result<Vec<ArrayRef>, WindowError> {
        let Some(converter) = &self.converter else { return Ok(Vec::new()) };
        let parser = converter.parser();
        Ok(converter.convert_rows(groups.iter().map(|group| parser.parse(group)))?)
    }
}
