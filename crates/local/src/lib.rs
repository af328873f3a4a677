//! A stream in one process, with no server: its stages on all cores, exactly once.
//!
//! A reader thread cuts the source into partitions, workers process them, and a committer makes their results
//! durable epoch by epoch: the source's position, the state of the stages and the list of finished files in one
//! atomic write. Whatever ends a run, the same command goes on from the last commit, and its results are those of a
//! run that nothing disturbed.

mod aggregates;
mod catalog;
mod checkpoint;
mod committer;
mod epoch;
mod error;
mod few;
mod insertions;
mod journal;
mod messages;
mod meter;
mod progress;
mod reader;
mod redrive;
mod run;
mod spliced;
mod statistics;
mod tap;
mod worker;

pub use self::{
    error::LocalError,
    meter::{Counts, LastCommit, Meter},
    reader::gathered,
    redrive::{Redriven, Repaired, check_repaired, is_waiting, keep_for_next_run, put_back_waiting, redrive},
    run::{Options, Summary, ensure_unused, run},
    tap::{TapCounts, Tapped},
};
