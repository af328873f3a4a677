//! A part of a file to guess a definition from, read as the sources read the whole.

mod typed;

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use arrow::array::RecordBatch;
use stream::FileFormat;

use crate::{
    SourceError,
    files::{
        InputFile,
        input::{self, Encoding, Packing},
        paths,
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
        _ => typed::rows(&file, &mut notes)?,
    };
    if file.packing != Packing::None {
        notes.push(format!("the file is compressed with {}, and is read so", file.packing.name()));
    }
    if file.encoding != Encoding::Utf8 {
        notes.push("the file is in UTF-16, as its first bytes say, and is read so".to_owned());
    }
    Ok(Sample { format: file.format, content, complete, notes })
}

/// Where the middle and the last part of something begin, which is `total` long and of which `looked_at` is the first part:
/// no two parts have anything in common.
fn elsewhere(total: u64, looked_at: u64, part: u64) -> impl Iterator<Item = u64> {
    let middle = (total / 2).max(looked_at);
    let last = total.saturating_sub(part).max(middle + part);
    [middle, last].into_iter().filter(move |place| *place < total)
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
    for place in elsewhere(file.bytes, bytes.len() as u64, ELSEWHERE_BYTES as u64) {
        let mut part = Vec::new();
        on_disk.seek(SeekFrom::Start(place)).map_err(fail)?;
        let length = (&mut on_disk).take(ELSEWHERE_BYTES as u64).read_to_end(&mut part).map_err(fail)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_is_looked_at_twice() {
        let places = |total, looked_at| elsewhere(total, looked_at, 10).collect::<Vec<_>>();
        assert_eq!(places(1_000, 80), [500, 990]);
        assert_eq!(places(101, 80), [80, 91]);
        assert_eq!(places(90, 80), [80]);
        assert_eq!(places(80, 80), [0; 0]);
    }
}
