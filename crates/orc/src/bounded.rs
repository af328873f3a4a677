//! Bytes of a file, and no more: a damaged file asks for any number of them, which the library would make room for.

use std::io;

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use orc_rust::reader::{AsyncChunkReader, ChunkReader};

use crate::OrcError;

/// What a file ends with is shorter than this.
const POSTSCRIPT_BYTES_MAX: u64 = 256;
/// A block that is compressed is shorter: its length has 23 bits.
const BLOCK_BYTES_MAX: u64 = 1 << 23;

/// A file of which nothing is read behind its end.
pub(crate) struct Bounded<R>(pub(crate) R);

impl<R: ChunkReader> ChunkReader for Bounded<R> {
    type T = R::T;

    fn len(&self) -> u64 {
        self.0.len()
    }

    fn get_read(&self, offset: u64) -> io::Result<Self::T> {
        check(offset, 0, self.0.len())?;
        self.0.get_read(offset)
    }

    fn get_bytes(&self, offset: u64, length: u64) -> io::Result<Bytes> {
        check(offset, length, self.0.len())?;
        self.0.get_bytes(offset, length)
    }
}

impl<R: ChunkReader> Bounded<R> {
    /// Looks at what the file ends with before the library does.
    pub(crate) fn check(&self) -> Result<(), OrcError> {
        let length = self.0.len();
        let tail = length.min(POSTSCRIPT_BYTES_MAX);
        let bytes = self.get_bytes(length - tail, tail).map_err(|_| OrcError::NotOrc("it cannot be read"))?;
        check_tail(&bytes)
    }
}

/// The same for a file that is read piece by piece.
pub(crate) struct BoundedPieces<R> {
    pub(crate) pieces: R,
    pub(crate) length: u64,
}

impl<R: AsyncChunkReader> AsyncChunkReader for BoundedPieces<R> {
    fn len(&mut self) -> BoxFuture<'_, io::Result<u64>> {
        futures::future::ready(Ok(self.length)).boxed()
    }

    fn get_bytes(&mut self, offset: u64, length: u64) -> BoxFuture<'_, io::Result<Bytes>> {
        match check(offset, length, self.length) {
            // Object stores refuse to give nothing; a column without a value has a stream of no bytes.
            Ok(()) if length == 0 => futures::future::ready(Ok(Bytes::new())).boxed(),
            Ok(()) => self.pieces.get_bytes(offset, length),
            Err(error) => futures::future::ready(Err(error)).boxed(),
        }
    }
}

fn check(offset: u64, length: u64, total: u64) -> io::Result<()> {
    match offset.checked_add(length).is_some_and(|end| end <= total) {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "its parts reach beyond the file")),
    }
}

/// What a file ends with: the length of the postscript is its last byte. The library makes room for a whole block of as many
/// bytes as that says.
pub(crate) fn check_tail(tail: &[u8]) -> Result<(), OrcError> {
    let Some((length, before)) = tail.split_last() else { return Err(OrcError::NotOrc("it is empty")) };
    let Some(start) = before.len().checked_sub(usize::from(*length)) else {
        return Err(OrcError::NotOrc("it is shorter than its last byte says"));
    };
    let mut postscript = &before[start..];
    while let Some((tag, rest)) = varint(postscript) {
        let (value, rest) = match tag & 7 {
            0 => varint(rest).ok_or(OrcError::NotOrc("its last bytes are cut off"))?,
            // Texts and lists, which have their length before them.
            2 => {
                let (length, rest) = varint(rest).ok_or(OrcError::NotOrc("its last bytes are cut off"))?;
                let length = usize::try_from(length).ok().filter(|length| *length <= rest.len());
                (0, &rest[length.ok_or(OrcError::NotOrc("its last bytes are cut off"))?..])
            }
            _ => return Err(OrcError::NotOrc("its last bytes have an unknown form")),
        };
        if tag >> 3 == 3 && value > BLOCK_BYTES_MAX {
            return Err(OrcError::NotOrc("its blocks are longer than 8 MiB"));
        }
        postscript = rest;
    }
    Ok(())
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let number = bytes[..length].iter().rev().fold(0_u64, |number, byte| number << 7 | u64::from(byte & 0x7f));
    Some((number, &bytes[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_is_too_long_is_refused_before_there_is_room_for_it() {
        // Field 3 is the length of a block.
        let tail = |block: &[u8]| [&[0x18], block, &[1 + block.len() as u8]].concat();
        assert!(check_tail(&tail(&[0x80, 0x80, 0x10])).is_ok());
        assert!(check_tail(&tail(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x10])).is_err());
        assert!(check_tail(&[9]).is_err());
        assert!(check_tail(&[]).is_err());
    }

    #[test]
    fn nothing_is_read_behind_the_end() {
        let file = Bounded(Bytes::from_static(b"abc"));
        assert_eq!(file.get_bytes(1, 2).unwrap(), "bc");
        for (offset, length) in [(2, 2), (u64::MAX, 2), (0, u64::MAX)] {
            assert_eq!(file.get_bytes(offset, length).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
