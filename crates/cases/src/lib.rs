//! Cases of a stream: events, and what is expected to become of them.
//!
//! Pure. The stages are the ones that every runtime uses, over the partitions that the definition has; nothing is read
//! or written. Whoever calls decodes the events and shows the differences.

mod compare;
mod error;
mod file;
mod outcome;
mod table;

pub use self::{
    compare::{Difference, compare},
    error::CasesError,
    file::{Case, CaseFile, Event, Row},
    outcome::{Outcome, Share, run},
    table::Table,
};
