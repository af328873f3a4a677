//! Event-time windows: watermarks, lateness, aggregates that merge.
//!
//! Pure. An [`Aggregator`] takes the events of one partition. Its clock is the latest event time it has seen; a window
//! closes when the clock is the aggregate's lateness past its end, and whether an event is late depends on the events
//! before it in its partition and on nothing else. Groups that contain the stream's key are in one partition, and their
//! results are the aggregator's own. Of any other group each partition has a part, and a [`Merge`] puts the parts together.
//!
//! What is exact, whatever the order of the rows, the batches and the number of partitions: counts, sums (without any
//! rounding until the end), means, variances, extremes, first and last values, histograms, `top_k` of up to 1,024
//! different values, and `approx_percentile_cont` of up to 256 values. Sketches state their error in their modules.

mod accumulate;
mod aggregator;
mod bytes;
mod calls;
mod clock;
mod error;
mod events;
mod exact;
mod functions;
mod groups;
mod merge;
mod open;
mod results;
mod slots;
mod state;
#[cfg(test)]
mod tests;

pub use self::{
    aggregator::{Aggregator, Flushed},
    error::WindowError,
    events::{Events, LeftOut, Partial},
    functions::query_functions,
    merge::Merge,
    results::result_keys,
};

/// A key, and its state as bytes; empty where there is none any more.
pub type Snapshot = (Box<str>, Vec<u8>);
