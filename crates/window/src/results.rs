//! Results as rows: one schema for all aggregates, null in the columns of the others.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
    },
    compute::concat_batches,
    datatypes::{SchemaRef, TimestampMicrosecondType},
    util::display::{ArrayFormatter, FormatOptions},
};
use stream::{Aggregates, WindowedAggregate, columns};

use crate::{WindowError, calls::Calls, groups::Groups, slots::WHOLE};

/// A window and group whose result is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) slot: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) group: &'a [u8],
    pub(crate) last: bool,
}

/// The rows of results, in the order wanted.
pub(crate) fn rows(
    aggregate: &WindowedAggregate,
    schema: &SchemaRef,
    groups: &Groups,
    calls: &mut Calls,
    wanted: &[Wanted<'_>],
) -> Result<RecordBatch, WindowError> {
    let bytes: Vec<&[u8]> = wanted.iter().map(|row| row.group).collect();
    let slots: Vec<u32> = wanted.iter().map(|row| row.slot).collect();
    let mut known: BTreeMap<&str, ArrayRef> = BTreeMap::new();
    known.extend(aggregate.group_by.iter().map(String::as_str).zip(groups.columns(&bytes)?));
    known.extend(aggregate.select.iter().map(|(name, _)| name.as_str()).zip(calls.finish(&slots)?));
    let time = |of: fn(&Wanted<'_>) -> i64| {
        let times = wanted.iter().map(|row| ((row.start, row.end) != WHOLE).then(|| of(row)));
        Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("+00:00"))
    };
    known.insert(columns::AGGREGATE, Arc::new(StringArray::from(vec![aggregate.name.as_str(); wanted.len()])));
    known.insert(columns::WINDOW_START, time(|row| row.start));
    known.insert(columns::WINDOW_END, time(|row| row.end));
    known.insert(columns::FINAL, Arc::new(BooleanArray::from_iter(wanted.iter().map(|row| Some(row.last)))));
    let columns = schema.fields().iter().map(|field| {
        known.get(field.name().as_str()).cloned().unwrap_or_else(|| new_null_array(field.data_type(), wanted.len()))
    });
    Ok(RecordBatch::try_new(schema.clone(), columns.collect())?)
}

/// Several batches as one; `None` where there is no row.
pub(crate) fn together(schema: &SchemaRef, batches: Vec<RecordBatch>) -> Result<Option<RecordBatch>, WindowError> {
    let batches: Vec<RecordBatch> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
    match batches.is_empty() {
        true => Ok(None),
        false => Ok(Some(concat_batches(schema, &batches)?)),
    }
}

/// The key of each result as text: its aggregate, the start of its window, and its group, separated by slashes, a slash
/// or backslash within a value behind a backslash. A later row of the same key takes the place of an earlier one.
///
/// # Errors
/// Where `results` has other columns than the stream's aggregates.
pub fn result_keys(aggregates: &Aggregates, results: &RecordBatch) -> Result<StringArray, WindowError> {
    let schema = results.schema_ref();
    let column = |name: &str| Ok::<_, WindowError>(results.column(schema.index_of(name)?));
    let names = column(columns::AGGREGATE)?.as_string::<i32>();
    let starts = column(columns::WINDOW_START)?.as_primitive::<TimestampMicrosecondType>();
    let options = FormatOptions::default();
    let mut groups: BTreeMap<&str, Vec<ArrayFormatter<'_>>> = BTreeMap::new();
    for aggregate in &aggregates.list {
        let formatters = aggregate.group_by.iter().map(|name| Ok(ArrayFormatter::try_new(column(name)?, &options)?));
        groups.insert(&aggregate.name, formatters.collect::<Result<_, WindowError>>()?);
    }
    let keys = (0..results.num_rows()).map(|row| {
        let start = starts.is_valid(row).then(|| starts.value(row)).map(|start| start.to_string()).unwrap_or_default();
        let mut key = format!("{}/{start}", names.value(row));
        for value in groups.get(names.value(row)).into_iter().flatten() {
            key.push('/');
            key.push_str(&value.value(row).to_string().replace('\\', "\\\\").replace('/', "\\/"));
        }
        key
    });
    Ok(StringArray::from_iter_values(keys))
}
