//! What rows take: the sum of what each row takes by itself, so that it does not matter how a batch was cut.
//!
//! Arrow's own sizes are of arrays: a part of an array has one offset more than rows, bits are rounded up to bytes, and
//! [`get_array_memory_size`](arrow::array::Array::get_array_memory_size) counts all of what the part belongs to. What
//! decides where a block or a file ends must be the same for the same rows, whatever came with them.

use std::ops::Range;

use arrow::{
    array::{Array, AsArray, OffsetSizeTrait, RecordBatch},
    datatypes::DataType,
};

/// About how many bytes the rows take in memory: their values and, of texts and lists, the places in them.
pub fn bytes(rows: &RecordBatch) -> usize {
    bytes_of(rows, 0..rows.num_rows())
}

/// How many of the first rows take `bytes` at least; all of them where they take less together.
pub fn rows_with(rows: &RecordBatch, bytes: usize) -> usize {
    let (mut few, mut enough) = (0, rows.num_rows());
    while few < enough {
        let middle = few + (enough - few) / 2;
        if bytes_of(rows, 0..middle) >= bytes { enough = middle } else { few = middle + 1 }
    }
    few
}

fn bytes_of(rows: &RecordBatch, range: Range<usize>) -> usize {
    rows.columns().iter().map(|column| column_bytes(column, range.clone())).sum()
}

fn column_bytes(column: &dyn Array, range: Range<usize>) -> usize {
    let rows = range.len();
    match column.data_type() {
        DataType::Null => 0,
        DataType::Utf8 => spanned(column.as_string::<i32>().value_offsets(), range).len() + size_of::<i32>() * rows,
        DataType::LargeUtf8 => {
            spanned(column.as_string::<i64>().value_offsets(), range).len() + size_of::<i64>() * rows
        }
        DataType::Binary => spanned(column.as_binary::<i32>().value_offsets(), range).len() + size_of::<i32>() * rows,
        DataType::LargeBinary => {
            spanned(column.as_binary::<i64>().value_offsets(), range).len() + size_of::<i64>() * rows
        }
        DataType::FixedSizeBinary(width) => *width as usize * rows,
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            column_bytes(list.values(), spanned(list.value_offsets(), range)) + size_of::<i32>() * rows
        }
        DataType::LargeList(_) => {
            let list = column.as_list::<i64>();
            column_bytes(list.values(), spanned(list.value_offsets(), range)) + size_of::<i64>() * rows
        }
        DataType::Map(..) => {
            let map = column.as_map();
            column_bytes(map.entries(), spanned(map.value_offsets(), range)) + size_of::<i32>() * rows
        }
        DataType::FixedSizeList(_, length) => {
            let (list, length) = (column.as_fixed_size_list(), *length as usize);
            column_bytes(list.values(), range.start * length..range.end * length)
        }
        DataType::Struct(_) => {
            column.as_struct().columns().iter().map(|column| column_bytes(column, range.clone())).sum()
        }
        // What is left has one width: a boolean takes a byte here.
        other => other.primitive_width().unwrap_or(1) * rows,
    }
}

/// What the values of a range of rows take of those that the offsets are places in.
fn spanned<O: OffsetSizeTrait>(offsets: &[O], range: Range<usize>) -> Range<usize> {
    offsets[range.start].as_usize()..offsets[range.end].as_usize()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{ArrayRef, Float64Array, Int32Builder, ListArray, MapBuilder, StringArray, StringBuilder, StructArray},
        datatypes::{Field, Float64Type},
    };

    use super::*;

    /// Rows of a number, a text, a list of numbers, a record and a map, which grow.
    fn rows(count: usize) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Float64Array::from_iter((0..count).map(|row| (row % 3 > 0).then_some(0.5))));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..count).map(|row| "x".repeat(row))));
        let lists = (0..count).map(|row| (row % 2 > 0).then(|| vec![Some(1.0); row]));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists));
        let field = Arc::new(Field::new("text", DataType::Utf8, true));
        let records: ArrayRef = Arc::new(StructArray::from(vec![(field, texts.clone())]));
        let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
        for row in 0..count {
            (0..row).for_each(|_| {
                maps.keys().append_value("key");
                maps.values().append_value(1);
            });
            maps.append(true).unwrap();
        }
        let maps: ArrayRef = Arc::new(maps.finish());
        let columns = [("n", numbers), ("t", texts), ("l", lists), ("r", records), ("m", maps)];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    }

    #[test]
    fn parts_take_what_the_whole_takes() {
        let rows = rows(50);
        let whole = bytes(&rows);
        // Row 49 alone: a number, a text, a list, a record's text, a map.
        assert_eq!(bytes(&rows.slice(49, 1)), 8 + (49 + 4) + (49 * 8 + 4) + (49 + 4) + (49 * (3 + 4 + 4) + 4));
        for cut in 0..=50 {
            assert_eq!(bytes(&rows.slice(0, cut)) + bytes(&rows.slice(cut, 50 - cut)), whole, "cut at {cut}");
        }
    }

    #[test]
    fn the_first_rows_that_are_enough_are_found() {
        let rows = rows(50).slice(10, 40);
        for wanted in [1, 500, 5_000, 20_000] {
            let found = rows_with(&rows, wanted);
            assert!(bytes(&rows.slice(0, found)) >= wanted, "{wanted}");
            assert!(bytes(&rows.slice(0, found - 1)) < wanted, "{wanted}");
        }
        assert_eq!(rows_with(&rows, usize::MAX), 40);
        assert_eq!(rows_with(&rows.slice(0, 0), 1), 0);
    }
}
