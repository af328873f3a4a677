//! Where a page of a list ends, as a text that says nothing to whoever carries it.

use std::{fmt, str::FromStr};

use live::cells::hex;

use crate::problem::Problem;

/// Bytes of a cursor at most.
const CURSOR_BYTES_MAX: usize = 16_384;

/// What the last row of a page is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageCursor(pub(crate) Vec<String>);

impl PageCursor {
    pub(crate) fn refused() -> Problem {
        Problem::bad_request("bad-cursor", "the cursor is not one of this list; leave it out to begin with the newest")
    }
}

impl fmt::Display for PageCursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex(&serde_json::to_vec(&self.0).map_err(|_| fmt::Error)?))
    }
}

impl FromStr for PageCursor {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pair = |pair: &[u8]| match pair {
            [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
            _ => None,
        };
        let short = text.len() <= CURSOR_BYTES_MAX;
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).take(CURSOR_BYTES_MAX / 2).map(pair).collect();
        let parts = bytes.filter(|_| short).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        parts.map(Self).ok_or_else(Self::refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_nothing_else_is_one() {
        let cursor = PageCursor(vec!["2025-01-01T00:00:00.000001Z".to_owned(), "it's \"é\"".to_owned()]);
        assert_eq!(cursor.to_string().parse::<PageCursor>().unwrap(), cursor);
        for text in ["", "0", "zz", "7b7d", &"00".repeat(CURSOR_BYTES_MAX)] {
            assert!(text.parse::<PageCursor>().is_err(), "{text:.20}");
        }
    }
}
