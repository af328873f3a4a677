//! What comes in and what goes out.

use arrow::array::RecordBatch;
use stream::FileFormat;

/// Rows of a sample that are looked at: as many as the file source looks at for the types of derived columns.
pub const ROWS_MAX: usize = 10_000;

/// Rows that come from the beginning of a text with more; the others are spread over the rest of it.
const FIRST_ROWS: usize = 8_000;

/// Which rows of a text are looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    stride: usize,
}

impl Spread {
    /// Over a text that has so many rows at most.
    pub(crate) fn over(rows: usize) -> Self {
        let stride = rows.saturating_sub(FIRST_ROWS).div_ceil(ROWS_MAX - FIRST_ROWS).max(1);
        Self { stride }
    }

    pub(crate) fn takes(self, row: usize) -> bool {
        row.saturating_sub(FIRST_ROWS).is_multiple_of(self.stride)
    }

    /// What is to be said of rows that are not looked at.
    pub(crate) fn note(self, rows: usize) -> Option<String> {
        let all = (self.stride > 1).then_some(rows)?;
        let seen = (0..all).filter(|row| self.takes(*row)).count();
        Some(format!("{seen} rows were looked at, of {all} in that part of the file"))
    }
}

/// The beginning of a file.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The stream's name: lower-case letters, digits and hyphens.
    pub name: String,
    /// The file as the definition shall name it, relative to the definition.
    pub path: String,
    /// How the definition names the schema, relative to the definition.
    pub schema_path: String,
    /// What the file is.
    pub format: FileFormat,
    /// What was read of it.
    pub content: Content,
    /// Whether that is the whole file; otherwise a last, perhaps unfinished record is ignored.
    pub complete: bool,
    /// Whether rows are numbered where no column has a time that can be read; otherwise that is an error.
    pub no_time: bool,
    /// What a person should know of how it was read.
    pub notes: Vec<String>,
}

/// What was read of a file, unpacked.
#[derive(Debug, Clone)]
pub enum Content {
    /// Text of CSV or JSON, in UTF-8.
    Text(Vec<u8>),
    /// Rows of a file that knows its types, as Parquet does.
    Rows(RecordBatch),
}

/// A definition that has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The Avro schema of the raw events, as JSON.
    pub avro_schema: String,
    /// The definition in YAML, each guess with its reason in a comment.
    pub definition: String,
    /// The roles and features in short, each with its reason.
    pub guesses: Vec<String>,
    /// The format, where the file's name does not tell it.
    pub format: Option<&'static str>,
    /// What a person should know before running it.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_from_the_whole_text_and_not_too_many() {
        for rows in [1, ROWS_MAX, ROWS_MAX + 1, 12_345, 250_000] {
            let spread = Spread::over(rows);
            let taken: Vec<usize> = (0..rows).filter(|row| spread.takes(*row)).collect();
            assert!(taken.len() <= ROWS_MAX && taken.len() >= rows.min(FIRST_ROWS), "{} of {rows}", taken.len());
            assert!(rows - taken.last().unwrap() <= rows.div_ceil(1_000), "{rows}");
            assert_eq!(spread.note(rows).is_some(), rows > ROWS_MAX);
        }
    }

    #[test]
    fn every_so_many_rows_one_is_taken_behind_the_first() {
        let spread = Spread::over(14_000);
        let taken: Vec<usize> = (7_998..8_010).filter(|row| spread.takes(*row)).collect();
        assert_eq!(taken, [7_998, 7_999, 8_000, 8_003, 8_006, 8_009]);
        assert_eq!(spread.note(14_000).unwrap(), "10000 rows were looked at, of 14000 in that part of the file");
        assert_eq!(Spread::over(10_000).note(10_000), None);
    }
}
