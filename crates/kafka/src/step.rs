//! Which part of the pipeline a service runs, and which topics it stands between.

use stream::{Stream, Topics};

/// A part of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Raw events to enriched ones.
    Enrich,
    /// Enriched events to scored ones.
    Detect,
    /// Both in one: one hop less, and the enriched topic stays empty.
    Fused,
    /// Scored events to results of windows, and to parts of those that other partitions have parts of too.
    Aggregate,
    /// Parts to results.
    Merge,
}

impl Step {
    /// The steps of a stream's windows; none where it has no aggregates.
    pub fn windows(stream: &Stream) -> Vec<Self> {
        match (stream.aggregates.is_empty(), stream.aggregates.are_merged()) {
            (true, _) => Vec::new(),
            (false, false) => vec![Self::Aggregate],
            (false, true) => vec![Self::Aggregate, Self::Merge],
        }
    }

    /// The name in groups, metrics and dead letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enrich => "enricher",
            Self::Detect | Self::Fused => "anomaly-detector",
            Self::Aggregate => "aggregator",
            Self::Merge => "merger",
        }
    }

    /// The consumer group of this step of a stream.
    pub fn group(self, stream: &str) -> String {
        format!("beamline.{stream}.{}", self.name())
    }

    /// The topic that it reads.
    pub fn input(self, topics: &Topics) -> &str {
        match self {
            Self::Enrich | Self::Fused => &topics.raw,
            Self::Detect => &topics.enriched,
            Self::Aggregate => &topics.scored,
            Self::Merge => &topics.partials,
        }
    }

    /// The topic that its rows go to, where it hands any on.
    pub fn output(self, topics: &Topics) -> Option<&str> {
        match self {
            Self::Enrich => Some(&topics.enriched),
            Self::Detect | Self::Fused => Some(&topics.scored),
            Self::Aggregate | Self::Merge => None,
        }
    }

    /// The topic of its state, where it keeps any.
    pub fn state(self, topics: &Topics) -> Option<&str> {
        match self {
            Self::Enrich => None,
            Self::Detect | Self::Fused => Some(&topics.detector_state),
            Self::Aggregate => Some(&topics.aggregator_state),
            Self::Merge => Some(&topics.merger_state),
        }
    }

    /// The compacted topic that its places are kept in: its own, or the next step's where it keeps no state.
    pub(crate) fn places(self, topics: &Topics) -> &str {
        self.state(topics).unwrap_or(&topics.detector_state)
    }

    /// What its state must be of to be gone on from; a state topic serves detectors before and after they are fused, which
    /// count other offsets.
    pub(crate) fn state_of(self, stream: &Stream) -> String {
        let fingerprints = &stream.fingerprints;
        match self {
            Self::Enrich => String::new(),
            Self::Detect => fingerprints.detector.clone(),
            Self::Fused => format!("fused {}", fingerprints.detector),
            Self::Aggregate | Self::Merge => fingerprints.windows.clone(),
        }
    }

    /// Whether anomalous rows go to a topic of their own too.
    pub(crate) fn detects(self) -> bool {
        matches!(self, Self::Detect | Self::Fused)
    }

    /// Whether what comes out of it may turn out to be anomalous further on, where it is of interest how it got there.
    pub(crate) fn tells_hops(self) -> bool {
        self == Self::Enrich
    }

    /// Whether results of windows come out of it.
    pub(crate) fn aggregates(self) -> bool {
        matches!(self, Self::Aggregate | Self::Merge)
    }
}
