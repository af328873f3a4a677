//! A binary table: its columns, and where its rows lie.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use crate::{FitsError, Header, column::Column};

/// Columns that the standard allows.
const COLUMNS_MAX: usize = 999;

/// Bytes of a row at most, so that a batch of one stays small.
const ROW_BYTES_MAX: usize = 64 << 20;

/// A binary table, without its rows.
#[derive(Debug, Clone)]
pub struct Table {
    name: String,
    pub(crate) columns: Vec<Column>,
    schema: SchemaRef,
    row_bytes: usize,
    rows: u64,
    pub(crate) heap: (u64, u64),
}

impl Table {
    /// The table that a header describes; `None` where it describes something else.
    ///
    /// # Errors
    /// Where the description contradicts itself, or the table is stored in compressed form.
    pub fn read(header: &Header) -> Result<Option<Self>, FitsError> {
        if !matches!(header.text("XTENSION"), Some("BINTABLE" | "A3DTABLE" | "3DTABLE")) || header.is_set("ZIMAGE") {
            return Ok(None);
        }
        let name = header.text("EXTNAME").unwrap_or("unnamed").to_owned();
        if header.is_set("ZTABLE") {
            return Err(FitsError::Form(format!(
                "its table `{name}` is compressed by tiles; uncompress it with `funpack`"
            )));
        }
        let damaged = |reason: String| FitsError::Header(format!("of table `{name}`: {reason}"));
        let size = |keyword: &str| {
            let value = header.integer(keyword).and_then(|value| u64::try_from(value).ok());
            value.ok_or_else(|| damaged(format!("{keyword} is missing or is not a size")))
        };
        let (row_bytes, rows, fields) = (size("NAXIS1")?, size("NAXIS2")?, size("TFIELDS")?);
        if header.integer("BITPIX") != Some(8) || header.integer("NAXIS") != Some(2) {
            return Err(damaged("it is not made of rows of bytes".to_owned()));
        }
        let bounded = usize::try_from(row_bytes).ok().filter(|bytes| *bytes <= ROW_BYTES_MAX);
        let row_bytes = bounded
            .ok_or_else(|| damaged(format!("a row has {row_bytes} bytes, and at most {ROW_BYTES_MAX} are read")))?;
        let count = usize::try_from(fields).ok().filter(|count| *count <= COLUMNS_MAX);
        let count =
            count.ok_or_else(|| damaged(format!("it has {fields} columns, and at most {COLUMNS_MAX} are allowed")))?;
        let data = header.data_bytes()?;
        let (mut columns, mut start) = (Vec::with_capacity(count), 0);
        for n in 1..=count {
            let Some(column) = Column::read(header, n, start)? else { continue };
            start = start.saturating_add(column.width);
            columns.push(column);
        }
        if start != row_bytes {
            return Err(damaged(format!("its columns take {start} bytes of a row, and a row has {row_bytes}")));
        }
        let rows_bytes = rows * row_bytes as u64;
        let begin = header.integer("THEAP").and_then(|begin| u64::try_from(begin).ok()).unwrap_or(rows_bytes);
        let heap = (begin, data.saturating_sub(begin));
        let schema = Arc::new(Schema::new(columns.iter().map(|column| column.field.clone()).collect::<Vec<_>>()));
        Ok(Some(Self { name, columns, schema, row_bytes, rows, heap }))
    }

    /// Its name, `EXTNAME`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its columns; those without elements are left out. A column of times that counts from a day of its own says so in its
    /// metadata, as `fits.mjdref` (days), `fits.unit` and `fits.timesys`.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether one of `columns` has arrays of variable length, which lie behind the rows.
    pub fn needs_heap(&self, columns: &[usize]) -> bool {
        columns.iter().any(|column| self.columns[*column].is_variable())
    }
}
