//! Times: one parser for every place that reads a time from text, the scales of astronomers, and both as SQL functions.
//!
//! Sources, `beamline init` and expressions all read a time with [`parse`], so that what one of them accepts the others
//! read, and read alike. `docs/inputs.md` has the table of what is understood.

mod calendar;
mod functions;
mod julian;
mod parse;

pub use self::{
    calendar::{beyond_calendar, beyond_calendar_reason},
    functions::functions,
    julian::{JD_RANGE, MJD_RANGE, Scale, from_jd, from_mjd},
    parse::{Moment, clock, parse, parse_date},
};
