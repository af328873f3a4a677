//! The fields of one CSV record.

/// Finds the fields of records: by their commas alone where there is no quote, else with csv-core.
pub(crate) struct Splitter {
    ends: Vec<usize>,
    output: Vec<u8>,
    csv: csv_core::Reader,
}

/// The fields of a record.
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    /// Where each ends in `bytes`.
    ends: &'a [usize],
    /// Bytes between two fields.
    gap: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, field: usize) -> &'a [u8] {
        let start = if field == 0 { 0 } else { self.ends[field - 1] + self.gap };
        &self.bytes[start..self.ends[field]]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map(|field| self.get(field))
    }
}

impl Splitter {
    pub(crate) fn new() -> Self {
        let csv = csv_core::ReaderBuilder::new().terminator(csv_core::Terminator::Any(b'\n')).build();
        Self { ends: Vec::new(), output: Vec::new(), csv }
    }

    /// The fields of a record, which is without its line's end.
    pub(crate) fn split<'a>(&'a mut self, record: &'a [u8]) -> Fields<'a> {
        if memchr::memchr(b'"', record).is_some() {
            return self.unquote(record);
        }
        self.ends.clear();
        self.ends.extend(memchr::memchr_iter(b',', record));
        self.ends.push(record.len());
        Fields { bytes: record, ends: &self.ends, gap: 1 }
    }

    fn unquote(&mut self, record: &[u8]) -> Fields<'_> {
        let commas = memchr::memchr_iter(b',', record).count();
        self.output.resize(self.output.len().max(record.len() + 8), 0);
        self.ends.resize(commas + 2, 0);
        self.csv.reset();
        // Both buffers are large enough: one call takes all, and one without input ends the record.
        let (_, _, written, found) = self.csv.read_record(record, &mut self.output, &mut self.ends);
        let (_, _, _, last) = self.csv.read_record(&[], &mut self.output[written..], &mut self.ends[found..]);
        self.ends.truncate(found + last);
        Fields { bytes: &self.output, ends: &self.ends, gap: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_and_without_quotes() {
        let mut splitter = Splitter::new();
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
