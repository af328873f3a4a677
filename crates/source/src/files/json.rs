//! JSON files: one object a line, or objects set apart in another way.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use stream::FileFormat;

use super::{BATCH_BYTES_MAX, Chunk, FileReader, InputFile, input, plan::Plan};
use crate::{
    Rejected, SourceError,
    json_rows::JsonRows,
    records::{Cut, Record, RecordReader},
};

/// Reads a JSON file; its offsets are (unpacked) bytes.
pub(crate) struct JsonFile {
    file: InputFile,
    records: RecordReader,
    rows: JsonRows,
    read: Arc<AtomicU64>,
}

impl JsonFile {
    pub(crate) fn open(file: &InputFile, plan: &Plan, offset: u64) -> Result<Self, SourceError> {
        let input = input::open(file, offset)?;
        let rows = JsonRows::new(plan.file_schema().clone(), plan.json())?;
        let records = RecordReader::new(input.bytes, offset, cut(file.format)).with_bytes_max(plan.event_bytes_max());
        Ok(Self { file: file.clone(), records, rows, read: input.read })
    }
}

/// How objects are set apart in a format.
pub(crate) fn cut(format: FileFormat) -> Cut {
    if format == FileFormat::Json { Cut::Values } else { Cut::Lines }
}

impl FileReader for JsonFile {
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        let mut bytes = Vec::new();
        let mut lines: Vec<(u64, Range<usize>)> = Vec::with_capacity(rows_max);
        let (mut records, mut rejected) = (0, Vec::new());
        while records < rows_max as u64 && bytes.len() < BATCH_BYTES_MAX {
            match self.records.next() {
                Ok(None) => break,
                Ok(Some(Record::Whole(line))) => {
                    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
                    lines.push((records, bytes.len()..bytes.len() + line.len()));
                    bytes.extend_from_slice(line);
                }
                Ok(Some(Record::Unreadable(beginning, reason))) => {
                    let (payload, reason) = Rejected::kept(beginning, reason);
                    rejected.push((records, payload, reason));
                }
                // What came before is given first; the failure comes again at the next call.
                Err(_) if records > 0 => break,
                Err(error) => return Err(input::failure(&self.file, self.records.offset(), error)),
            }
            records += 1;
        }
        if records == 0 {
            return Ok(None);
        }
        let objects: Vec<&[u8]> = lines.iter().map(|(_, range)| &bytes[range.clone()]).collect();
        let decoded = self.rows.decode(&objects)?;
        let indexes = decoded.indexes.iter().map(|index| lines[*index as usize].0).collect();
        for (index, reason) in decoded.rejected {
            let (payload, reason) = Rejected::kept(objects[index as usize], reason);
            rejected.push((lines[index as usize].0, payload, reason));
        }
        rejected.sort_by_key(|(index, ..)| *index);
        Ok(Some(Chunk { rows: decoded.rows, indexes, rejected, records }))
    }

    fn place(&self) -> (u64, u64) {
        (self.records.offset(), 0)
    }

    fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}
