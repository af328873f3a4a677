//! What every user of the client library needs: transactions, taking and giving back partitions, lag, reading what stands somewhere, waiting.

pub(crate) mod assignment;
pub(crate) mod lag;
pub(crate) mod ranges;
pub(crate) mod stable;
pub(crate) mod transaction;
