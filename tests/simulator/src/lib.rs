//! The workers' own code on a cluster in memory that fails on demand.
//!
//! The workers run as they do on Kafka (`kafka::run_worker`), on threads of which one runs at a time. What is not theirs is
//! simulated: logs, transactions and groups ([`broker`]), the clients' calls (`cluster`), and the clock. A seed draws which
//! thread goes on at each call and what is done to the workers (`plan`): crashes, pauses beyond the session, members that come
//! and go, commits of which nobody knows the outcome, offsets that are lost. After each history, what is committed must be
//! what a history without faults commits, bit for bit.
//!
//! It searches for interleavings that no real cluster shows on demand. It does not prove that a real cluster is as it is here:
//! that is what the tests on real servers are for.

mod broker;
mod cluster;
mod fault;
mod histories;
mod outcome;
mod outside;
mod plan;
mod registry;
mod scenario;
pub mod snapshots;
mod trouble;
mod world;

pub use self::histories::{Failure, Simulator, Tally};
