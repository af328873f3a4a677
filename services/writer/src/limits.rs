//! How much a writer holds, and for how long.

use std::time::Duration;

/// When rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Write when so many rows are held.
    pub rows: usize,
    /// Write when so many bytes are held.
    pub bytes: usize,
    /// Write when the first of them has been held for so long.
    pub linger: Duration,
    /// Take nothing more in while so many bytes are held, because the store is away. What one look at the feed gives may
    /// come on top.
    pub held_bytes: usize,
}
