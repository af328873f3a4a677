//! Which part of the pipeline a service runs, and which topics it stands between.

use std::sync::Arc;

use codec::ValueSchema;
use stage::{Detect, Enrich, Outputs, Pipeline, Rows, Stage, StageError};
use stream::{Stream, Topics};

use crate::KafkaError;

/// A part of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Raw events to enriched ones.
    Enrich,
    /// Enriched events to scored ones.
    Detect,
    /// Both in one: one hop less, and the enriched topic stays empty.
    Fused,
}

impl Step {
    /// The name in groups, metrics and dead letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enrich => "enricher",
            Self::Detect | Self::Fused => "anomaly-detector",
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
        }
    }

    /// The topic that its rows go to.
    pub fn output(self, topics: &Topics) -> &str {
        match self {
            Self::Enrich => &topics.enriched,
            Self::Detect | Self::Fused => &topics.scored,
        }
    }

    /// The topic of its state, where it keeps any.
    pub fn state(self, topics: &Topics) -> Option<&str> {
        match self {
            Self::Enrich => None,
            Self::Detect | Self::Fused => Some(&topics.detector_state),
        }
    }

    pub(crate) fn input_schema(self, stream: &Stream) -> Result<ValueSchema, KafkaError> {
        match self {
            Self::Enrich | Self::Fused => Ok(stream.input.clone()),
            Self::Detect => Ok(stream.enriched_schema()?),
        }
    }

    pub(crate) fn output_schema(self, stream: &Stream) -> Result<ValueSchema, KafkaError> {
        match self {
            Self::Enrich => Ok(stream.enriched_schema()?),
            Self::Detect | Self::Fused => Ok(stream.scored_schema()?),
        }
    }

    pub(crate) fn stage(self, stream: &Arc<Stream>) -> Result<Box<dyn Stage>, StageError> {
        Ok(match self {
            Self::Enrich => Box::new(Enrich::new(stream.clone())),
            Self::Fused => Box::new(Pipeline::new(stream)?),
            Self::Detect => match Detect::new(stream.clone())? {
                Some(detect) => Box::new(detect),
                None => Box::new(Through),
            },
        })
    }
}

/// A stream without a `detect` section: every event is as good as scored.
struct Through;

impl Stage for Through {
    fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError> {
        out.rows.push(rows);
        Ok(())
    }
}
