//! SQL expressions on Arrow batches, the functions of the field, and lookups in reference tables.
//!
//! Pure and deterministic: the same rows give the same bytes however they are cut into batches.

mod aggregate;
mod aggregate_call;
mod angles;
mod error;
mod expression;
mod fallible;
mod formula;
mod invariant_mass;
mod isolate;
mod lookup;
mod momenta;
mod parse;
mod physics;
mod plan;
mod registry;
mod suggestion;
mod table;

pub use self::{
    aggregate::Aggregation,
    aggregate_call::{AggregateCall, AggregateFunction},
    error::ExprError,
    expression::{Evaluated, Expression},
    lookup::Lookup,
    physics::functions,
    suggestion::nearest,
    table::read_table,
};
