//! What is known of one window and group as bytes: in a snapshot, in a partial, and in the parts of a merge.

use crate::{
    WindowError,
    bytes::{Reader, put_bytes},
};

/// The layout of a state; goes up when it changes, so that none is read that means something else.
const VERSION: u8 = 1;

/// What every key of a state begins with, so that none is the key of an event.
const MARK: char = '\u{1}';

/// What is known of one window and group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State<'a> {
    pub(crate) aggregate: &'a str,
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// The group as the row format has it.
    pub(crate) group: &'a [u8],
    /// How many events it holds.
    pub(crate) events: u64,
    /// How many of them came since the state was given before.
    pub(crate) added: u64,
    /// The states of the calls.
    pub(crate) calls: &'a [u8],
}

impl<'a> State<'a> {
    /// Writes down all but the calls, which follow.
    pub(crate) fn encode_head(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_bytes(out, self.aggregate.as_bytes());
        for number in [self.start, self.end, self.events as i64, self.added as i64] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        put_bytes(out, self.group);
    }

    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, WindowError> {
        let mut reader = Reader(bytes);
        if reader.u8()? != VERSION {
            return Err(WindowError::State("it is of another version"));
        }
        let aggregate = reader.text()?;
        let (start, end) = (reader.i64()?, reader.i64()?);
        let (events, added) = (reader.u64()?, reader.u64()?);
        let group = reader.bytes()?;
        Ok(Self { aggregate, start, end, group, events, added, calls: reader.0 })
    }
}

/// The key of a window's state.
pub(crate) fn key(aggregate: &str, start: i64, group: &[u8]) -> Box<str> {
    let mut key = format!("{MARK}{aggregate}/{start}/");
    for byte in group {
        key.push(char::from(HEX[usize::from(byte >> 4)]));
        key.push(char::from(HEX[usize::from(byte & 15)]));
    }
    key.into()
}

/// The aggregate, start and group that [`key`] made a key of; `None` where it is not a window's.
pub(crate) fn parse_key(key: &str) -> Option<(&str, i64, Box<[u8]>)> {
    let (rest, group) = key.strip_prefix(MARK)?.rsplit_once('/')?;
    let (aggregate, start) = rest.rsplit_once('/')?;
    let digit = |byte: u8| HEX.iter().position(|hex| *hex == byte).map(|digit| digit as u8);
    let (pairs, []) = group.as_bytes().as_chunks::<2>() else { return None };
    let group: Option<Box<[u8]>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    Some((aggregate, start.parse().ok()?, group?))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The key of something that is known once, and no window is called so.
pub(crate) fn single_key(name: &str) -> Box<str> {
    format!("{MARK}{name}").into()
}

/// Whether a key is one of these.
pub(crate) fn is_ours(key: &str) -> bool {
    key.starts_with(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_apart_again() {
        for (start, group) in [(0, &b""[..]), (-60_000_000, b"\0\xff/a"), (i64::MIN, b"\x10")] {
            assert_eq!(parse_key(&key("by_kind", start, group)), Some(("by_kind", start, group.into())));
        }
        for other in ["", "by_kind/0/00", "\u{1}by_kind", "\u{1}by_kind/0/0", "\u{1}by_kind/0/0g", "\u{1}by_kind/x/00"]
        {
            assert_eq!(parse_key(other), None, "{other:?}");
        }
    }
}
