//! Bytes of a file from any place in it, unpacked where it is compressed, and in UTF-8 where it is text in UTF-16.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bzip2::read::MultiBzDecoder;
use encoding_rs::{Decoder, UTF_16BE, UTF_16LE};
use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;

use super::InputFile;
use crate::SourceError;

/// Bytes read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// Largest window of a zstd frame, as a power of two; the command line of zstd has the same limit.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Packing {
    #[default]
    None,
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

impl Packing {
    /// What the first bytes of a file say.
    pub(crate) fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, ..] | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, ..] => {
                Self::Bzip2
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::None,
        }
    }

    /// How messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }
}

/// How text is encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Or no text at all.
    #[default]
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// What a mark at the beginning says.
    pub(crate) fn of(first: &[u8]) -> Self {
        match first {
            [0xff, 0xfe, rest @ ..] if !rest.starts_with(&[0, 0]) => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }
}

/// An open file.
pub(crate) struct Input {
    /// Its bytes from the asked place on.
    pub bytes: Box<dyn Read + Send>,
    /// How many bytes on disk have been read.
    pub read: Arc<AtomicU64>,
}

/// Opens `file` at `offset` of its bytes as they are read: what is compressed or in UTF-16 is read up to there.
pub(crate) fn open(file: &InputFile, offset: u64) -> Result<Input, SourceError> {
    let fail = |error| SourceError::io("read", &file.path, error);
    let mut on_disk = File::open(&file.path).map_err(fail)?;
    let read = Arc::new(AtomicU64::new(0));
    let packing = if file.bytes > 0 { file.packing } else { Packing::None };
    if packing == Packing::None && file.encoding == Encoding::Utf8 {
        on_disk.seek(SeekFrom::Start(offset)).map_err(fail)?;
        read.store(offset, Ordering::Relaxed);
        return Ok(Input { bytes: Box::new(Counted(on_disk, read.clone())), read });
    }
    let unpacked =
        unpack(BufReader::with_capacity(BUFFER_BYTES, Counted(on_disk, read.clone())), packing).map_err(fail)?;
    let mut bytes: Box<dyn Read + Send> = match file.encoding {
        Encoding::Utf8 => unpacked,
        Encoding::Utf16Le => Box::new(Utf8::new(unpacked, UTF_16LE.new_decoder_with_bom_removal())),
        Encoding::Utf16Be => Box::new(Utf8::new(unpacked, UTF_16BE.new_decoder_with_bom_removal())),
    };
    io::copy(&mut (&mut bytes).take(offset), &mut io::sink()).map_err(fail)?;
    Ok(Input { bytes, read })
}

fn unpack(input: impl io::BufRead + Send + 'static, packing: Packing) -> io::Result<Box<dyn Read + Send>> {
    Ok(match packing {
        Packing::None => Box::new(input),
        Packing::Gzip => Box::new(MultiGzDecoder::new(input)),
        Packing::Bzip2 => Box::new(MultiBzDecoder::new(input)),
        Packing::Xz => Box::new(XzDecoder::new_multi_decoder(input)),
        Packing::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(input)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Box::new(decoder)
        }
    })
}

/// The first bytes of a file, unpacked but not decoded; fewer than `count` where it ends or breaks before.
pub(crate) fn head(path: &Path, packing: Packing, count: usize) -> Result<Vec<u8>, SourceError> {
    let fail = |error| SourceError::io("read", path, error);
    let on_disk = File::open(path).map_err(fail)?;
    let unpacked = unpack(BufReader::with_capacity(BUFFER_BYTES, on_disk), packing).map_err(fail)?;
    let mut head = Vec::new();
    // What breaks here breaks again when the file is read, and says so then.
    let _ = unpacked.take(count as u64).read_to_end(&mut head);
    Ok(head)
}

/// What went wrong at `offset` of the unpacked bytes.
pub(crate) fn failure(file: &InputFile, offset: u64, error: io::Error) -> SourceError {
    let place = format!("after {offset} unpacked bytes");
    let name = file.packing.name();
    match (file.packing, error.kind()) {
        (Packing::None, _) => SourceError::io("read", &file.path, error),
        (_, io::ErrorKind::UnexpectedEof) => {
            super::damaged(&file.path, &place, &format!("the {name} data is truncated"))
        }
        _ if offset == 0 => super::damaged(&file.path, &place, &error),
        // A checksum stands at the end only: what came before may be wrong.
        _ => SourceError::input(format!(
            "{} is damaged somewhere before {offset} unpacked bytes: {error}. rows that were read from it may be wrong; \
             replace the file with a whole copy and start over with --fresh",
            file.path.display()
        )),
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

/// Text of another encoding as UTF-8; what it cannot hold becomes U+FFFD.
struct Utf8<R> {
    input: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// What of `raw` is not decoded yet.
    start: usize,
    end: usize,
    text: Vec<u8>,
    /// What of `text` is not given yet.
    given: usize,
    ended: bool,
}

impl<R: Read> Utf8<R> {
    fn new(input: R, decoder: Decoder) -> Self {
        let raw = vec![0; BUFFER_BYTES];
        Self { input, decoder, raw, start: 0, end: 0, text: Vec::new(), given: 0, ended: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.start == self.end && !self.ended {
            (self.start, self.end) = (0, self.input.read(&mut self.raw)?);
            self.ended = self.end == 0;
        }
        self.text.resize(2 * BUFFER_BYTES, 0);
        let raw = &self.raw[self.start..self.end];
        let (_, taken, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, self.ended);
        self.start += taken;
        self.text.truncate(written);
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut finished = false;
        while self.given == self.text.len() && !finished {
            finished = self.ended;
            if !finished {
                self.fill()?;
            }
        }
        let count = buffer.len().min(self.text.len() - self.given);
        buffer[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_read_as_utf8_in_any_pieces() {
        let text = "\u{feff}id,name\n1,Müller 🚀\n".to_owned();
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(Encoding::of(&units), Encoding::Utf16Le);
        for step in [1, 3, 64] {
            let mut found = Vec::new();
            let mut reader = Utf8::new(Slow(&units, step), UTF_16LE.new_decoder_with_bom_removal());
            reader.read_to_end(&mut found).unwrap();
            assert_eq!(String::from_utf8(found).unwrap(), text.trim_start_matches('\u{feff}'));
        }
    }

    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }
}
