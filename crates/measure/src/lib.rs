//! What is measured: every metric's name, and what a running part says of its health.
//!
//! Every metric is a constant of [`names`], so that a name, its labels and its buckets exist once and
//! `docs/metrics.md` can be generated. Recording goes through the facade `metrics`: where nothing collects, it costs
//! nothing. A part that runs in a service reports through [`Health`] and knows nothing of servers.

mod docs;
mod health;
mod metric;
pub mod names;

pub use self::{
    docs::markdown,
    health::Health,
    metric::{Counter, Description, Gauge, Histogram, Kind, Metric, Named},
    names::*,
};

/// The attribute of a span whose trace is kept whatever share of traces is.
pub const KEEP_SPAN: &str = "beamline.keep";
/// The attribute of a span that is told for another service: that service's name.
pub const SPAN_OF: &str = "beamline.service";

/// The id of the trace that a span without a parent begins: stands in OpenTelemetry's current context while it does. Without
/// it the id is drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeginTrace(pub u128);

/// Who a process is in traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedAs {
    /// The service's name.
    pub service: String,
    /// Which of its processes.
    pub instance: String,
}

/// Tells the collector the kind, unit and meaning of every metric.
pub fn describe_all() {
    for metric in ALL {
        metric.description().describe();
    }
}
