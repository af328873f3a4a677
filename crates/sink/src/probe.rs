//! Probes: what says how old a row is when a store has it.

/// A probe that stood among the rows of a partition: it was sent when a row that stood beside it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Where it stood.
    pub position: u64,
    /// Its number among those of its partition.
    pub sequence: u64,
    /// When it was sent, in milliseconds since 1970.
    pub sent: i64,
}

impl Probe {
    /// How old it was at a time in milliseconds since 1970. A clock that is ahead of another makes no age below nothing.
    pub fn age(&self, stored: i64) -> u64 {
        u64::try_from(stored - self.sent).unwrap_or_default()
    }
}
