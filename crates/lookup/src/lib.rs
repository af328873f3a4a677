//! Columns looked up in a reference table, and reference tables from the bytes of a file.
//!
//! Pure and deterministic: the same rows give the same bytes however they are cut into batches.

mod error;
mod lookup;
mod table;

pub use self::{error::LookupError, lookup::Lookup, table::read_table};
