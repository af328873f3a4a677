//! What a source answers: the metrics of a service, or the overviews of the streams of a run.

use crate::{
    error::TopError,
    exposition::{self, Sample},
    page::{self, Overview},
};

/// An answer that could be read.
#[derive(Debug, Clone)]
pub struct Answer(pub(crate) Kind);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// `GET /metrics` of a service.
    Metrics(Vec<Sample>),
    /// `GET /api/v1/streams/{stream}/overview` of a run's page.
    Overview(Box<Overview>),
}

impl Answer {
    /// Reads the metrics of a service, in Prometheus' text format.
    ///
    /// # Errors
    /// The first line that is not a metric.
    pub fn metrics(text: &str) -> Result<Self, TopError> {
        exposition::parse(text).map(|samples| Self(Kind::Metrics(samples)))
    }

    /// Reads the overview of a stream, as a run's page gives it.
    ///
    /// # Errors
    /// Where it is not one.
    pub fn overview(json: &str) -> Result<Self, TopError> {
        page::parse(json).map(|overview| Self(Kind::Overview(Box::new(overview))))
    }
}
