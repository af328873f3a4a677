//! Columns brought to the types that the encoder writes.
//!
//! A column may come with a wider or narrower type than its schema's (Int16 for an int, LargeUtf8 or a dictionary for
//! a string), and an enum's dictionary need not be the schema's list of symbols. Where nothing differs, nothing is
//! copied.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, ListArray, MapArray, StringArray, StructArray},
    compute::{CastOptions, cast_with_options},
    datatypes::{Field, Int32Type},
    error::ArrowError,
};

use crate::avro::{Kind, Site};

/// A column as the encoder needs it.
///
/// # Errors
/// Says which value does not fit.
pub(crate) fn recode(column: &ArrayRef, site: &Site, field: &Field) -> Result<ArrayRef, String> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let column = match column.data_type() == field.data_type() {
        true => column.clone(),
        false => cast_with_options(column, field.data_type(), &strict).map_err(|error| match column.data_type() {
            from if arrow::compute::can_cast_types(from, field.data_type()) => error.to_string(),
            from => format!("{from} cannot be written as {}", site.kind.label()),
        })?,
    };
    let column = match has_enum(&site.kind) {
        true => with_symbols(&column, &site.kind)?,
        false => column,
    };
    match column.nulls().and_then(|nulls| (0..nulls.len()).find(|row| nulls.is_null(*row))) {
        Some(row) if !field.is_nullable() => Err(format!("row {row} is null, which the schema does not allow")),
        _ => Ok(column),
    }
}

fn has_enum(kind: &Kind) -> bool {
    match kind {
        Kind::Enum(_) => true,
        Kind::Record(record) => record.fields.iter().any(|field| has_enum(&field.site.kind)),
        Kind::Array(site) | Kind::Map(site) => has_enum(&site.kind),
        _ => false,
    }
}

/// Replaces every dictionary by the symbols of its enum.
fn with_symbols(column: &ArrayRef, kind: &Kind) -> Result<ArrayRef, String> {
    let failed = |error: ArrowError| error.to_string();
    Ok(match kind {
        Kind::Enum(symbols) => enum_column(column, &symbols.symbols)?,
        Kind::Record(record) => {
            let (fields, children, nulls) = column.as_struct().clone().into_parts();
            let children =
                children.iter().zip(&record.fields).map(|(child, field)| with_symbols(child, &field.site.kind));
            Arc::new(StructArray::try_new(fields, children.collect::<Result<_, _>>()?, nulls).map_err(failed)?)
        }
        Kind::Array(items) => {
            let (field, offsets, values, nulls) = column.as_list::<i32>().clone().into_parts();
            let values = with_symbols(&values, &items.kind)?;
            Arc::new(ListArray::try_new(field, offsets, values, nulls).map_err(failed)?)
        }
        Kind::Map(values) => {
            let (field, offsets, entries, nulls, sorted) = column.as_map().clone().into_parts();
            let (fields, mut children, _) = entries.into_parts();
            children[1] = with_symbols(&children[1], &values.kind)?;
            let entries = StructArray::try_new(fields, children, None).map_err(failed)?;
            Arc::new(MapArray::try_new(field, offsets, entries, nulls, sorted).map_err(failed)?)
        }
        _ => column.clone(),
    })
}

fn enum_column(column: &ArrayRef, symbols: &[String]) -> Result<ArrayRef, String> {
    let column_of_symbols = column.as_dictionary::<Int32Type>();
    let values = column_of_symbols.values().as_string::<i32>();
    if values.null_count() == 0 && values.iter().flatten().eq(symbols.iter().map(String::as_str)) {
        return Ok(column.clone());
    }
    let indices: HashMap<&str, i32> = symbols.iter().map(String::as_str).zip(0..).collect();
    let index = |(row, key): (usize, Option<i32>)| match key.map(|key| key as usize).filter(|key| values.is_valid(*key))
    {
        None => Ok(None),
        Some(key) => match indices.get(values.value(key)) {
            Some(index) => Ok(Some(*index)),
            None => {
                Err(format!("row {row} is `{}`, which is none of the enum's symbols {symbols:?}", values.value(key)))
            }
        },
    };
    let keys: Int32Array = column_of_symbols.keys().iter().enumerate().map(index).collect::<Result<_, _>>()?;
    let values = Arc::new(StringArray::from_iter_values(symbols));
    Ok(Arc::new(DictionaryArray::try_new(keys, values).map_err(|error| error.to_string())?))
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use serde_json::json;

    use super::*;
    use crate::{parse, types};

    fn recoded(kind: serde_json::Value, column: &ArrayRef) -> ArrayRef {
        let site = parse::parse_field(&json!({ "name": "a", "type": kind })).unwrap().site;
        let field = Field::new("a", types::data_type(&site.kind), true);
        recode(column, &site, &field).unwrap()
    }

    #[test]
    fn where_nothing_differs_nothing_is_copied() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        assert!(Arc::ptr_eq(&recoded(json!("long"), &numbers), &numbers));
        let field = Arc::new(Field::new("x", numbers.data_type().clone(), false));
        let records: ArrayRef = Arc::new(StructArray::from(vec![(field, numbers)]));
        let kind = json!({ "type": "record", "name": "r", "fields": [{ "name": "x", "type": "long" }] });
        assert!(Arc::ptr_eq(&recoded(kind, &records), &records));
        let values = Arc::new(StringArray::from(vec!["a", "b"]));
        let symbols: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::new(vec![1, 0].into(), values));
        let kind = |symbols: [&str; 2]| json!({ "type": "enum", "name": "e", "symbols": symbols });
        assert!(Arc::ptr_eq(&recoded(kind(["a", "b"]), &symbols), &symbols));
        let other = recoded(kind(["b", "a"]), &symbols);
        assert_eq!(other.as_dictionary::<Int32Type>().keys().values(), &[0, 1]);
    }
}
