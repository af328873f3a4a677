//! Reference tables from the bytes of a file.

use std::io::Cursor;

use arrow::{
    array::RecordBatch,
    compute::concat_batches,
    csv::{ReaderBuilder, reader::Format},
    datatypes::{DataType, Schema, SchemaRef},
    error::ArrowError,
};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::LookupError;

/// Bytes of a table's file. A table is held in memory in every process that looks something up in it.
const TABLE_BYTES_MAX: usize = 256 << 20;

/// Rows of a table.
const TABLE_ROWS_MAX: usize = 4 << 20;

/// A reference table from the bytes of the file `name`: CSV with a header line (`.csv`; types are inferred from all
/// rows, empty means null, lines that begin with `#` are comments) or Parquet (`.parquet`).
///
/// # Errors
/// `Table` where the name has another ending, the bytes cannot be read, two columns have one name, or the table is
/// larger than 256 MiB or 4,194,304 rows.
pub fn read_table(name: &str, bytes: &[u8]) -> Result<RecordBatch, LookupError> {
    let failed = |message: String| LookupError::Table { message: format!("cannot read the table `{name}`: {message}") };
    at_most(bytes.len(), TABLE_BYTES_MAX, "bytes").map_err(|error| failed(sentence(&error)))?;
    let lower = name.to_lowercase();
    let table = if lower.ends_with(".csv") {
        read_csv(bytes)
    } else if lower.ends_with(".parquet") {
        read_parquet(bytes)
    } else {
        return Err(failed("its name must end in .csv or .parquet".to_owned()));
    };
    let table = table.map_err(|error| failed(sentence(&error)))?;
    let mut names: Vec<&String> = table.schema_ref().fields().iter().map(|field| field.name()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(failed(format!("two columns are named `{}`", pair[0]))),
        None => Ok(table),
    }
}

fn read_csv(bytes: &[u8]) -> Result<RecordBatch, ArrowError> {
    // Spreadsheets begin a UTF-8 file with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let format = Format::default().with_header(true).with_comment(b'#');
    let (inferred, rows) = format.infer_schema(Cursor::new(bytes), None)?;
    if inferred.fields().is_empty() {
        return Err(ArrowError::CsvError("there is no header line".to_owned()));
    }
    at_most(rows, TABLE_ROWS_MAX, "rows")?;
    // A column without a value has no type; as text it can be stored and compared.
    let fields = inferred.fields().iter().map(|field| match field.data_type() {
        DataType::Null => field.as_ref().clone().with_data_type(DataType::Utf8),
        _ => field.as_ref().clone(),
    });
    let schema = SchemaRef::new(Schema::new(fields.collect::<Vec<_>>()));
    let reader = ReaderBuilder::new(schema.clone()).with_format(format).build(Cursor::new(bytes))?;
    concat_batches(&schema, &reader.collect::<Result<Vec<_>, _>>()?)
}

fn read_parquet(bytes: &[u8]) -> Result<RecordBatch, ArrowError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(bytes))?;
    let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(usize::MAX);
    at_most(rows, TABLE_ROWS_MAX, "rows")?;
    let schema = builder.schema().clone();
    concat_batches(&schema, &builder.build()?.collect::<Result<Vec<_>, _>>()?)
}

fn at_most(found: usize, most: usize, of_what: &str) -> Result<(), ArrowError> {
    if found <= most {
        return Ok(());
    }
    let message = format!("it has {found} {of_what}; at most {most} are possible");
    Err(ArrowError::InvalidArgumentError(message))
}

fn sentence(error: &ArrowError) -> String {
    match error {
        ArrowError::CsvError(text) | ArrowError::InvalidArgumentError(text) | ArrowError::ParquetError(text) => {
            expr::lower_first(text.trim_end_matches('.'))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::AsArray,
        datatypes::{Float64Type, Int64Type},
    };
    use parquet::arrow::ArrowWriter;

    use super::*;

    const PARTICLES: &str =
        "\u{feff}# masses: PDG 2024\nname,pdg,mass_gev,note\nelectron,11,0.000511,\n# heavy\nmuon,13,0.105658,\n";

    #[test]
    fn csv_has_inferred_types_and_comments() {
        let table = read_table("particles.CSV", PARTICLES.as_bytes()).unwrap();
        assert_eq!(table.num_rows(), 2);
        assert_eq!(table["pdg"].as_primitive::<Int64Type>().values(), &[11, 13]);
        assert_eq!(table["mass_gev"].as_primitive::<Float64Type>().value(1), 0.105658);
        assert_eq!(table["name"].as_string::<i32>().value(0), "electron");
        assert_eq!((table["note"].data_type(), table["note"].null_count()), (&DataType::Utf8, 2));
    }

    #[test]
    fn parquet_comes_back_as_written() {
        let table = read_table("particles.csv", PARTICLES.as_bytes()).unwrap();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, table.schema(), None).unwrap();
        writer.write(&table).unwrap();
        writer.close().unwrap();
        assert_eq!(read_table("particles.parquet", &file).unwrap(), table);
    }

    #[test]
    fn a_table_beyond_a_limit_is_an_error_that_names_it() {
        assert!(at_most(4, 4, "rows").is_ok());
        let error = at_most(5, 4, "rows").unwrap_err();
        assert_eq!(sentence(&error), "it has 5 rows; at most 4 are possible");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let message = |name: &str, bytes: &[u8]| read_table(name, bytes).unwrap_err().to_string();
        assert!(message("a.xlsx", b"").contains(".csv or .parquet"));
        assert!(message("a.csv", b"").contains("no header line"));
        assert!(message("a.csv", b"a,b\n1,2,3\n").contains("a.csv"));
        assert!(message("a.csv", b"a,a\n1,2\n").contains("two columns are named `a`"));
        assert!(message("a.csv", b"a\n\xff\xfe\n").contains("a.csv"));
        assert!(message("a.parquet", b"PAR1 this is none").contains("a.parquet"));
    }
}
