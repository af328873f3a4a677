//! How good a detector is on labelled events. Pure: labels, scores and alarms come in, figures and pictures go out.
//!
//! A [`Judge`] is whatever scores or alarms: a layer, a rule, or all of them together. [`evaluate`] measures each of them by
//! how it ranks (area under the ROC curve, average precision), by its alarms (precision, recall, realised false alarms)
//! and by how soon it finds what lasts, beside [`Simple`] detectors on the same events; [`nab::score`] is the score of the Numenta Anomaly Benchmark.

mod alarms;
mod error;
mod evaluation;
mod events;
pub mod made;
pub mod nab;
mod ranking;
mod runs;
mod simple;
mod svg;
mod table;

pub use self::{
    alarms::Alarms,
    error::EvaluateError,
    evaluation::{Evaluation, KindMeasures, Measures, evaluate},
    events::{Events, Judge},
    ranking::Ranking,
    runs::{Delays, Run, runs},
    simple::{SIMPLE, Simple},
    svg::draw,
    table::table,
};
