//! What stands in messages, and how rows become messages and messages rows.

pub(crate) mod dead_letters;
pub(crate) mod digest;
pub(crate) mod framing;
pub(crate) mod hops;
pub(crate) mod inbound;
pub(crate) mod meaning;
pub(crate) mod note;
pub(crate) mod outbound;
pub(crate) mod partials;
pub(crate) mod place;
pub(crate) mod probe;
pub(crate) mod schemas;
pub(crate) mod size;
pub(crate) mod snapshots;
pub(crate) mod source_place;
pub(crate) mod stored_note;
pub(crate) mod target;
pub(crate) mod times;
pub(crate) mod trace;
pub(crate) mod traceparent;
