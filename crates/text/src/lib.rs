//! Text as values: how CSV and JSON are cut into records and fields, and what a cell means.
//!
//! Pure, and the one place that decides it: `beamline init` guesses with the same functions that a replay, standard
//! input and HTTP read with.

mod dialect;
mod fields;
mod json;
mod numbers;

pub use self::{
    dialect::{Dialect, MARKERS, is_marker},
    fields::{Fields, Quotes, Splitter},
    json::{Piece, beyond_double, next_value, rewritten},
    numbers::{boolean, float, float_with_comma, integer, is_float_with_comma},
};
