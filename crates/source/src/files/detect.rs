//! What a file is, by its content first and then by its name; and what helps with one that is not read.

use std::path::Path;

use stream::FileFormat;
use text::{Piece, next_value};

use super::unread::{self, trimmed};
use crate::SourceError;

/// Bytes of a file that are looked at.
pub(crate) const HEAD_BYTES: usize = 64 << 10;

/// Bytes at the beginning of an ORC file, of which some are none of a text.
const ORC_BYTES: usize = 64;

/// Lines of JSON that are looked at.
const LINES: usize = 64;

/// The format of a file whose unpacked bytes begin with `head`. `named` is what the definition says.
///
/// # Errors
/// Where it is of a kind that is not read, with what makes something readable of it; or where nothing tells what it is.
pub(crate) fn format(path: &Path, head: &[u8], named: Option<FileFormat>) -> Result<FileFormat, SourceError> {
    if let Some((what, help)) = unread::kind(path, head) {
        return Err(SourceError::input(format!("{} is {what}, which is not read; {help}", path.display())));
    }
    let by_content = match head {
        [b'P', b'A', b'R', b'1', ..] => Some(FileFormat::Parquet),
        [b'O', b'R', b'C', ..] if head.iter().take(ORC_BYTES).any(|byte| *byte < b'\t') => Some(FileFormat::Orc),
        [b'O', b'b', b'j', 1, ..] => Some(FileFormat::Avro),
        _ if head.starts_with(b"SIMPLE  =") => Some(FileFormat::Fits),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xff, 0xff, 0xff, 0xff, _, _, 0, 0, ..] => Some(FileFormat::Arrow),
        _ => None,
    };
    if let Some(format) = named.or(by_content) {
        return Ok(format);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let plain = [".gz", ".zst", ".bz2", ".xz"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    let looks_like_json = matches!(trimmed(head).first(), Some(b'{' | b'['));
    match plain.rsplit('.').next() {
        Some("csv" | "tsv" | "tab") => Ok(FileFormat::Csv),
        Some("jsonl" | "ndjson" | "json") => Ok(json(head)),
        Some("parquet") => Ok(FileFormat::Parquet),
        Some("orc") => Ok(FileFormat::Orc),
        Some("avro") => Ok(FileFormat::Avro),
        Some("arrow" | "feather" | "ipc") => Ok(FileFormat::Arrow),
        Some("fits" | "fit" | "fts") => Ok(FileFormat::Fits),
        _ if looks_like_json => Ok(json(head)),
        _ => Err(SourceError::input(format!(
            "the name of {} does not tell its format; set `format` to csv, jsonl, parquet, orc or avro",
            path.display()
        ))),
    }
}

/// One object a line, or objects in another form.
fn json(head: &[u8]) -> FileFormat {
    let text = trimmed(head);
    // An array, or a text sequence (RFC 7464).
    if matches!(text.first(), Some(b'[' | 0x1e)) {
        return FileFormat::Json;
    }
    let is_whole = |line: &[u8]| {
        let line = line.trim_ascii();
        next_value(line, true) == Piece::Value(0, line.len())
    };
    let lines = text.split(|byte| *byte == b'\n').take(LINES);
    let cut_line = !text.contains(&b'\n') && matches!(next_value(text, false), Piece::Unfinished(_));
    match text.first() != Some(&b'{') || cut_line || lines.into_iter().any(is_whole) {
        true => FileFormat::Jsonl,
        false => FileFormat::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_tells_before_the_name() {
        let found = |name: &str, head: &[u8]| format(Path::new(name), head, None).unwrap();
        assert_eq!(found("a.csv", b"PAR1..."), FileFormat::Parquet);
        assert_eq!(found("a.csv", b"ORC\x0a\x03\0\0..."), FileFormat::Orc);
        assert_eq!(found("a.csv", b"ORCHID,x\n1,2\n"), FileFormat::Csv);
        assert_eq!(found("a", b"Obj\x01..."), FileFormat::Avro);
        assert_eq!(found("a.json", b"{\"a\": 1}\n{\"a\": 2}\n"), FileFormat::Jsonl);
        assert_eq!(found("a.json", b"{\"a\": 1\n{\"a\": 2}\n"), FileFormat::Jsonl);
        assert_eq!(found("a.json", b"\xef\xbb\xbf [{\"a\": 1}"), FileFormat::Json);
        assert_eq!(found("a.jsonl", b"{\n  \"a\": 1\n}\n{\n"), FileFormat::Json);
        assert_eq!(found("a.txt", b"{\"a\": 1}{\"a\": 2}"), FileFormat::Json);
        assert_eq!(found("a.json", b"{\"a\": \"a long line"), FileFormat::Jsonl);
        assert_eq!(found("a.json", b"\x1e{\"a\": 1}\n\x1e{\"a\": 2}\n"), FileFormat::Json);
        assert_eq!(found("a.tsv.zst", b"a\tb\n"), FileFormat::Csv);
        assert_eq!(format(Path::new("a.csv"), b"PAR1", Some(FileFormat::Csv)).unwrap(), FileFormat::Csv);
        assert!(format(Path::new("a"), b"x", None).is_err());
    }
}
