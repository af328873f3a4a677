//! `beamline top` without its terminal: what services and pages answer is parsed, summed up by stream and stage, and drawn.
//!
//! A [`Board`] takes the answers of all sources again and again; rates and latencies are those between two answers.
//! Neither asks a server nor looks at a clock: both are for whoever calls.

mod answer;
mod board;
mod draw;
mod error;
mod exposition;
mod histogram;
mod page;
mod row;
mod text;

pub use self::{
    answer::Answer,
    board::Board,
    draw::draw,
    error::TopError,
    row::{Alarms, Row},
    text::table,
};
