//! A stream in a CQL store: ScyllaDB or Cassandra.
//!
//! [`Layout`] says how a table lies there, [`plan()`] and [`apply`] make it so, [`CqlSink`] writes, [`Reader`] reads.
//! A table describes itself in its comment, so that reading needs no definition of the stream. A table of partitions
//! lists which buckets and keys there are, so that a query by time reads those alone and never scans.

mod cells;
mod connect;
mod connection;
mod ddl;
mod decode;
mod describe;
mod error;
mod kind;
mod layout;
mod limiter;
mod partitions;
mod plan;
mod read;
mod rows;
mod write;

pub use self::{
    connect::{Settings, Tls},
    error::CqlError,
    layout::{Layout, Order},
    plan::{Change, Plan, apply, plan, time},
    read::{Partition, PreparedScan, Reader, Scan},
    write::CqlSink,
};
