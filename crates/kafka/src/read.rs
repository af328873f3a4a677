//! Reading what a stream has written: decoded rows of committed messages, and single events.

mod arrivals;
mod membership;
pub(crate) mod originals;
pub(crate) mod reader;
