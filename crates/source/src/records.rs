//! Cuts a byte stream into records, without ever holding more than one record's limit.

use std::io::{self, Read};

use text::{Dialect, Piece, Quotes, next_value};

use crate::{RECORD_BYTES_MAX, REJECTED_BYTES_MAX};

/// How often in a row an object that does not end is looked for on the next line that begins with one.
const BROKEN_MAX: usize = 64;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// A line.
    Lines,
    /// A line of CSV, which goes on while a quote is open.
    Csv(Dialect),
    /// An object of JSON: in an array, behind another one, or on several lines.
    Values,
}

impl Cut {
    fn line_end(self) -> u8 {
        match self {
            Self::Csv(dialect) => dialect.line_end,
            Self::Lines | Self::Values => b'\n',
        }
    }
}

/// Bytes read at a time beyond the longest record.
const READ_BYTES: usize = 256 << 10;

/// Reads records. Blank lines are not records.
pub(crate) struct RecordReader {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// What is read and not yet given: `start..end` of the buffer.
    start: usize,
    end: usize,
    /// Where the buffer's first byte stands in the stream.
    base: u64,
    cut: Cut,
    line_end: u8,
    /// Objects in a row that do not end.
    broken: usize,
    /// Bytes of a record at most.
    bytes_max: usize,
    ended: bool,
    failure: Option<io::Error>,
    /// The kept beginning of a record that is too long.
    beginning: Vec<u8>,
}

