//! SQL expressions on Arrow batches: scalar expressions of one row, and aggregates of many.
//!
//! Pure and deterministic: the same rows give the same bytes however they are cut into batches.

mod aggregate;
mod aggregate_call;
mod error;
mod expression;
mod fallible;
mod isolate;
mod parse;
mod plan;
mod registry;
mod suggestion;

pub use self::{
    aggregate::Aggregation,
    aggregate_call::{AggregateCall, AggregateFunction},
    error::ExprError,
    expression::{Evaluated, Expression},
    parse::lower_first,
};
