//! Lists, maps and records of one type as those of another: fields by name, whatever a writer calls a list's items.

use arrow::{
    array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array},
    buffer::OffsetBuffer,
    compute,
    datatypes::{DataType, Field, FieldRef},
};

use super::fit::{Bad, fit_column};
use crate::SourceError;

/// Whether [`fit`] makes the one of the other.
pub(crate) fn is_possible(from: &DataType, to: &DataType) -> bool {
    matches!(
        (from, to),
        (
            DataType::List(_)
                | DataType::LargeList(_)
                | DataType::FixedSizeList(..)
                | DataType::ListView(_)
                | DataType::LargeListView(_),
            DataType::List(_)
        ) | (DataType::Map(..), DataType::Map(..))
            | (DataType::Struct(_), DataType::Struct(_))
    )
}

/// The values of a nested column in `field`'s type. Rows in which something does not fit are noted in `bad`.
///
/// # Errors
/// Where the types do not go together at all.
pub(crate) fn fit(column: &ArrayRef, field: &Field, bad: &mut Bad) -> Result<ArrayRef, SourceError> {
    match field.data_type() {
        DataType::List(item) => list(column, field, item, bad),
        DataType::Map(entries, sorted) => map(column, field, entries, *sorted, bad),
        _ => record(column, field, bad),
    }
}

fn list(column: &ArrayRef, field: &Field, item: &FieldRef, bad: &mut Bad) -> Result<ArrayRef, SourceError> {
    let as_list = match column.data_type() {
        DataType::List(_) => column.clone(),
        DataType::LargeList(items)
        | DataType::FixedSizeList(items, _)
        | DataType::ListView(items)
        | DataType::LargeListView(items) => compute::cast(column, &DataType::List(items.clone()))?,
        other => return Err(misfit(other, field)),
    };
    let lists = as_list.as_list::<i32>();
    let items = within(lists.offsets(), lists.values(), item, field, bad)?;
    Ok(std::sync::Arc::new(ListArray::try_new(item.clone(), rebased(lists.offsets()), items, lists.nulls().cloned())?))
}

fn map(
    column: &ArrayRef,
    field: &Field,
    entries: &FieldRef,
    sorted: bool,
    bad: &mut Bad,
) -> Result<ArrayRef, SourceError> {
    let maps = column.as_map();
    let (DataType::Struct(wanted), [key, value]) = (entries.data_type(), maps.entries().columns()) else {
        return Err(misfit(column.data_type(), field));
    };
    let keys = within(maps.offsets(), key, &wanted[0], field, bad)?;
    let values = within(maps.offsets(), value, &wanted[1], field, bad)?;
    let pairs = StructArray::try_new(wanted.clone(), vec![keys, values], None)?;
    let offsets = rebased(maps.offsets());
    Ok(std::sync::Arc::new(MapArray::try_new(entries.clone(), offsets, pairs, maps.nulls().cloned(), sorted)?))
}

fn record(column: &ArrayRef, field: &Field, bad: &mut Bad) -> Result<ArrayRef, SourceError> {
    let (DataType::Struct(wanted), Some(found)) = (field.data_type(), column.as_struct_opt()) else {
        return Err(misfit(column.data_type(), field));
    };
    let mut columns = Vec::with_capacity(wanted.len());
    for inner in wanted {
        let path = inner.as_ref().clone().with_name(format!("{}.{}", field.name(), inner.name()));
        columns.push(match found.column_by_name(inner.name()) {
            Some(values) => {
                // Beneath a null record there may be anything.
                let mut within = Bad::new();
                let loose = path.with_nullable(true);
                let fitted = fit_column(values, &loose, &mut within)?;
                within.retain(|row, _| column.is_valid(*row));
                if !inner.is_nullable() {
                    for row in (0..fitted.len()).filter(|row| fitted.is_null(*row) && column.is_valid(*row)) {
                        within.entry(row).or_insert_with(|| format!("column `{}` is null", loose.name()));
                    }
                }
                for (row, reason) in within {
                    bad.entry(row).or_insert(reason);
                }
                fitted
            }
            None if inner.is_nullable() => new_null_array(inner.data_type(), column.len()),
            None => {
                let names = found.column_names().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                return Err(SourceError::input(format!(
                    "column `{}` lacks `{}`; it has {names}",
                    field.name(),
                    inner.name()
                )));
            }
        });
    }
    // What is bad is dropped later, so its nulls may not be refused here.
    let loose = wanted.iter().map(|inner| inner.as_ref().clone().with_nullable(true)).collect::<Vec<_>>();
    let loose = StructArray::try_new_with_length(loose.into(), columns, found.nulls().cloned(), column.len())?;
    relabelled(&loose, field)
}

