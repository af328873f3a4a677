//! Bytes of a file, unpacked where it is gzipped, from any place in it.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::read::MultiGzDecoder;

use super::InputFile;
use crate::SourceError;

/// An open file.
pub(crate) struct Input {
    /// Its bytes from the asked place on.
    pub bytes: Box<dyn Read + Send>,
    /// How many bytes on disk have been read.
    pub read: Arc<AtomicU64>,
}

/// Opens `file` at `offset` of its (unpacked) bytes. A gzipped file is unpacked up to there.
pub(crate) fn open(file: &InputFile, offset: u64) -> Result<Input, SourceError> {
    let fail = |error| SourceError::io("read", &file.path, error);
    let mut on_disk = File::open(&file.path).map_err(fail)?;
    let read = Arc::new(AtomicU64::new(0));
    let bytes: Box<dyn Read + Send> = if file.gzip && file.bytes > 0 {
        let mut unpacked = MultiGzDecoder::new(io::BufReader::with_capacity(64 << 10, Counted(on_disk, read.clone())));
        io::copy(&mut (&mut unpacked).take(offset), &mut io::sink()).map_err(fail)?;
        Box::new(unpacked)
    } else {
        on_disk.seek(SeekFrom::Start(offset)).map_err(fail)?;
        read.store(offset, Ordering::Relaxed);
        Box::new(Counted(on_disk, read.clone()))
    };
    Ok(Input { bytes, read })
}

/// What went wrong at `offset` of the unpacked bytes.
pub(crate) fn failure(file: &InputFile, offset: u64, error: io::Error) -> SourceError {
    let place = format!("after {offset} unpacked bytes");
    match error.kind() {
        io::ErrorKind::UnexpectedEof if file.gzip => super::damaged(&file.path, &place, &"the gzip data is truncated"),
        _ if file.gzip && offset == 0 => super::damaged(&file.path, &place, &error),
        // A checksum stands at the end only: what came before may be wrong.
        _ if file.gzip => SourceError::input(format!(
            "{} is damaged somewhere before {offset} unpacked bytes: {error}. rows that were read from it may be wrong; \
             replace the file with a whole copy and start over with --fresh",
            file.path.display()
        )),
        _ => SourceError::io("read", &file.path, error),
    }
}

struct Counted(File, Arc<AtomicU64>);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
