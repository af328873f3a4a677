//! The sample as columns of cells, whatever format it came in.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef};
use serde_json::Value as Json;
use stream::{CsvOptions, JsonOptions};

use crate::topic::Topic;

/// A sample.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub columns: Vec<Column>,
    pub rows: usize,
    /// The rows of a format that knows its types.
    pub typed: Option<RecordBatch>,
    /// The objects of JSON.
    pub objects: Option<Vec<Json>>,
    pub notes: Vec<String>,
    pub csv: CsvOptions,
    pub json: JsonOptions,
    /// The same as lines of the definition, each with its reason.
    pub settings: Vec<(String, String)>,
    /// The topic, where the rows are messages of one.
    pub topic: Option<Topic>,
}

/// A column as the file has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column {
    pub name: String,
    pub cells: Vec<Cell>,
    /// Its type, where the format knows it.
    pub field: Option<FieldRef>,
    /// Bytes of images and the like in a row, on average.
    pub bytes: usize,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// Empty, null or absent.
    Missing,
    /// Text; in CSV everything is.
    Text(String),
    /// A number of JSON or Parquet, as text.
    Number(String),
    Bool(bool),
    /// An object or list of JSON.
    Nested(Json),
}

impl Column {
    pub(crate) fn has_gaps(&self) -> bool {
        self.cells.contains(&Cell::Missing)
    }

    /// The values that are there, as text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.cells.iter().filter_map(|cell| match cell {
            Cell::Text(text) | Cell::Number(text) => Some(text.as_str()),
            Cell::Bool(true) => Some("true"),
            Cell::Bool(false) => Some("false"),
            Cell::Missing | Cell::Nested(_) => None,
        })
    }

    /// Takes out the cells that say that a value is missing.
    pub(crate) fn forget(&mut self, markers: &BTreeSet<String>) {
        for cell in &mut self.cells {
            if matches!(cell, Cell::Text(text) if markers.contains(text.trim())) {
                *cell = Cell::Missing;
            }
        }
    }

    /// How many values are missing.
    pub(crate) fn gaps(&self) -> usize {
        self.cells.iter().filter(|cell| **cell == Cell::Missing).count()
    }

    /// The values that are numbers, in order.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        self.texts().filter_map(float).collect()
    }
}

/// A number as the sources read it.
pub(crate) fn float(text: &str) -> Option<f64> {
    text::float(text.as_bytes())
}

/// A whole number in digits, without leading zeros, which text would have to keep.
pub(crate) fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Whether a text has digits only, so that a float would not hold all of them.
pub(crate) fn is_digits(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a Parquet type is a number.
pub(crate) fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column() -> Column {
        let text = |text: &str| Cell::Text(text.to_owned());
        let cells = vec![
            text("NA"),
            text(" NA "),
            text("x"),
            Cell::Missing,
            Cell::Bool(true),
            Cell::Bool(false),
            Cell::Number("1.5".into()),
        ];
        Column { cells, ..Column::default() }
    }

    #[test]
    fn cells_have_texts_numbers_and_gaps() {
        let column = column();
        assert_eq!(column.texts().collect::<Vec<_>>(), ["NA", " NA ", "x", "true", "false", "1.5"]);
        assert_eq!((column.numbers(), column.gaps(), column.has_gaps()), (vec![1.5], 1, true));
        assert!(!Column { cells: vec![Cell::Bool(true)], ..Column::default() }.has_gaps());
    }

    #[test]
    fn a_marker_is_forgotten_as_a_value_is_missing() {
        let mut column = column();
        column.forget(&BTreeSet::from(["NA".to_owned(), "1.5".to_owned()]));
        assert_eq!(column.texts().collect::<Vec<_>>(), ["x", "true", "false", "1.5"], "a number is not a marker");
        assert_eq!(column.gaps(), 3);
    }

    #[test]
    fn whole_numbers_are_digits_without_leading_zeros() {
        for (text, wanted) in [
            ("0", Some(0)),
            (" -7 ", Some(-7)),
            ("10", Some(10)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("007", None),
            ("-01", None),
            ("1.0", None),
            ("+1", None),
            ("", None),
            ("-", None),
            ("a", None),
        ] {
            assert_eq!(whole(text), wanted, "{text:?}");
        }
        assert!(["0", "007", " -12 ", "99999999999999999999"].into_iter().all(is_digits));
        assert!(!["", "-", " ", "1.5", "1e3", "--1"].into_iter().any(is_digits));
        assert_eq!(
            (float("1e3"), float("x"), is_number(&DataType::Int8), is_number(&DataType::Utf8)),
            (Some(1000.0), None, true, false)
        );
    }
}
