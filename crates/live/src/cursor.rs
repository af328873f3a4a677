//! Where a reader of the live stream stands: `EPOCH.SEQUENCE`.
//!
//! The epoch is that of the process: a sequence number of another process says nothing here.

use std::{fmt, str::FromStr};

use crate::LiveError;

/// Bytes of an epoch at most.
const EPOCH_BYTES_MAX: usize = 32;

/// Where a reader stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Which process counted.
    pub epoch: String,
    /// The last version that was read whole.
    pub sequence: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.epoch, self.sequence)
    }
}

impl FromStr for Cursor {
    type Err = LiveError;

    fn from_str(text: &str) -> Result<Self, LiveError> {
        let parsed = text.split_once('.').and_then(|(epoch, sequence)| {
            let known =
                (1..=EPOCH_BYTES_MAX).contains(&epoch.len()) && epoch.bytes().all(|byte| byte.is_ascii_alphanumeric());
            Some(Self { epoch: known.then(|| epoch.to_owned())?, sequence: sequence.parse().ok()? })
        });
        parsed.ok_or(LiveError::Cursor)
    }
}

impl Cursor {
    /// The sequence number to go on from; `None` where the cursor is of another process or from the future.
    pub fn resumes(&self, epoch: &str, newest: u64) -> Option<u64> {
        (self.epoch == epoch && self.sequence <= newest).then_some(self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let cursor = Cursor { epoch: "18c9a1f2".to_owned(), sequence: 42 };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for text in ["", ".", "a.", ".1", "a.-1", "a.1.2", "a b.1", "a.18446744073709551616"] {
            assert!(text.parse::<Cursor>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_a_cursor_of_this_process_is_gone_on_from() {
        let cursor = |epoch: &str, sequence| Cursor { epoch: epoch.to_owned(), sequence };
        assert_eq!(cursor("a", 5).resumes("a", 7), Some(5));
        assert_eq!(cursor("b", 5).resumes("a", 7), None);
        assert_eq!(cursor("a", 8).resumes("a", 7), None);
    }
}
