//! How large an event may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes of an event where the definition does not say: 1 MiB.
pub const EVENT_BYTES_DEFAULT: u32 = 1 << 20;

/// How large an event may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of an event as it is received: a line of a file, an event of a request, the value of a message. 1 MiB by
    /// default. A larger one is refused where its sender can hear it, and becomes a dead letter where it stands in a topic
    /// already.
    #[schemars(range(min = 1024, max = 16777216))]
    #[schemars(example = 65_536)]
    pub event_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { event_bytes: EVENT_BYTES_DEFAULT }
    }
}

impl Limits {
    /// Whether these are the limits of a definition that does not name any.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_limits_that_are_named_are_written_out() {
        assert!(Limits::default().is_default());
        assert!(!Limits { event_bytes: EVENT_BYTES_DEFAULT + 1 }.is_default());
    }
}
