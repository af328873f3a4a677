//! A part of a file to guess a definition from, read as the sources read the whole.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use arrow::{array::RecordBatch, compute};
use codec::Rows;
use stream::FileFormat;

use crate::{
    SourceError,
    files::{
        InputFile,
        arrow_ipc::{self, Batches},
        avro_container, damaged,
        guarded::{Guarded, no_panic},
        input::{self, Encoding, Packing},
        parquet, paths,
    },
};

/// Bytes of text that are looked at, unpacked.
pub const SAMPLE_BYTES_MAX: usize = 8 << 20;

/// Bytes of them that come from the middle of a larger file, and as many from its end.
const ELSEWHERE_BYTES: usize = 1 << 20;

/// Rows of other formats that are looked at.
pub const SAMPLE_ROWS_MAX: usize = 10_000;

/// What was read of a file.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What the file is.
    pub format: FileFormat,
    /// Its text or rows.
    pub content: Content,
    /// Whether that is the whole file; otherwise a last record may be cut.
    pub complete: bool,
    /// What a person should know of how it was read.
    pub notes: Vec<String>,
}

/// What was read of a file, unpacked.
#[derive(Debug, Clone)]
pub enum Content {
    /// Text of CSV or JSON, in UTF-8.
    Text(Vec<u8>),
    /// Rows of a format that knows its types.
    Rows(RecordBatch),
}

/// Reads a part of a file. What `named` does not say, its content and name tell.
///
/// # Errors
/// Where it cannot be read, or is of a kind that is not; the message says what helps.
pub fn sample(path: &Path, named: Option<FileFormat>) -> Result<Sample, SourceError> {
    // What nothing tells is CSV, which the definition then says.
    let file = paths::input_file(path.to_owned(), named).or_else(|error| match named {
        None => paths::input_file(path.to_owned(), Some(FileFormat::Csv)).map_err(|_| error),
        Some(_) => Err(error),
    })?;
    let mut notes = Vec::new();
    let (content, complete) = match file.format {
        FileFormat::Csv | FileFormat::Jsonl | FileFormat::Json => {
            let (bytes, complete) = text(&file, &mut notes)?;
            (Content::Text(bytes), complete)
        }
        FileFormat::Parquet => rows(&file, parquet_rows(&file)?, &mut notes)?,
        FileFormat::Arrow => {
            let (_, batches, _) = arrow_ipc::open(&file, None, 0)?;
            rows(&file, batches, &mut notes)?
        }
        FileFormat::Avro => avro_rows(&file, &mut notes)?,
    };
    if file.packing != Packing::None {
        notes.push(format!("the file is compressed with {}, and is read so", file.packing.name()));
    }
    if file.encoding != Encoding::Utf8 {
        notes.push("the file is in UTF-16, as its first bytes say, and is read so".to_owned());
    }
    Ok(Sample { format: file.format, content, complete, notes })
}

fn text(file: &InputFile, notes: &mut Vec<String>) -> Result<(Vec<u8>, bool), SourceError> {
    let fail = |error| SourceError::io("read", &file.path, error);
    let mut bytes = Vec::new();
    let opened = input::open(file, 0)?;
    let read = opened.bytes.take(SAMPLE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    if let Err(error) = read
        && bytes.is_empty()
    {
        return Err(input::failure(file, 0, error));
    }
    if bytes.len() <= SAMPLE_BYTES_MAX {
        return Ok((bytes, true));
    }
    let seekable = file.packing == Packing::None && file.encoding == Encoding::Utf8;
    let by_line = file.format == FileFormat::Jsonl || file.format == FileFormat::Csv && !bytes.contains(&b'"');
    if !seekable || !by_line {
        bytes.truncate(SAMPLE_BYTES_MAX);
        notes.push(format!("only the first {} MiB of the file were looked at", SAMPLE_BYTES_MAX >> 20));
        return Ok((bytes, false));
    }
    bytes.truncate(SAMPLE_BYTES_MAX - 2 * ELSEWHERE_BYTES);
    bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1));
    let mut on_disk = File::open(&file.path).map_err(fail)?;
    for place in [file.bytes / 2, file.bytes - ELSEWHERE_BYTES as u64] {
        let mut part = vec![0; ELSEWHERE_BYTES];
        on_disk.seek(SeekFrom::Start(place)).map_err(fail)?;
        let length = on_disk.read(&mut part).map_err(fail)?;
        part.truncate(length);
        let begin = part.iter().position(|byte| *byte == b'\n').map_or(length, |end| end + 1);
        let end = part.iter().rposition(|byte| *byte == b'\n').map_or(begin, |end| (end + 1).max(begin));
        bytes.extend_from_slice(&part[begin..end]);
    }
    notes.push(format!(
        "only {} MiB of the file were looked at, from its beginning, its middle and its end",
        SAMPLE_BYTES_MAX >> 20
    ));
    Ok((bytes, true))
}

