//! The first binary table of a FITS file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use fits::{BLOCK_BYTES, FitsError, Header, Heap, Table};

use super::{
    Chunk, FileReader, InputFile, damaged, fit,
    input::{self, Packing},
    plan::Plan,
    unread,
};
use crate::{SourceError, columns::own_name, csv_rows::missing_column};

/// Parts of a file that are looked through for a table.
const PARTS_MAX: usize = 1_000;

/// Bytes of rows that are decoded at a time, unless one row is longer.
const BATCH_BYTES: usize = 4 << 20;

/// What makes something readable of a file without a binary table.
const CONVERT: &str = "from astropy.table import Table; Table.read(FILE).write(NEW)";

/// The first table of a file, and what else there is.
pub(crate) struct Located {
    pub table: Table,
    /// Where its rows begin.
    start: u64,
    /// The names of the tables behind it.
    pub others: Vec<String>,
}

/// Reads the headers of a file up to its first binary table, or (`all`) to its end.
///
/// # Errors
/// Where there is no such table, or its header is damaged.
pub(crate) fn locate(file: &InputFile, all: bool) -> Result<Located, SourceError> {
    let unreadable = |error: FitsError| SourceError::input(format!("{} cannot be read as FITS: {error}", file.name()));
    let (mut place, mut found) = (0, None::<Located>);
    for _ in 0..PARTS_MAX {
        let header = match header(file, place) {
            Ok(Some(header)) => header,
            Ok(None) => break,
            // Behind a table there may be anything.
            Err(_) if found.is_some() => break,
            Err(error) => return Err(error),
        };
        let (header, start) = header;
        match (Table::read(&header), &mut found) {
            (Ok(Some(table)), Some(found)) => found.others.push(table.name().to_owned()),
            (Ok(Some(table)), None) => found = Some(Located { table, start, others: Vec::new() }),
            (Err(error), None) => return Err(unreadable(error)),
            _ => {}
        }
        if found.is_some() && !all {
            break;
        }
        let bytes = header.data_bytes().map_err(unreadable)?;
        let blocks = bytes.div_ceil(BLOCK_BYTES as u64).saturating_mul(BLOCK_BYTES as u64);
        place = start.saturating_add(blocks);
    }
    found.ok_or_else(|| {
        let help = unread::python(&file.path, CONVERT, "csv");
        SourceError::input(format!(
            "{} has no binary table, and nothing else in FITS is read; if it has another, {help}",
            file.name()
        ))
    })
}

/// The header at a place of a file, and where it ends; `None` at the end of the file.
fn header(file: &InputFile, place: u64) -> Result<Option<(Header, u64)>, SourceError> {
    let failure = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged(&file.path, &format!("after {place} bytes"), &"a header is truncated"),
        _ => input::failure(file, place, error),
    };
    if file.packing == Packing::None && place >= file.bytes {
        return Ok(None);
    }
    let mut bytes = input::open(file, place)?.bytes;
    let (mut header, mut block, mut end) = (Header::default(), [0; BLOCK_BYTES], place);
    loop {
        if let Err(error) = bytes.read_exact(&mut block) {
            // An unpacked file tells its end only so.
            return if end == place && place > 0 { Ok(None) } else { Err(failure(error)) };
        }
        end += BLOCK_BYTES as u64;
        let last = header.push(&block).map_err(|error| damaged(&file.path, &format!("after {place} bytes"), &error))?;
        if last {
            return Ok(Some((header, end)));
        }
    }
}

/// The columns of the first table.
pub(crate) fn schema(file: &InputFile) -> Result<SchemaRef, SourceError> {
    Ok(locate(file, false)?.table.schema().clone())
}

/// The rows of a table, one behind the other.
pub(crate) struct TableRows {
    table: Table,
    columns: Vec<usize>,
    bytes: Box<dyn Read + Send>,
    heap: OnDisk,
    /// The next row.
    row: u64,
    /// How many bytes on disk have been read.
    read: Arc<AtomicU64>,
}

