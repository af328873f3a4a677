//! Messages that are one line of CSV each.

use arrow::datatypes::Schema;
use stream::{CsvOptions, Messages};

use crate::{
    SourceError,
    csv_rows::{self, CsvRows},
    json_rows::Decoded,
    records::record_end,
};

/// Reads lines without a header: the definition names the columns.
pub(super) struct Lines {
    rows: CsvRows,
    dialect: text::Dialect,
}

impl Lines {
    pub(super) fn new(plan: &Messages, options: &CsvOptions) -> Result<Self, SourceError> {
        let dialect = csv_rows::dialect(options);
        let separator = char::from(dialect.separator).to_string();
        let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
        let header = plan.columns.iter().map(quoted).collect::<Vec<_>>().join(&separator);
        let schema: &Schema = &plan.read;
        // What must be there, the definition's check has seen to.
        let required = vec![false; schema.fields().len()];
        let rows = CsvRows::new("a message", header.as_bytes(), plan.read.clone(), &required, options)?;
        Ok(Self { rows, dialect })
    }

    pub(super) fn decode(&mut self, values: &[&[u8]]) -> Result<Decoded, SourceError> {
        let (mut indexes, mut rejected) = (Vec::with_capacity(values.len()), Vec::new());
        for (index, value) in values.iter().enumerate() {
            let line = value.strip_suffix(b"\n").unwrap_or(value);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let pushed = match record_end(line, self.dialect) {
                Some(_) => Err("several lines, and a message is one".to_owned()),
                None if line.is_empty() => Err("an empty line".to_owned()),
                None => self.rows.push(line),
            };
            match pushed {
                Ok(()) => indexes.push(index as u64),
                Err(reason) => rejected.push((index as u64, reason)),
            }
        }
        Ok(Decoded { rows: self.rows.finish()?, indexes, rejected })
    }
}
