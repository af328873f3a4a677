//! Every store on real servers: the same rows everywhere, whatever is killed, paused or away in between.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod aggregates;
mod bench;
mod bench_files;
mod budget;
mod child;
mod cluster;
mod compaction;
mod faults;
mod feed;
mod hdfs;
mod long_log;
mod notebook;
mod owners;
mod places;
mod rows;
mod same_rows;
mod sinks;
