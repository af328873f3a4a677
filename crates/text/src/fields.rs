//! The fields of one CSV record.

use std::fmt;

/// Finds the fields of records: by their separators alone where there is no quote, else with csv-core.
pub struct Splitter {
    separator: u8,
    ends: Vec<usize>,
    output: Vec<u8>,
    csv: csv_core::Reader,
}

impl fmt::Debug for Splitter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Splitter").field("separator", &char::from(self.separator)).finish_non_exhaustive()
    }
}

/// The fields of a record; there is at least one.
#[derive(Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    /// Where each ends in `bytes`.
    ends: &'a [usize],
    /// Bytes between two fields.
    gap: usize,
}

impl<'a> Fields<'a> {
    /// How many there are.
    #[allow(clippy::len_without_is_empty)]
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of one, without its quotes.
    #[inline]
    pub fn get(&self, field: usize) -> &'a [u8] {
        let start = if field == 0 { 0 } else { self.ends[field - 1] + self.gap };
        &self.bytes[start..self.ends[field]]
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map(|field| self.get(field))
    }
}

impl Splitter {
    /// A splitter of records whose fields have this byte between them.
    pub fn new(separator: u8) -> Self {
        let mut builder = csv_core::ReaderBuilder::new();
        let csv = builder.delimiter(separator).terminator(csv_core::Terminator::Any(b'\n')).build();
        Self { separator, ends: Vec::new(), output: Vec::new(), csv }
    }

    /// The fields of a record, which is without its line's end.
    #[inline]
    pub fn split<'a>(&'a mut self, record: &'a [u8]) -> Fields<'a> {
        if memchr::memchr(b'"', record).is_some() {
            return self.unquote(record);
        }
        self.ends.clear();
        self.ends.extend(memchr::memchr_iter(self.separator, record));
        self.ends.push(record.len());
        Fields { bytes: record, ends: &self.ends, gap: 1 }
    }

    fn unquote(&mut self, record: &[u8]) -> Fields<'_> {
        let separators = memchr::memchr_iter(self.separator, record).count();
        self.output.resize(self.output.len().max(record.len() + 8), 0);
        self.ends.resize(separators + 2, 0);
        self.csv.reset();
        // Both buffers are large enough: one call takes all, and one without input ends the record.
        let (_, _, written, found) = self.csv.read_record(record, &mut self.output, &mut self.ends);
        let (_, _, _, last) = self.csv.read_record(&[], &mut self.output[written..], &mut self.ends[found..]);
        self.ends.truncate(found + last);
        Fields { bytes: &self.output, ends: &self.ends, gap: 0 }
    }
}

/// Where a reader is with regard to quotes, by the rules of csv-core: one opens at a field's beginning only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// At the beginning of a field.
    FieldStart,
    /// Within a field that has none.
    Plain,
    /// Within a quoted field.
    Open,
    /// Behind a quote within a quoted field: its end, or the first of two that stand for one.
    MaybeClosed,
}

impl Quotes {
    /// Where it is after one more byte.
    pub fn after(self, byte: u8, separator: u8) -> Self {
        match (self, byte) {
            (Self::Open, b'"') => Self::MaybeClosed,
            (Self::Open, _) => Self::Open,
            (Self::FieldStart | Self::MaybeClosed, b'"') => Self::Open,
            (_, byte) if byte == separator => Self::FieldStart,
            _ => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_and_without_quotes() {
        let mut splitter = Splitter::new(b',');
        for (record, expected) in [
            ("a,b,", vec!["a", "b", ""]),
            ("", vec![""]),
            ("\"a,\"\"b\"\"\",c", vec!["a,\"b\"", "c"]),
            ("\"\",\"x\ny\"", vec!["", "x\ny"]),
            ("5\" pipe,3", vec!["5\" pipe", "3"]),
            (",\"\",", vec!["", "", ""]),
        ] {
            let fields = splitter.split(record.as_bytes());
            assert_eq!(fields.iter().collect::<Vec<_>>(), expected.iter().map(|f| f.as_bytes()).collect::<Vec<_>>());
        }
    }
}
