//! What every user of the client library needs: transactions, taking and giving back partitions, lag, waiting.

pub(crate) mod assignment;
pub(crate) mod lag;
pub(crate) mod stable;
pub(crate) mod transaction;