/// The same values under a type whose fields may be stricter about nulls, where there are none.
fn relabelled(loose: &StructArray, field: &Field) -> Result<ArrayRef, SourceError> {
    let DataType::Struct(wanted) = field.data_type() else { return Err(misfit(loose.data_type(), field)) };
    let mut columns = Vec::with_capacity(wanted.len());
    for (inner, values) in wanted.iter().zip(loose.columns()) {
        let must = !inner.is_nullable() && values.null_count() > 0;
        columns.push(if must { filled(values)? } else { values.clone() });
    }
    Ok(std::sync::Arc::new(StructArray::try_new_with_length(
        wanted.clone(),
        columns,
        loose.nulls().cloned(),
        loose.len(),
    )?))
}

/// Some value in place of each null: those rows are bad, or their record is null.
fn filled(values: &ArrayRef) -> Result<ArrayRef, SourceError> {
    Ok(arrow::array::make_array(values.to_data().into_builder().nulls(None).build()?))
}

/// The values of lists or maps, fitted; what does not fit is noted at the row that it belongs to.
fn within(
    offsets: &OffsetBuffer<i32>,
    values: &ArrayRef,
    item: &Field,
    field: &Field,
    bad: &mut Bad,
) -> Result<ArrayRef, SourceError> {
    let first = offsets.first().copied().unwrap_or_default() as usize;
    let last = offsets.last().copied().unwrap_or_default() as usize;
    let mut inner = Bad::new();
    let named = item.clone().with_name(format!("{}[]", field.name()));
    let fitted = fit_column(&values.slice(first, last - first), &named, &mut inner)?;
    for (index, reason) in inner {
        let row = offsets.partition_point(|offset| *offset as usize <= first + index) - 1;
        bad.entry(row).or_insert(reason);
    }
    if !item.is_nullable() && fitted.null_count() > 0 { filled(&fitted) } else { Ok(fitted) }
}

/// Offsets that begin with zero.
fn rebased(offsets: &OffsetBuffer<i32>) -> OffsetBuffer<i32> {
    let first = offsets.first().copied().unwrap_or_default();
    if first == 0 {
        return offsets.clone();
    }
    OffsetBuffer::new(offsets.iter().map(|offset| offset - first).collect::<Vec<_>>().into())
}

fn misfit(from: &DataType, field: &Field) -> SourceError {
    let message = format!("column `{}` has type {from}, which cannot be read as {}", field.name(), field.data_type());
    SourceError::input(message)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{Float64Array, Int64Array},
        datatypes::{Fields, Float64Type},
    };

    use super::*;

    #[test]
    fn lists_and_records_take_the_names_and_types_that_are_wanted() {
        let lists = ListArray::from_iter_primitive::<Float64Type, _, _>([
            Some(vec![Some(1.0), Some(2.5)]),
            None,
            Some(vec![]),
            Some(vec![None]),
        ]);
        let element = Arc::new(Field::new("element", DataType::Float64, true));
        let (_, offsets, values, nulls) = lists.into_parts();
        let lists: ArrayRef = Arc::new(ListArray::new(element, offsets, values, nulls));
        let wanted = Field::new("l", DataType::new_list(DataType::Float64, true), true);
        let mut bad = Bad::new();
        let fitted = fit_column(&lists, &wanted, &mut bad).unwrap();
        assert_eq!((fitted.data_type(), fitted.len(), bad.len()), (wanted.data_type(), 4, 0));
        let strict = Field::new("l", DataType::new_list(DataType::Int64, false), true);
        let fitted = fit_column(&lists.slice(0, 4), &strict, &mut bad).unwrap();
        assert_eq!(fitted.data_type(), strict.data_type());
        assert_eq!(bad[&0], "column `l[]`: \"2.5\" is not a whole number in range");
        assert_eq!(bad[&3], "column `l[]` is null");
        let sliced = fit_column(&lists.slice(1, 3), &wanted, &mut Bad::new()).unwrap();
        assert_eq!(sliced.as_list::<i32>().value_offsets(), [0, 0, 0, 1]);
    }

    #[test]
    fn a_records_field_that_is_missing_is_null_or_named() {
        let fields: Fields = vec![Field::new("b", DataType::Int64, true)].into();
        let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let records: ArrayRef = Arc::new(StructArray::new(fields, vec![values], None));
        let to = |b_null, c_null| {
            let fields = vec![Field::new("c", DataType::Utf8, c_null), Field::new("b", DataType::Float64, b_null)];
            Field::new("r", DataType::Struct(fields.into()), false)
        };
        let mut bad = Bad::new();
        let fitted = fit_column(&records, &to(true, true), &mut bad).unwrap();
        let b = fitted.as_struct().column(1).as_any().downcast_ref::<Float64Array>().unwrap();
        assert_eq!((b.iter().collect::<Vec<_>>(), bad.len()), (vec![Some(1.0), None], 0));
        fit_column(&records, &to(false, true), &mut bad).unwrap();
        assert_eq!(bad.into_iter().collect::<Vec<_>>(), [(1, "column `r.b` is null".to_owned())]);
        let error = fit_column(&records, &to(true, false), &mut Bad::new()).unwrap_err().to_string();
        assert_eq!(error, "column `r` lacks `c`; it has `b`");
    }
}