/// One record; its bytes are valid until the next is asked for.
pub(crate) enum Record<'a> {
    /// A whole one, without the end of its line.
    Whole(&'a [u8]),
    /// A beginning of one that cannot be read, and why.
    Unreadable(&'a [u8], String),
}

/// Where a record is found in the buffer.
enum Found {
    /// It ends before this index, and the next begins after the line's end.
    Line(usize),
    /// It is between these indices, and the next begins behind them.
    Value(usize, usize),
    /// What is between these indices begins an object that does not end.
    Broken(usize, usize),
    /// More must be read first.
    More,
    /// A quote is open beyond the limit or to the end; the record's first line ends here.
    Unclosed(usize),
    TooLong,
    Nothing,
}

impl RecordReader {
    /// Reads from `input`, which stands at `base` of the stream.
    pub(crate) fn new(input: Box<dyn Read + Send>, base: u64, cut: Cut) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            base,
            cut,
            line_end: cut.line_end(),
            broken: 0,
            bytes_max: RECORD_BYTES_MAX,
            ended: false,
            failure: None,
            beginning: Vec::new(),
        }
    }

    /// The same with records of so many bytes at most.
    pub(crate) fn with_bytes_max(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// Where the next record begins in the stream.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Whether another whole record is at hand without reading.
    pub(crate) fn has_record(&self) -> bool {
        if self.cut == Cut::Values {
            return matches!(self.find(), Found::Value(..) | Found::Broken(..));
        }
        memchr::memchr(self.line_end, &self.buffer[self.start..self.end]).is_some()
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// Where the input cannot be read further; every whole record before has been given by then.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            match self.find() {
                Found::More => self.fill(),
                Found::Nothing => {
                    return match self.failure.take() {
                        Some(failure) => {
                            self.failure = Some(io::Error::new(failure.kind(), failure.to_string()));
                            Err(failure)
                        }
                        None => Ok(None),
                    };
                }
                Found::Line(end) => {
                    let start = self.start;
                    self.start = (end + 1).min(self.end);
                    let line = self.buffer[start..end].strip_suffix(b"\r").unwrap_or(&self.buffer[start..end]);
                    if line.trim_ascii().is_empty() {
                        continue;
                    }
                    let length = line.len();
                    if length > self.bytes_max {
                        self.keep_beginning(start);
                        return Ok(Some(Record::Unreadable(&self.beginning, too_long(self.bytes_max))));
                    }
                    return Ok(Some(Record::Whole(&self.buffer[start..start + length])));
                }
                Found::Value(start, end) => {
                    (self.start, self.broken) = (end, 0);
                    return Ok(Some(Record::Whole(&self.buffer[start..end])));
                }
                Found::Broken(start, end) => {
                    (self.start, self.broken) = (end, self.broken + 1);
                    let kept = end.min(start + REJECTED_BYTES_MAX);
                    let reason = "the object is not complete".to_owned();
                    return Ok(Some(Record::Unreadable(&self.buffer[start..kept], reason)));
                }
                Found::Unclosed(end) => {
                    let start = self.start;
                    self.start = (end + 1).min(self.end);
                    let reason = "a quote is opened and not closed".to_owned();
                    return Ok(Some(Record::Unreadable(&self.buffer[start..end], reason)));
                }
                Found::TooLong => {
                    self.skip_line();
                    return Ok(Some(Record::Unreadable(&self.beginning, too_long(self.bytes_max))));
                }
            }
        }
    }

    fn find(&self) -> Found {
        let held = &self.buffer[self.start..self.end];
        if held.is_empty() {
            return if self.ended { Found::Nothing } else { Found::More };
        }
        let within = &held[..held.len().min(self.bytes_max + 2)];
        let dialect = match self.cut {
            Cut::Values => return self.find_value(within),
            Cut::Csv(dialect) => Some(dialect),
            Cut::Lines => None,
        };
        let first = memchr::memchr(self.line_end, within);
        let mut line_end = first;
        if let Some(dialect) = dialect
            && memchr::memchr(b'"', &within[..first.unwrap_or(within.len())]).is_some()
        {
            line_end = record_end(within, dialect);
        }
        match (line_end, first) {
            (Some(end), _) => Found::Line(self.start + end),
            _ if held.len() < self.bytes_max + 2 && !self.ended => Found::More,
            // The piece behind the last line end of a damaged file is half a record at best.
            _ if self.ended && self.failure.is_some() => Found::Nothing,
            (None, Some(first)) => Found::Unclosed(self.start + first),
            (None, None) if held.len() > self.bytes_max + 1 => Found::TooLong,
            (None, None) if dialect.is_some_and(|dialect| is_open(held, dialect)) => Found::Unclosed(self.end),
            (None, None) => Found::Line(self.end),
        }
    }

    /// The next object in what is held.
    fn find_value(&self, within: &[u8]) -> Found {
        let more = within.len() < self.bytes_max + 2 && !self.ended;
        let at = |place: usize| self.start + place;
        match next_value(within, self.ended) {
            Piece::Value(start, end) | Piece::Other(start, end) => Found::Value(at(start), at(end)),
            Piece::Nothing | Piece::Unfinished(_) if more => Found::More,
            // What a damaged file ends with is half an object.
            Piece::Unfinished(_) if self.ended && self.failure.is_some() => Found::Nothing,
            Piece::Nothing if self.ended && within.len() <= self.bytes_max + 1 => Found::Nothing,
            Piece::Nothing => Found::Broken(self.start, at(within.len())),
            Piece::Unfinished(start) => {
                let next = memchr::memmem::find(&within[start..], b"\n{").map(|length| start + length + 1);
                Found::Broken(at(start), at(next.filter(|_| self.broken < BROKEN_MAX).unwrap_or(within.len())))
            }
        }
    }

    /// Keeps the beginning of a record that is too long.
    fn keep_beginning(&mut self, start: usize) {
        self.beginning.clear();
        self.beginning.extend_from_slice(&self.buffer[start..start + REJECTED_BYTES_MAX.min(self.bytes_max)]);
    }

    /// Keeps the record's beginning and goes to the end of its line.
    fn skip_line(&mut self) {
        self.keep_beginning(self.start);
        loop {
            match memchr::memchr(self.line_end, &self.buffer[self.start..self.end]) {
                Some(end) => {
                    self.start += end + 1;
                    return;
                }
                None if self.ended => {
                    self.start = self.end;
                    return;
                }
                None => {
                    self.start = self.end;
                    self.fill();
                }
            }
        }
    }

    /// Reads once, or notes that there is no more.
    fn fill(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < self.end + READ_BYTES {
            self.buffer.resize(self.end + READ_BYTES, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => (self.ended, self.failure) = (true, Some(error)),
            }
            return;
        }
    }
}

/// Index of the line end that is outside quotes.
pub(crate) fn record_end(bytes: &[u8], dialect: Dialect) -> Option<usize> {
    let mut state = Quotes::FieldStart;
    for (index, byte) in bytes.iter().enumerate() {
        if *byte == dialect.line_end && state != Quotes::Open {
            return Some(index);
        }
        state = state.after(*byte, dialect.separator);
    }
    None
}

fn is_open(bytes: &[u8], dialect: Dialect) -> bool {
    let separator = dialect.separator;
    bytes.iter().fold(Quotes::FieldStart, |state, byte| state.after(*byte, separator)) == Quotes::Open
}

