//! Calls of librdkafka's C interface: the only code of the workspace that says `unsafe`.

pub(crate) mod inbox;
pub(crate) mod message;
pub(crate) mod outbox;
mod queue;
