//! CSV files with a header line.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use stream::CsvOptions;

use super::{BATCH_BYTES_MAX, Chunk, FileReader, InputFile, input, plan::Plan};
use crate::{
    Rejected, SourceError,
    csv_rows::{self, CsvRows, csv_header},
    records::{Cut, Record, RecordReader},
};

/// Reads a CSV file; its offsets are (unpacked) bytes.
pub(crate) struct CsvFile {
    file: InputFile,
    records: RecordReader,
    rows: CsvRows,
    options: CsvOptions,
    read: Arc<AtomicU64>,
}

impl CsvFile {
    pub(crate) fn open(file: &InputFile, plan: &Plan, offset: u64) -> Result<Self, SourceError> {
        let options = plan.csv();
        let (records, mut read, header) = open(file, options)?;
        let mut records = records.with_bytes_max(plan.event_bytes_max());
        let rows = CsvRows::new(&file.name(), &header, plan.file_schema().clone(), plan.required(), options)?;
        if offset > records.offset() {
            let there = input::open(file, offset)?;
            records = RecordReader::new(there.bytes, offset, cut(options)).with_bytes_max(plan.event_bytes_max());
            read = there.read;
        }
        Ok(Self { file: file.clone(), records, rows, options: options.clone(), read })
    }
}

fn cut(options: &CsvOptions) -> Cut {
    Cut::Csv(csv_rows::dialect(options))
}

/// A file behind its header line, and that line.
pub(crate) fn open(
    file: &InputFile,
    options: &CsvOptions,
) -> Result<(RecordReader, Arc<AtomicU64>, Vec<u8>), SourceError> {
    let start = input::open(file, 0)?;
    let mut records = RecordReader::new(start.bytes, 0, cut(options));
    let header = csv_header(&mut records, &file.name(), options, |error| input::failure(file, 0, error))?;
    Ok((records, start.read, header))
}

impl FileReader for CsvFile {
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        let (mut records, mut indexes, mut rejected) = (0, Vec::with_capacity(rows_max), Vec::new());
        let end = self.records.offset() + BATCH_BYTES_MAX as u64;
        while records < rows_max as u64 && self.records.offset() < end {
            let reason = match self.records.next() {
                Ok(None) => break,
                Ok(Some(Record::Whole(line))) if csv_rows::is_comment(line, &self.options) => continue,
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
