//! What snapshots take: a detector's own worker on a cluster that keeps nothing, whose clock goes on by itself, fed with the events
//! of `streams/bench.yaml` at some rate. Bytes are counted where the worker hands its records over.

mod cluster;
mod events;

use std::sync::{Arc, atomic::AtomicBool};

use kafka::{Options, Step, run_worker};
use registry::{Registry, Settings};

use self::{cluster::Counting, events::Events};
use crate::registry::serve;

/// What came and what was written while it was measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// Records that came,
    pub records: u64,
    /// and their bytes.
    pub bytes: u64,
    /// Records of the state topic,
    pub state_records: u64,
    /// and their bytes: snapshots and places.
    pub state_bytes: u64,
    /// How many records all partitions together would have had to read again, at most.
    pub read_again: u64,
}

/// Measures over `records`, after as many that count for nothing, of so many keys, at so many events a second.
///
/// # Errors
/// A sentence, where the worker gives up.
pub fn measure(keys: u32, rate: f64, records: u64) -> Result<Taken, String> {
    let url = serve().map_err(|error| error.to_string())?;
    let registry = Registry::new(&Settings::new(url)).map_err(|error| error.to_string())?;
    let events = Events::open(keys, &registry)?;
    let stream = events.stream.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let cluster = Counting::new(events, rate, records, stop.clone());
    let connection = broker::Connection::plaintext("in memory");
    let options = Options::new(stream, Step::Detect, connection, registry);
    run_worker(&cluster, options, 0, &(), &stop).map_err(|error| error.to_string())?;
    Ok(cluster.taken())
}
