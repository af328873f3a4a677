//! Columns of one type to columns of another, as far as nothing is lost; the rows where it would be are named.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, new_null_array},
    compute::{self, CastOptions, kernels::cmp},
    datatypes::{DataType, Field, SchemaRef},
    json::writer::{LineDelimited, WriterBuilder},
    util::display::array_value_to_string,
};
use bytes::Bytes;

use super::{Chunk, nested};
use crate::{
    Rejected, SourceError,
    cells::{cells, type_name},
    columns::own_name,
};

/// Bytes of a uuid.
const UUID_BYTES: i32 = 16;

/// Rows that are none of the schema, each with its first reason.
pub(crate) type Bad = BTreeMap<usize, String>;

/// The values of `column` in `field`'s type. Text is parsed; a number or time must come back from the cast as it was
/// (floats may be rounded to fewer digits). Rows for which that fails, nulls where the field has none, and times beyond
/// the calendar are noted in `bad`.
///
/// # Errors
/// Where the types do not go together at all.
pub(crate) fn fit_column(column: &ArrayRef, field: &Field, bad: &mut Bad) -> Result<ArrayRef, SourceError> {
    note_beyond_calendar(column, field, bad);
    let (from, to) = (column.data_type(), field.data_type());
    let fitted = if from == to {
        column.clone()
    } else if nested::is_possible(from, to) {
        nested::fit(column, field, bad)?
    } else if let Some(parsed) = parsed(column, field, bad)? {
        parsed
    } else if *from == DataType::FixedSizeBinary(UUID_BYTES) && is_text(to) {
        compute::cast(&uuids(column), to)?
    } else {
        if !compute::can_cast_types(from, to) {
            let message = format!("column `{}` has type {from}, which cannot be read as {to}", field.name());
            return Err(SourceError::input(message));
        }
        let fitted = compute::cast_with_options(column, to, &CastOptions { safe: true, ..Default::default() })?;
        note_lost(column, &fitted, field, bad)?;
        fitted
    };
    note_beyond_calendar(&fitted, field, bad);
    if !field.is_nullable() && fitted.null_count() > 0 {
        for row in (0..fitted.len()).filter(|row| fitted.is_null(*row)) {
            bad.entry(row).or_insert_with(|| format!("column `{}` is null", field.name()));
        }
    }
    Ok(fitted)
}

/// Sixteen bytes as the text of a uuid (RFC 9562, section 4), which is what formats with types store so.
fn uuids(column: &ArrayRef) -> ArrayRef {
    let text = column.as_fixed_size_binary().iter().map(|value| {
        let hex: String = value?.iter().map(|byte| format!("{byte:02x}")).collect();
        Some([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
    });
    Arc::new(text.collect::<StringArray>())
}

/// Text in the type of a field, as the cells of CSV are read; `None` where it is not text, or wanted as text.
fn parsed(column: &ArrayRef, field: &Field, bad: &mut Bad) -> Result<Option<ArrayRef>, SourceError> {
    if !column.data_type().is_string() || is_text(field.data_type()) {
        return Ok(None);
    }
    let Some(mut cells) = cells(field, b'.') else { return Ok(None) };
    let texts = compute::cast(column, &DataType::Utf8)?;
    for (row, text) in texts.as_string::<i32>().iter().enumerate() {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            cells.push_null();
            continue;
        };
        if !cells.push(text.as_bytes()) {
            cells.push_null();
            bad.entry(row).or_insert_with(|| {
                format!("column `{}`: {text:?} is not {}", field.name(), type_name(field.data_type()))
            });
        }
    }
    Ok(Some(cells.finish()?))
}

fn note_beyond_calendar(column: &ArrayRef, field: &Field, bad: &mut Bad) {
    for row in times::beyond_calendar(column) {
        bad.entry(row).or_insert_with(|| times::beyond_calendar_reason(field.name()));
    }
}

/// Notes the rows whose value the cast has lost or changed.
fn note_lost(column: &ArrayRef, fitted: &ArrayRef, field: &Field, bad: &mut Bad) -> Result<(), SourceError> {
    let (from, to) = (column.data_type(), field.data_type());
    let mut lost: Vec<usize> = Vec::new();
    if fitted.null_count() > column.null_count() {
        lost.extend((0..column.len()).filter(|row| fitted.is_null(*row) && column.is_valid(*row)));
    }
    let exact = (from.is_numeric() || from.is_temporal()) && !(to.is_floating() || is_text(to)) && !widens(from, to);
    if exact && compute::can_cast_types(to, from) {
        let back = compute::cast_with_options(fitted, from, &CastOptions { safe: true, ..Default::default() })?;
        let same = cmp::not_distinct(&back, column)?;
        if same.true_count() < same.len() {
            lost.extend((0..same.len()).filter(|row| !same.value(*row)));
        }
    }
    for row in lost {
        if let std::collections::btree_map::Entry::Vacant(entry) = bad.entry(row) {
            let value = array_value_to_string(column, row)?;
            entry.insert(format!("column `{}`: {value:?} is not {}", field.name(), type_name(to)));
        }
    }
    Ok(())
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..))
}