impl TableRows {
    /// The rows from one on, in the columns of these places.
    ///
    /// # Errors
    /// Where a column has arrays of variable length, which lie behind all rows, and the file is compressed.
    pub(crate) fn open(file: &InputFile, located: Located, columns: Vec<usize>, row: u64) -> Result<Self, SourceError> {
        let Located { table, start, .. } = located;
        let needs_heap = table.needs_heap(&columns);
        if needs_heap && file.packing != Packing::None {
            return Err(SourceError::input(format!(
                "{} has arrays of variable length and is compressed with {}; unpack it",
                file.name(),
                file.packing.name()
            )));
        }
        let on_disk = needs_heap.then(|| File::open(&file.path)).transpose();
        let on_disk = on_disk.map_err(|error| SourceError::io("read", &file.path, error))?;
        let opened = input::open(file, start + row * table.row_bytes() as u64)?;
        Ok(Self { table, columns, bytes: opened.bytes, heap: OnDisk { file: on_disk, start }, row, read: opened.read })
    }

    /// So many rows, or fewer; `None` at the end.
    ///
    /// # Errors
    /// Where the file ends before its last row, and no whole row is left; or where an array cannot be read.
    pub(crate) fn next(&mut self, file: &InputFile, rows_max: usize) -> Result<Option<RecordBatch>, SourceError> {
        let left = self.table.rows().saturating_sub(self.row);
        let size = self.table.row_bytes();
        let count = left.min(rows_max as u64).min((BATCH_BYTES / size.max(1)).max(1) as u64);
        if count == 0 || size == 0 {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let read = self.bytes.by_ref().take(count * size as u64).read_to_end(&mut bytes);
        let place = format!("at row {} of {}", self.row, self.table.rows());
        if let Err(error) = read
            && bytes.len() < size
        {
            return Err(damaged(&file.path, &place, &error));
        }
        bytes.truncate(bytes.len() / size * size);
        if bytes.is_empty() {
            return Err(damaged(&file.path, &place, &"the file ends there"));
        }
        let batch = self.table.decode(&self.columns, &bytes, &mut self.heap);
        let batch = batch.map_err(|error| damaged(&file.path, &place, &error))?;
        self.row += batch.num_rows() as u64;
        Ok(Some(batch))
    }
}

struct OnDisk {
    file: Option<File>,
    start: u64,
}

impl Heap for OnDisk {
    fn read(&mut self, offset: u64, bytes: usize, into: &mut Vec<u8>) -> Result<(), String> {
        let Some(file) = &mut self.file else { return Err("the file is not open for it".to_owned()) };
        let begin = into.len();
        let found = file.seek(SeekFrom::Start(self.start.saturating_add(offset)));
        let found = found.and_then(|_| file.take(bytes as u64).read_to_end(into)).map_err(|error| error.to_string())?;
        if found < bytes {
            into.truncate(begin);
            return Err("the file ends before that".to_owned());
        }
        Ok(())
    }
}

/// Reads the first table of a FITS file; its places are rows.
pub(crate) struct FitsFile {
    file: InputFile,
    schema: SchemaRef,
    rows: TableRows,
}

impl FitsFile {
    pub(crate) fn open(file: &InputFile, plan: &Plan, offset: u64) -> Result<Self, SourceError> {
        let located = locate(file, false)?;
        let names: Vec<String> = located.table.schema().fields().iter().map(|field| field.name().clone()).collect();
        for (field, required) in plan.file_schema().fields().iter().zip(plan.required()) {
            if *required && !names.iter().any(|name| name == own_name(field)) {
                return Err(missing_column(&file.name(), own_name(field), &names));
            }
        }
        let is_wanted = |name: &String| plan.file_schema().fields().iter().any(|field| own_name(field) == name);
        let wanted = names.iter().enumerate().filter(|(_, name)| is_wanted(name)).map(|(place, _)| place).collect();
        let rows = TableRows::open(file, located, wanted, offset)?;
        Ok(Self { file: file.clone(), schema: plan.file_schema().clone(), rows })
    }
}

impl FileReader for FitsFile {
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        let batch = self.rows.next(&self.file, rows_max)?;
        batch.map(|batch| fit::fit_batch(&batch, &self.schema)).transpose()
    }

    fn place(&self) -> (u64, u64) {
        (self.rows.row, 0)
    }

    fn bytes_read(&self) -> u64 {
        self.rows.read.load(Ordering::Relaxed)
    }
}
