//! Results written, published, merged and asked.

#![allow(clippy::unwrap_used, missing_docs)]

mod asking;
mod fixture;
mod logging;
mod merging;
mod orc;
mod printing;
mod publishing;
mod writing;
