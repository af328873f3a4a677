//! What a generator is told: the stream, its source, and how it sends.

use std::{path::PathBuf, sync::Arc, time::Duration};

use broker::Connection;
use measure::TracedAs;
use registry::Registry;
use stream::{Stream, Topics};

use crate::messages::note::generator_group;

/// A generator that sent for so long was healthy: the next failure begins with the shortest wait.
pub(super) const HEALTHY: Duration = Duration::from_secs(30);
/// How often probes are sent among events.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// How long the cluster may take to answer at the start.
pub(super) const START_MAX: Duration = Duration::from_secs(60);

/// What to send, and how.
#[derive(Debug, Clone)]
pub struct Generator {
    /// The stream.
    pub stream: Arc<Stream>,
    /// Its topics.
    pub topics: Topics,
    /// The cluster.
    pub connection: Connection,
    /// The registry.
    pub registry: Registry,
    /// Where the events come from.
    pub source: stream::Source,
    /// Which generator this is, where several read the topics of another program side by side.
    pub instance: String,
    /// The folder that paths in `source` are relative to.
    pub base: PathBuf,
    /// The folder of the durable log, for sources that cannot be read again.
    pub log_dir: PathBuf,
    /// A commit at the latest after so long.
    pub commit_interval: Duration,
    /// How long a transaction may stay open.
    pub transaction_timeout: Duration,
    /// End at this position.
    pub end_position: Option<u64>,
    /// Begin at the source's beginning whatever was sent before.
    pub from_start: bool,
    /// Whether probes are sent; where nothing is said, of a live source.
    pub probes: Option<bool>,
    /// Of how many events a trace begins.
    pub trace_ratio: f64,
    /// Who this is in traces; nothing where none are sent.
    pub traced_as: Option<TracedAs>,
}

impl Generator {
    /// The group that keeps the place.
    pub fn group(stream: &str) -> String {
        generator_group(stream)
    }

    /// How often probes are sent; nothing where none are.
    pub(super) fn probe_every(&self) -> Option<Duration> {
        self.probes.unwrap_or_else(|| self.source.is_live()).then_some(PROBE_EVERY)
    }
}
