//! The dashboard on a real Kafka, asked by a real HTTP client, beside a run of the same events in one process.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod access;
mod behind;
mod cluster;
mod fresh;
mod input;
mod page;
mod same_answers;
mod start;
mod written;
