//! A stream as separate processes on a real Kafka, against the same stream in one process.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod bench;
mod brokers;
mod cluster;
mod connect;
mod end_to_end;
mod examples;
mod fault;
mod faults;
mod fleet;
mod foreign;
mod input;
mod loading;
mod measure_windows;
mod monitoring;
mod places;
mod poison;
mod probes;
mod raw;
mod results;
mod schemas;
mod security;
mod silence;
mod sizes;
mod soak;
mod spark;
mod standing;
mod stores;
mod theirs;
mod tools;
mod traces;
mod upgrade_from;
mod upgrades;
mod windows;
