//! A message that is an Avro object container, as ZTF's alerts are: one record, and the schema that it was written with.

use crate::files::{
    avro_codec::BlockCodec,
    avro_container::{BLOCK_BYTES_MAX, RawHeader, SYNC_BYTES, raw_header},
};

/// The schema and the bytes of the one record in a container.
pub(super) fn record(mut value: &[u8]) -> Result<(String, Vec<u8>), String> {
    let refused = |reason: &str| format!("the message is not an Avro container: {reason}");
    let RawHeader { schema, codec, sync, .. } = raw_header(&mut value).map_err(|reason| refused(&reason))?;
    let codec = BlockCodec::named(codec.as_deref())?;
    let rows = long(&mut value).ok_or_else(|| refused("it is truncated"))?;
    let size = long(&mut value).and_then(|size| u64::try_from(size).ok()).filter(|size| *size <= BLOCK_BYTES_MAX);
    let size = size.ok_or_else(|| refused("a block has an impossible size"))? as usize;
    let block = value.get(..size).ok_or_else(|| refused("it is truncated"))?;
    match value.get(size..size + SYNC_BYTES) {
        Some(marker) if marker == sync => {}
        Some(_) => return Err(refused("a block does not end with its marker")),
        None => return Err(refused("it is truncated")),
    }
    if rows != 1 || value.len() > size + SYNC_BYTES {
        return Err("the container has several records, and a message is one event".to_owned());
    }
    Ok((schema, codec.unpack(block.to_vec())?))
}

/// A zigzag-encoded number, taken off the beginning.
fn long(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for index in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}