/// Why a record is rejected that has more bytes than it may have.
pub(crate) fn too_long(bytes_max: usize) -> String {
    format!("the record is longer than {bytes_max} bytes (`limits.event_bytes`), its beginning is kept")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Trickle(Vec<u8>, usize);

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Ok(count)
        }
    }

    fn read(text: &[u8], cut: Cut, step: usize) -> Vec<(Vec<u8>, bool)> {
        let mut reader = RecordReader::new(Box::new(Trickle(text.to_vec(), step)), 0, cut);
        let mut found = Vec::new();
        while let Some(record) = reader.next().unwrap() {
            found.push(match record {
                Record::Whole(bytes) => (bytes.to_vec(), true),
                Record::Unreadable(bytes, _) => (bytes.to_vec(), false),
            });
        }
        assert_eq!(reader.offset(), text.len() as u64);
        found
    }

    #[test]
    fn lines_blank_lines_and_quotes() {
        let text = b"a,b\r\n\n  \n1,\"x\ny\"\n2,\"q\"\"\n\"\n5\" pipe,3\n\"open,4\nlast";
        for step in [1, 3, 1000] {
            let found = read(text, Cut::Csv(Dialect::default()), step);
            let bytes: Vec<_> = found.iter().map(|(bytes, _)| bytes.as_slice()).collect();
            let expected: [&[u8]; 6] = [b"a,b", b"1,\"x\ny\"", b"2,\"q\"\"\n\"", b"5\" pipe,3", b"\"open,4", b"last"];
            assert_eq!(bytes, expected);
            assert_eq!(found.iter().filter(|(_, whole)| !whole).count(), 1);
        }
    }

    #[test]
    fn a_limit_below_what_is_kept_of_a_rejected_record_is_exact() {
        for (length, whole) in [(2_000, true), (2_001, false), (2_002, false), (9_000, false)] {
            for end in ["\n", "\r\n", ""] {
                let text = [vec![b'x'; length], end.as_bytes().to_vec()].concat();
                let reader = RecordReader::new(Box::new(Trickle(text, 700)), 0, Cut::Csv(Dialect::default()));
                match reader.with_bytes_max(2_000).next().unwrap().unwrap() {
                    Record::Whole(bytes) => assert!(whole && bytes.len() == length, "{length} {end:?}"),
                    Record::Unreadable(bytes, reason) => {
                        assert!(!whole && bytes.len() == 2_000, "{length} {end:?}");
                        assert!(reason.contains("longer than 2000 bytes"), "{reason}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_found() {
        for length in [RECORD_BYTES_MAX, RECORD_BYTES_MAX + 1, 3 * RECORD_BYTES_MAX] {
            for end in ["\n", "\r\n"] {
                let text = [vec![b'x'; length], format!("{end}next").into_bytes()].concat();
                let found = read(&text, Cut::Lines, 100_000);
                assert_eq!(found.len(), 2);
                if length > RECORD_BYTES_MAX {
                    assert_eq!((found[0].0.len(), found[0].1), (REJECTED_BYTES_MAX, false));
                }
                if length == RECORD_BYTES_MAX {
                    assert_eq!((found[0].0.len(), found[0].1), (length, true));
                }
                assert_eq!(found[1], (b"next".to_vec(), true));
            }
        }
    }

    #[test]
    fn objects_are_cut_however_they_are_set_apart() {
        let text = b"[{\"a\": 1},\n {\"b\":\n {\"c\": \"}\"}}]\n7\n{\"d\": [\n{\"e\": 5}\n{\"f\"";
        for step in [1, 7, 1000] {
            let found = read(text, Cut::Values, step);
            let expected: [(&[u8], bool); 6] = [
                (b"{\"a\": 1}", true),
                (b"{\"b\":\n {\"c\": \"}\"}}", true),
                (b"7", true),
                (b"{\"d\": [\n", false),
                (b"{\"e\": 5}", true),
                (b"{\"f\"", false),
            ];
            assert_eq!(found, expected.map(|(bytes, whole)| (bytes.to_vec(), whole)), "{step}");
        }
    }

    #[test]
    fn objects_that_never_end_take_a_bounded_time() {
        let text = b"{\n".repeat(2 << 20);
        let found = read(&text, Cut::Values, 100_000);
        assert!(found.len() < 6 * (BROKEN_MAX + 2), "{}", found.len());
    }
}
