//! Kinds of files that are not read, recognised by their content, and the line that makes something readable of each.

use std::path::Path;

use memchr::memmem;

/// Bytes in which a word that names a kind may stand.
const WORD_BYTES: usize = 4_096;

/// Messages of Protobuf that must follow one another.
const MESSAGES_MIN: usize = 2;

/// Fields of a message whose numbers are larger are not taken for any.
const FIELD_MAX: u64 = 4_096;

/// What a file is, and what helps; `None` where it is none of these kinds.
pub(super) fn kind(path: &Path, head: &[u8]) -> Option<(&'static str, String)> {
    let contains = |word: &[u8]| memmem::find(&head[..head.len().min(WORD_BYTES)], word).is_some();
    let unpack = |command: &str| format!("unpack it: `{command} '{}'`", path.display());
    let python = |code: &str, ending: &str| python(path, code, ending);
    Some(match head {
        [b'P', b'K', 3, 4, ..] if contains(b"[Content_Types].xml") || contains(b"xl/") => {
            ("a spreadsheet (.xlsx)", python("import pandas; pandas.read_excel(FILE).to_csv(NEW, index=False)", "csv"))
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] => ("a zip archive", unpack("unzip")),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            ("a spreadsheet (.xls)", python("import pandas; pandas.read_excel(FILE).to_csv(NEW, index=False)", "csv"))
        }
        [0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n', ..] => (
            "an HDF5 file",
            python("import h5py, pandas; pandas.DataFrame(h5py.File(FILE)[\"TABLE\"][:]).to_parquet(NEW)", "parquet")
                + ", TABLE being the name of a table in it",
        ),
        [b'r', b'o', b'o', b't', 0, ..] => (
            "a ROOT file",
            python("import uproot; uproot.open(FILE)[\"TREE\"].arrays(library=\"pd\").to_parquet(NEW)", "parquet")
                + ", TREE being the name of a tree in it",
        ),
        [b'F', b'E', b'A', b'1', ..] => (
            "a Feather file of version 1",
            python("import pandas; pandas.read_feather(FILE).to_parquet(NEW)", "parquet"),
        ),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => (
            "an array of NumPy",
            python("import numpy, pandas; pandas.DataFrame(numpy.load(FILE)).to_parquet(NEW)", "parquet"),
        ),
        [b'7', b'z', 0xbc, 0xaf, ..] => ("a 7z archive", unpack("7z x")),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            ("text in UTF-32", format!("convert it: `iconv -f UTF-32 -t UTF-8 '{}' > NEW`", path.display()))
        }
        _ if trimmed(head).starts_with(b"<") && contains(b"<VOTABLE") => (
            "a VOTable",
            python("from astropy.table import Table; Table.read(FILE, format=\"votable\").write(NEW)", "csv"),
        ),
        _ if is_protobuf(head) => (
            "a file of Protobuf messages",
            python(
                "import events_pb2; from google.protobuf import json_format, proto; file = open(FILE, \"rb\"); \
                 read = lambda: proto.parse_length_prefixed(events_pb2.Event, file); \
                 open(NEW, \"w\").writelines(json_format.MessageToJson(event, indent=None) + \"\\n\" for event in iter(read, None))",
                "jsonl",
            ) + ", events_pb2.Event being what protoc makes of the messages' definition",
        ),
        _ => return None,
    })
}

/// The line of Python for a file: `FILE` and `NEW` in the code are its name and that of what is written.
pub(super) fn python(path: &Path, code: &str, ending: &str) -> String {
    let quoted = |path: &Path| format!("{:?}", path.display().to_string()).replace('\'', "'\\''");
    let code = code.replace("FILE", &quoted(path)).replace("NEW", &quoted(&path.with_extension(ending)));
    format!("convert it: `python3 -c '{code}'`")
}

/// Bytes without a mark of UTF-8 and blanks before them.
pub(super) fn trimmed(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start()
}

/// Whether bytes are messages of Protobuf, each behind its length, as `writeDelimitedTo` and its like write them. What is text
/// is not taken for any.
fn is_protobuf(head: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' && !byte.is_ascii_whitespace();
    if !head.iter().take(WORD_BYTES).any(is_control) {
        return false;
    }
    let (mut rest, mut messages) = (head, 0);
    while let Some((length, behind)) = varint(rest) {
        let Some(message) = usize::try_from(length).ok().and_then(|length| behind.get(..length)) else { break };
        if message.is_empty() || !is_message(message) {
            return false;
        }
        (rest, messages) = (&behind[message.len()..], messages + 1);
    }
    messages >= MESSAGES_MIN
}

/// Whether bytes are fields to their end.
fn is_message(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let Some((tag, rest)) = varint(bytes) else { return false };
        if tag >> 3 == 0 || tag >> 3 > FIELD_MAX {
            return false;
        }
        let rest = match tag & 7 {
            0 => varint(rest).map(|(_, rest)| rest),
            1 => rest.get(8..),
            2 => varint(rest).and_then(|(length, rest)| rest.get(usize::try_from(length).ok()?..)),
            5 => rest.get(4..),
            _ => None,
        };
        let Some(rest) = rest else { return false };
        bytes = rest;
    }
    true
}

/// A number of variable length, and what is behind it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let number = bytes[..length].iter().rev().fold(0_u64, |number, byte| number << 7 | u64::from(byte & 0x7f));
    Some((number, &bytes[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_known_by_its_content() {
        let found = |head: &[u8]| kind(Path::new("x.csv"), head).map(|(what, _)| what);
        for (head, what) in [
            (b"PK\x03\x04\x14\0\x06\0[Content_Types].xml".as_slice(), "a spreadsheet (.xlsx)"),
            (b"PK\x03\x04\x14\0\0\0\x08\0a.csv", "a zip archive"),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
            (b"root\0\0", "a ROOT file"),
            (b"<?xml version='1.0'?>\n<VOTABLE version=\"1.4\">", "a VOTable"),
            (b"\x04\x08\x07\x10\x01\x05\x0a\x03abc\x02\x08\x05", "a file of Protobuf messages"),
        ] {
            assert_eq!(found(head), Some(what));
        }
        for head in [b"id,x\n1,2\n".as_slice(), b"", b"\x01\x02\x03", b"\x04\x08\x07\x10\x01", b"\x00\x00\x00"] {
            assert_eq!(found(head), None, "{head:?}");
        }
    }

    #[test]
    fn the_line_names_the_file() {
        let (_, help) = kind(Path::new("it's.vot"), b"<VOTABLE>").unwrap();
        assert!(help.contains("Table.read(\"it'\\''s.vot\"") && help.contains(".write(\"it'\\''s.csv\")'`"), "{help}");
    }
}
