//! Answers as text, Parquet or ORC, streamed to wherever they should go.

use std::{
    error::Error,
    io::{self, Write},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
    error::ArrowError,
    json::writer::{LineDelimited, WriterBuilder},
    util::{
        display::{ArrayFormatter, FormatOptions},
        pretty::pretty_format_batches,
    },
};
use parquet::arrow::ArrowWriter;

use crate::{
    StoreError,
    error::{sentence, system_error},
    query::Answer,
    writer::{CsvFile, inherited_properties},
};

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// A table for people.
    Table,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Json,
    /// Apache Parquet, which is for files and pipes and not for terminals.
    Parquet,
    /// Apache ORC, for the same.
    Orc,
}

/// How much of an answer a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLimits {
    /// Rows.
    pub rows: usize,
    /// Letters of a value.
    pub letters: usize,
}

impl TableLimits {
    /// What fits a terminal.
    pub const TERMINAL: TableLimits = TableLimits { rows: 40, letters: 48 };
    /// For a file or a pipe. A table is laid out in memory, so there is an end to it; the other formats have none.
    pub const FILE: TableLimits = TableLimits { rows: 10_000, letters: 4096 };
}

/// What was printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// Rows that were printed.
    pub rows: u64,
    /// What a person should know of what was not.
    pub note: Option<String>,
}

/// Prints an answer as it is found.
///
/// # Errors
/// `Output` where `out` cannot be written (a closed pipe is `BrokenPipe`), or what the query fails with.
pub async fn print(
    mut answer: Answer,
    format: OutputFormat,
    limits: TableLimits,
    out: &mut (dyn Write + Send),
) -> Result<Printed, StoreError> {
    let mut printed = match format {
        OutputFormat::Table => print_table(&mut answer, limits, out).await?,
        OutputFormat::Csv => print_csv(&mut answer, out).await?,
        OutputFormat::Json => print_json(&mut answer, out).await?,
        OutputFormat::Parquet => print_parquet(&mut answer, out).await?,
        OutputFormat::Orc => print_orc(&mut answer, out).await?,
    };
    out.flush().map_err(StoreError::Output)?;
    if answer.truncated() {
        printed.note = Some(format!("only the first {} rows are given, which is the limit", printed.rows));
    }
    Ok(printed)
}

async fn print_table(
    answer: &mut Answer,
    limits: TableLimits,
    out: &mut (dyn Write + Send),
) -> Result<Printed, StoreError> {
    let fields: Vec<Field> =
        answer.schema().fields().iter().map(|field| Field::new(field.name(), DataType::Utf8, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut shown = Vec::new();
    let mut left = limits.rows;
    let mut more = false;
    while let Some(rows) = answer.next().await? {
        more = rows.num_rows() > left;
        let rows = rows.slice(0, rows.num_rows().min(left));
        left -= rows.num_rows();
        let columns = rows.columns().iter().map(|column| texts(column, limits.letters)).collect::<Result<Vec<_>, _>>();
        let texts = columns.and_then(|columns| RecordBatch::try_new(schema.clone(), columns));
        shown.push(texts.map_err(|error| failed(&error))?);
        if more {
            break;
        }
    }
    if shown.is_empty() {
        shown.push(RecordBatch::new_empty(schema));
    }
    let rows = limits.rows - left;
    let table = pretty_format_batches(&shown).map_err(|error| failed(&error))?;
    writeln!(out, "{table}").map_err(StoreError::Output)?;
    let note = more.then(|| format!("the first {rows} rows; there are more (LIMIT, or another format, shows others)"));
    Ok(Printed { rows: rows as u64, note })
}

/// Values as text, cut after so many letters.
fn texts(column: &ArrayRef, letters: usize) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let text = |row: usize| -> Option<String> {
        column.is_valid(row).then(|| {
            let text = formatter.value(row).to_string();
            // A line break or a control code in a value would tear the table.
            let mut text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
            if let Some((cut, _)) = text.char_indices().nth(letters) {
                text.truncate(cut);
                text.push('…');
            }
            text
        })
    };
    Ok(Arc::new((0..column.len()).map(text).collect::<StringArray>()))
}

async fn print_csv(answer: &mut Answer, out: &mut (dyn Write + Send)) -> Result<Printed, StoreError> {
    let schema = answer.schema();
    let mut csv = CsvFile::new(out, &schema);
    let mut count = 0;
    while let Some(rows) = answer.next().await? {
        csv.write_rows(&rows).map_err(|error| failed(&error))?;
        count += rows.num_rows() as u64;
    }
    if count == 0 {
        csv.write_rows(&RecordBatch::new_empty(schema)).map_err(|error| failed(&error))?;
    }
    Ok(Printed { rows: count, note: None })
}

async fn print_json(answer: &mut Answer, out: &mut (dyn Write + Send)) -> Result<Printed, StoreError> {
    let mut json = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(out);
    let mut count = 0;
    while let Some(rows) = answer.next().await? {
        json.write(&rows).map_err(|error| failed(&error))?;
        count += rows.num_rows() as u64;
    }
    json.finish().map_err(|error| failed(&error))?;
    Ok(Printed { rows: count, note: None })
}

async fn print_parquet(answer: &mut Answer, out: &mut (dyn Write + Send)) -> Result<Printed, StoreError> {
    let schema = answer.schema();
    let properties = inherited_properties(&schema, None).map_err(|error| failed(error.as_ref()))?;
    let mut writer = ArrowWriter::try_new(out, schema, Some(properties)).map_err(|error| failed(&error))?;
    let mut count = 0;
    while let Some(rows) = answer.next().await? {
        writer.write(&rows).map_err(|error| failed(&error))?;
        count += rows.num_rows() as u64;
    }
    writer.close().map_err(|error| failed(&error))?;
    Ok(Printed { rows: count, note: None })
}

async fn print_orc(answer: &mut Answer, out: &mut (dyn Write + Send)) -> Result<Printed, StoreError> {
    let layout = orc::Layout::new(&answer.schema(), &[]);
    let layout = layout.map_err(|error| StoreError::Query { message: error.to_string(), suggestion: None })?;
    let mut writer = orc::Writer::new(out, layout).map_err(|error| failed(&error))?;
    let mut count = 0;
    while let Some(rows) = answer.next().await? {
        writer.write(&rows).map_err(|error| failed(&error))?;
        count += rows.num_rows() as u64;
    }
    writer.finish().map_err(|error| failed(&error))?;
    Ok(Printed { rows: count, note: None })
}

fn failed(error: &(dyn Error + 'static)) -> StoreError {
    StoreError::Output(system_error(error).unwrap_or_else(|| io::Error::other(sentence(error))))
}