/// Whether every value of one whole-number type is one of the other.
fn widens(from: &DataType, to: &DataType) -> bool {
    let width = |data_type: &DataType| data_type.primitive_width().unwrap_or(0);
    from.is_integer()
        && to.is_integer()
        && (from.is_signed_integer() == to.is_signed_integer() && width(from) <= width(to)
            || from.is_unsigned_integer() && width(from) < width(to))
}

/// The rows of `batch` in `schema`, columns found by name.
///
/// # Errors
/// Where a column's type does not go together with the schema's.
pub(crate) fn fit_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<Chunk, SourceError> {
    let mut bad = Bad::new();
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        columns.push(match batch.column_by_name(own_name(field)) {
            Some(column) => fit_column(column, field, &mut bad)?,
            None => new_null_array(field.data_type(), batch.num_rows()),
        });
    }
    let records = batch.num_rows() as u64;
    let (rows, indexes) = keep_good(schema, columns, batch.num_rows(), &bad)?;
    let rejected =
        rejected(batch, bad)?.into_iter().map(|(row, payload, reason)| (row as u64, payload, reason)).collect();
    Ok(Chunk { rows, indexes, rejected, records })
}

/// A batch of the rows that are not bad, and which those are.
pub(crate) fn keep_good(
    schema: &SchemaRef,
    mut columns: Vec<ArrayRef>,
    rows: usize,
    bad: &Bad,
) -> Result<(RecordBatch, Vec<u64>), SourceError> {
    let mut indexes: Vec<u64> = (0..rows as u64).collect();
    if !bad.is_empty() {
        let good: BooleanArray = (0..rows).map(|row| Some(!bad.contains_key(&row))).collect();
        columns = columns.iter().map(|column| compute::filter(column, &good)).collect::<Result<_, _>>()?;
        indexes.retain(|row| good.value(*row as usize));
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(indexes.len()));
    Ok((RecordBatch::try_new_with_options(schema.clone(), columns, &options)?, indexes))
}

/// The bad rows of a batch as JSON objects.
pub(crate) fn rejected(batch: &RecordBatch, bad: Bad) -> Result<Vec<(usize, Bytes, String)>, SourceError> {
    bad.into_iter()
        .map(|(row, reason)| {
            let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
            writer.write(&batch.slice(row, 1))?;
            writer.finish()?;
            let (payload, reason) = Rejected::kept(writer.into_inner().trim_ascii_end(), reason);
            Ok((row, payload, reason))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{AsArray, Float64Array, Int64Array, StringArray},
        datatypes::{Float64Type, Int32Type, Schema},
    };

    use super::*;

    #[test]
    fn what_a_cast_would_lose_is_rejected() {
        let batch = RecordBatch::try_from_iter([
            (
                "a",
                Arc::new(Float64Array::from(vec![Some(1.0), Some(2.5), None, Some(f64::NAN), Some(3.0)])) as ArrayRef,
            ),
            ("b", Arc::new(StringArray::from(vec!["1.5", "2", "3", "4", "x"]))),
            ("c", Arc::new(Int64Array::from(vec![1, 2, 3, 4, i64::MAX]))),
        ])
        .unwrap();
        let schema = Schema::new(vec![
            Field::new("c", DataType::Float64, false),
            Field::new("b", DataType::Float64, false),
            Field::new("a", DataType::Int32, true),
            Field::new("missing", DataType::Utf8, true),
        ]);
        let chunk = fit_batch(&batch, &Arc::new(schema)).unwrap();
        assert_eq!((chunk.records, chunk.indexes.as_slice()), (5, [0, 2].as_slice()));
        assert_eq!(chunk.rows["a"].as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), [Some(1), None]);
        assert_eq!(chunk.rows["b"].as_primitive::<Float64Type>().values(), &[1.5, 3.0]);
        let reasons: Vec<_> = chunk.rejected.iter().map(|(row, _, reason)| (*row, reason.as_str())).collect();
        assert_eq!(
            reasons,
            [
                (1, "column `a`: \"2.5\" is not a whole number in range"),
                (3, "column `a`: \"NaN\" is not a whole number in range"),
                (4, "column `b`: \"x\" is not a number"),
            ]
        );
        assert_eq!(&chunk.rejected[0].1[..], br#"{"a":2.5,"b":"2","c":2}"#);
    }
}
