//! What is shown: a stage of a stream, and the alarms of a layer.

/// A stage of a stream, over all its processes. What is not known is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The stream.
    pub stream: String,
    /// The stage.
    pub stage: String,
    /// How it is, where somebody says so; a service that answers is `ok`.
    pub state: String,
    /// How many processes work on it.
    pub processes: usize,
    /// Records read, of all time.
    pub in_total: Option<u64>,
    /// Records read a second.
    pub in_rate: Option<f64>,
    /// Records written, of all time.
    pub out_total: Option<u64>,
    /// Records written a second.
    pub out_rate: Option<f64>,
    /// Records that wait.
    pub lag: Option<u64>,
    /// Dead letters, of all time.
    pub dead_letters: Option<u64>,
    /// The median of the latency, in seconds.
    pub latency_p50: Option<f64>,
    /// Its 99th percentile, in seconds.
    pub latency_p99: Option<f64>,
}

impl Row {
    pub(crate) fn new(stream: &str, stage: &str) -> Self {
        Self {
            stream: stream.to_owned(),
            stage: stage.to_owned(),
            state: "ok".to_owned(),
            processes: 0,
            in_total: None,
            in_rate: None,
            out_total: None,
            out_rate: None,
            lag: None,
            dead_letters: None,
            latency_p50: None,
            latency_p99: None,
        }
    }
}

/// The alarms of a rule or layer of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarms {
    /// The stream.
    pub stream: String,
    /// The rule or layer.
    pub layer: String,
    /// Of all time.
    pub total: u64,
    /// A minute, where that is known.
    pub per_minute: Option<f64>,
}
