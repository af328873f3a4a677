//! Where events come from: made up from a seed, read from files, posted over HTTP, or on standard input.
//!
//! Every source can be read again: each record, good or bad, has one position (0, 1, 2, …), and the same position
//! has the same record however often and in whatever pieces it is read. Sources that the world does not keep (HTTP,
//! standard input) go through a durable log first.

mod cells;
mod columns;
mod csv_rows;
mod error;
mod files;
mod gather;
mod http;
mod json_rows;
mod log;
mod messages;
mod objects;
mod open;
mod paced;
mod record;
mod records;
mod route;
mod sample;
mod source;
mod stdin;
mod synthetic;

pub use self::{
    error::SourceError,
    gather::Gathered,
    http::{HttpLimits, HttpServer, Intake, IntakeError},
    messages::{Message, MessageReader, ReadMessages, Recognized, recognize, sample_of},
    objects::decode_objects,
    open::open,
    record::{Cursor, Next, Progress, RECORD_BYTES_MAX, RECORDS_MAX, REJECTED_BYTES_MAX, Records, Rejected, Unit},
    route::{Router, Share},
    sample::{Content, SAMPLE_BYTES_MAX, SAMPLE_ROWS_MAX, Sample, sample},
    source::{Options, Source},
    synthetic::PARTICLES,
};