fn parquet_rows(file: &InputFile) -> Result<Batches, SourceError> {
    let reader = no_panic(|| parquet::builder(file).map(|builder| builder.with_limit(SAMPLE_ROWS_MAX + 1).build()));
    let reader = reader.map_err(|error| damaged(&file.path, "", &error))??;
    Ok(Box::new(Guarded(reader.map_err(|error| damaged(&file.path, "", &error))?)))
}

/// The first rows of some batches.
fn rows(file: &InputFile, batches: Batches, notes: &mut Vec<String>) -> Result<(Content, bool), SourceError> {
    let (mut kept, mut count) = (Vec::new(), 0);
    for batch in batches {
        let batch = batch.map_err(|error| damaged(&file.path, "in its first rows", &error))?;
        count += batch.num_rows();
        kept.push(batch);
        if count > SAMPLE_ROWS_MAX {
            break;
        }
    }
    let Some(first) = kept.first() else {
        return Err(SourceError::input(format!("{} has no rows; give a file with some", file.name())));
    };
    let all = compute::concat_batches(&first.schema(), &kept)?;
    let complete = count <= SAMPLE_ROWS_MAX;
    if !complete {
        notes.push(format!("only the first {SAMPLE_ROWS_MAX} rows of the file were looked at"));
    }
    Ok((Content::Rows(all.slice(0, count.min(SAMPLE_ROWS_MAX))), complete))
}

/// The first rows of a container, in the columns that it names itself.
fn avro_rows(file: &InputFile, notes: &mut Vec<String>) -> Result<(Content, bool), SourceError> {
    let mut reader = avro_container::Container::open(file, 0)?;
    let schema = reader.schema().clone();
    if !schema.left_out().is_empty() {
        notes.push(format!("these fields are left out, which no column can hold: {}", schema.left_out().join(", ")));
    }
    let unreadable = |error: codec::CodecError| SourceError::input(format!("{}: {error}", file.name()));
    let mut decoder = codec::RowDecoder::new(&schema, schema.arrow()).map_err(unreadable)?;
    let (mut batches, mut count, mut complete) = (Vec::new(), 0, true);
    while let Some(block) = reader.next(&decoder).map_err(|reason| damaged(&file.path, "in its first rows", &reason))? {
        let rows = usize::try_from(block.rows).unwrap_or(usize::MAX).min(SAMPLE_ROWS_MAX - count);
        let decoded = decoder.decode(&[Rows { bytes: &block.bytes, count: rows }]).map_err(unreadable)?;
        count += decoded.rows.num_rows();
        // The metadata say what the columns are in Avro.
        batches.push(RecordBatch::try_new(schema.arrow().clone(), decoded.rows.columns().to_vec())?);
        if count >= SAMPLE_ROWS_MAX || decoded.failure.is_some() {
            complete = false;
            break;
        }
    }
    if count == 0 {
        return Err(SourceError::input(format!("{} has no rows; give a file with some", file.name())));
    }
    if !complete {
        notes.push(format!("only the first {count} rows of the file were looked at"));
    }
    Ok((Content::Rows(compute::concat_batches(schema.arrow(), &batches)?), complete))
}
