//! What can be wrong with settings and snapshots.

/// What can be wrong with settings and snapshots.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// A setting out of its range.
    #[error("{name} is {value}, choose from {least} to {most}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it was.
        value: f64,
        /// The least it can be.
        least: f64,
        /// The most it can be.
        most: f64,
    },
    /// Every layer is off.
    #[error("no layer is on, turn at least one on")]
    NoLayer,
    /// A snapshot that does not begin as one.
    #[error("these {length} bytes are not a detector snapshot")]
    NotASnapshot {
        /// How many bytes there are.
        length: usize,
    },
    /// A snapshot of another layout.
    #[error("the snapshot has version {found}, this detector reads {expected}: start this key afresh")]
    Version {
        /// The snapshot's version.
        found: u16,
        /// The version that can be read.
        expected: u16,
    },
    /// A snapshot made with other settings.
    #[error("the snapshot was made with other settings ({found:016x}, here {expected:016x}): start this key afresh")]
    Fingerprint {
        /// The snapshot's fingerprint.
        found: u64,
        /// The detector's own.
        expected: u64,
    },
    /// A snapshot cut short or with something behind it.
    #[error("the snapshot has {found} bytes instead of {expected}: fetch it again or start this key afresh")]
    Length {
        /// How many bytes there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A snapshot whose checksum does not match.
    #[error("the snapshot is corrupt, its checksum does not match: fetch it again or start this key afresh")]
    Checksum,
}
