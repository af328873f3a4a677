//! SQL expressions on Arrow batches, the functions of the field, and lookups in reference tables.
//!
//! Pure and deterministic: the same rows give the same bytes however they are cut into batches.

mod error;
mod expression;
mod lookup;
mod table;

pub use self::{error::ExprError, expression::{Evaluated, Expression, functions}, lookup::Lookup, table::read_table};
