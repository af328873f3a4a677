//! A stream on an object store: Parquet or ORC files, or Delta Lake tables, by the hour of the event.
//!
//! [`FileSink`] and [`DeltaSink`] write, [`Lake`] reads, [`compact()`] merges small files, [`check()`] says
//! whether a writer could go on. A lake describes itself in `_beamline/lake.json`, so that reading needs no definition of
//! the stream.

mod check;
mod compact;
mod delta;
mod delta_table;
mod delta_types;
mod descriptor;
mod error;
mod files;
mod layout;
mod location;
mod log;
mod names;
mod shape;
mod sweep;
mod tables;
mod versions;
mod widen;
mod write;

pub use self::{
    check::{About, Checked, Finding, Verdict, check},
    compact::{Compacted, Tidied, compact},
    delta::DeltaSink,
    descriptor::Descriptor,
    error::LakeError,
    files::FileSink,
    location::{Format, Location},
    tables::{Lake, LakeTable},
    versions::Versions,
};
