//! CSV files with a header line.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{Chunk, FileReader, InputFile, input, plan::Plan};
use crate::{
    Rejected, SourceError,
    csv_rows::CsvRows,
    records::{Record, RecordReader},
};

/// Reads a CSV file; its offsets are (unpacked) bytes.
pub(crate) struct CsvFile {
    file: InputFile,
    records: RecordReader,
    rows: CsvRows,
    read: Arc<AtomicU64>,
}

impl CsvFile {
    pub(crate) fn open(file: &InputFile, plan: &Plan, offset: u64) -> Result<Self, SourceError> {
        let start = input::open(file, 0)?;
        let mut records = RecordReader::new(start.bytes, 0, true).with_bytes_max(plan.event_bytes_max());
        let header = header(file, &mut records)?;
        let rows = CsvRows::new(&file.name(), &header, plan.file_schema().clone(), plan.required())?;
        let mut read = start.read;
        if offset > records.offset() {
            let there = input::open(file, offset)?;
            records = RecordReader::new(there.bytes, offset, true).with_bytes_max(plan.event_bytes_max());
            read = there.read;
        }
        Ok(Self { file: file.clone(), records, rows, read })
    }
}

/// The header line of a file that stands at its beginning.
pub(crate) fn header(file: &InputFile, records: &mut RecordReader) -> Result<Vec<u8>, SourceError> {
    match records.next().map_err(|error| input::failure(file, 0, error))? {
        Some(Record::Whole(header)) => Ok(header.to_vec()),
        Some(Record::Unreadable(_, reason)) => {
            Err(SourceError::input(format!("{} is no CSV file: in its header, {reason}", file.name())))
        }
        None => Err(SourceError::input(format!("{} is empty; a CSV file begins with a header line", file.name()))),
    }
}

impl FileReader for CsvFile {
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        let (mut records, mut indexes, mut rejected) = (0, Vec::with_capacity(rows_max), Vec::new());
        while records < rows_max as u64 {
            let reason = match self.records.next() {
                Ok(None) => break,
                Ok(Some(Record::Whole(record))) => match self.rows.push(record) {
                    Ok(()) => None,
                    Err(reason) => Some((record, reason)),
                },
                Ok(Some(Record::Unreadable(beginning, reason))) => Some((beginning, reason)),
                // What came before is given first; the failure comes again at the next call.
                Err(_) if records > 0 => break,
                Err(error) => return Err(input::failure(&self.file, self.records.offset(), error)),
            };
            match reason {
                None => indexes.push(records),
                Some((payload, reason)) => {
                    let (payload, reason) = Rejected::kept(payload, reason);
                    rejected.push((records, payload, reason));
                }
            }
            records += 1;
        }
        if records == 0 {
            return Ok(None);
        }
        let rows = self.rows.finish()?;
        Ok(Some(Chunk { rows, indexes, rejected, records }))
    }

    fn place(&self) -> (u64, u64) {
        (self.records.offset(), 0)
    }

    fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}
