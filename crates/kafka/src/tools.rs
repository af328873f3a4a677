//! What the commands do with a stream's topics: replays, redrives, placing a group, sending records.

pub(crate) mod placing;
pub(crate) mod redrive;
pub(crate) mod replay;
pub(crate) mod sample;
pub(crate) mod send;
