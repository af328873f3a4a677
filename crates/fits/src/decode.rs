//! Rows to columns.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, ListArray, RecordBatch, RecordBatchOptions, StringArray},
    buffer::{NullBuffer, OffsetBuffer},
    datatypes::{DataType, Schema},
};

use crate::{
    FitsError, Table,
    column::{Column, Count, Element},
    values::{text, values},
};

/// Bytes that the arrays of variable length of a batch may have in a column.
const ARRAYS_BYTES_MAX: u64 = 256 << 20;

/// What lies behind the rows of a table.
pub trait Heap {
    /// Appends `bytes` bytes from `offset` of the table's data on.
    ///
    /// # Errors
    /// Where they cannot be read; the text says why.
    fn read(&mut self, offset: u64, bytes: usize, into: &mut Vec<u8>) -> Result<(), String>;
}

impl Column {
    pub(crate) fn is_variable(&self) -> bool {
        matches!(self.count, Count::Variable { .. })
    }
}

impl Table {
    /// Decodes whole `rows` in the `columns` of these places, in that order.
    ///
    /// # Errors
    /// Where an array of variable length does not lie within the table, or cannot be read.
    pub fn decode(&self, columns: &[usize], rows: &[u8], heap: &mut dyn Heap) -> Result<RecordBatch, FitsError> {
        let count = if self.row_bytes() == 0 { 0 } else { rows.len() / self.row_bytes() };
        let mut arrays = Vec::with_capacity(columns.len());
        for place in columns {
            let column = &self.columns[*place];
            let cells = rows.chunks_exact(self.row_bytes().max(1)).map(|row| &row[column.start..][..column.width]);
            arrays.push(match &column.count {
                Count::Variable { wide } => self.variable(column, cells, *wide, heap)?,
                Count::One => values(column, &stored(column, cells, 1)),
                Count::Fixed(dimensions) => {
                    let all = dimensions.iter().product();
                    fixed(column.field.data_type(), dimensions, values(column, &stored(column, cells, all)))
                }
            });
        }
        let fields: Vec<_> = columns.iter().map(|place| self.columns[*place].field.clone()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|error| FitsError::Arrow(error.to_string()))
    }

    fn variable<'a>(
        &self,
        column: &Column,
        cells: impl Iterator<Item = &'a [u8]>,
        wide: bool,
        heap: &mut dyn Heap,
    ) -> Result<ArrayRef, FitsError> {
        let (mut stored, mut lengths, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for cell in cells {
            let (count, offset) = descriptor(cell, wide);
            let bytes = column.element.bytes(count);
            let wrong = |reason: &str| FitsError::Array {
                column: column.name.clone(),
                offset,
                bytes,
                reason: reason.to_owned(),
            };
            if offset.checked_add(bytes).is_none_or(|end| end > self.heap.1) && bytes > 0 {
                return Err(wrong("the heap ends before that"));
            }
            if stored.len() as u64 + bytes > ARRAYS_BYTES_MAX {
                return Err(wrong("the arrays of so many rows do not fit in memory"));
            }
            let begin = stored.len();
            let length = usize::try_from(bytes).map_err(|_| wrong("that is beyond this machine"))?;
            if length > 0 {
                heap.read(self.heap.0 + offset, length, &mut stored).map_err(|reason| wrong(&reason))?;
            }
            match column.element {
                Element::Text(_) => texts.push(text(&stored.split_off(begin))),
                Element::Bit => {
                    let bits = unpacked(&stored.split_off(begin), count as usize);
                    stored.extend(bits);
                }
                _ => {}
            }
            lengths.push(count as usize);
        }
        if matches!(column.element, Element::Text(_)) {
            return Ok(Arc::new(texts.into_iter().collect::<StringArray>()));
        }
        let DataType::List(item) = column.field.data_type() else {
            return Err(FitsError::Arrow("not a list".to_owned()));
        };
        let offsets = OffsetBuffer::from_lengths(lengths);
        let list = ListArray::try_new(item.clone(), offsets, values(column, &stored), None);
        list.map(|list| Arc::new(list) as ArrayRef).map_err(|error| FitsError::Arrow(error.to_string()))
    }
}

/// How many elements an array has, and where in the heap it begins. What is negative is beyond every heap.
fn descriptor(cell: &[u8], wide: bool) -> (u64, u64) {
    let (size, mut parts) = (if wide { 8 } else { 4 }, [0_u64; 2]);
    for (part, bytes) in parts.iter_mut().zip(cell.chunks_exact(size)) {
        *part = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    }
    (parts[0], parts[1])
}

/// The elements of a column of so many a row, one behind the other; bits as a byte each.
fn stored<'a>(column: &Column, cells: impl Iterator<Item = &'a [u8]>, count: usize) -> Vec<u8> {
    match column.element {
        Element::Bit => cells.flat_map(|cell| unpacked(cell, count)).collect(),
        _ => cells.flatten().copied().collect(),
    }
}

/// Bits, the highest of each byte first.
fn unpacked(bytes: &[u8], count: usize) -> Vec<u8> {
    (0..count).map(|bit| bytes[bit / 8] >> (7 - bit % 8) & 1).collect()
}

/// Lists within lists: `dimensions`, the slowest first.
fn fixed(data_type: &DataType, dimensions: &[usize], values: ArrayRef) -> ArrayRef {
    let Some((length, inner)) = dimensions.split_first() else { return values };
    let DataType::List(item) = data_type else { return values };
    let values = fixed(item.data_type(), inner, values);
    let lists = values.len() / (*length).max(1);
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(*length, lists));
    Arc::new(ListArray::new(item.clone(), offsets, values, None::<NullBuffer>))
}

#[cfg(test)]
mod tests;
