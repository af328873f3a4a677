//! The compressions of blocks of Avro container files.

use std::io::Read;

use bzip2::read::MultiBzDecoder;
use flate2::read::DeflateDecoder;
use liblzma::read::XzDecoder;

/// Bytes of an unpacked block at most.
pub(crate) const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// Bytes of the checksum behind a block of snappy.
const CHECKSUM_BYTES: usize = 4;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockCodec {
    None,
    Deflate,
    Snappy,
    Zstandard,
    Bzip2,
    Xz,
}

impl BlockCodec {
    /// The codec that a container's header names; none where it names none.
    ///
    /// # Errors
    /// Says which are read.
    pub(crate) fn named(name: Option<&[u8]>) -> Result<Self, String> {
        Ok(match name.unwrap_or(b"null") {
            b"null" => Self::None,
            b"deflate" => Self::Deflate,
            b"snappy" => Self::Snappy,
            b"zstandard" => Self::Zstandard,
            b"bzip2" => Self::Bzip2,
            b"xz" => Self::Xz,
            other => {
                let other = String::from_utf8_lossy(other);
                return Err(format!(
                    "the codec {other} is not supported; write it with null, deflate, snappy, zstandard, bzip2 or xz"
                ));
            }
        })
    }

    /// The bytes of a block as they were before they were compressed.
    pub(crate) fn unpack(self, block: Vec<u8>) -> Result<Vec<u8>, String> {
        match self {
            Self::None => Ok(block),
            Self::Deflate => all(DeflateDecoder::new(block.as_slice())),
            Self::Snappy => snappy(&block),
            Self::Zstandard => all(zstd::Decoder::new(block.as_slice()).map_err(|error| error.to_string())?),
            Self::Bzip2 => all(MultiBzDecoder::new(block.as_slice())),
            Self::Xz => all(XzDecoder::new_multi_decoder(block.as_slice())),
        }
    }
}

fn all(reader: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.take(UNPACKED_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    match bytes.len() as u64 > UNPACKED_BYTES_MAX {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

fn too_large() -> String {
    format!("a block has more than {UNPACKED_BYTES_MAX} unpacked bytes")
}

/// Snappy without its framing, then the CRC-32 of the unpacked bytes.
fn snappy(block: &[u8]) -> Result<Vec<u8>, String> {
    let cut = block.len().checked_sub(CHECKSUM_BYTES).ok_or("a block of snappy is shorter than its checksum")?;
    let (packed, checksum) = block.split_at(cut);
    let length = snap::raw::decompress_len(packed).map_err(|error| error.to_string())?;
    if length as u64 > UNPACKED_BYTES_MAX {
        return Err(too_large());
    }
    let bytes = snap::raw::Decoder::new().decompress_vec(packed).map_err(|error| error.to_string())?;
    match crc32fast::hash(&bytes).to_be_bytes() == checksum {
        true => Ok(bytes),
        false => Err("a block does not have its checksum".into()),
    }
}
