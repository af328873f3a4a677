//! What can go wrong.

use std::path::PathBuf;

use service::Failure;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AutoscalerError {
    /// The file of targets cannot be read.
    #[error("cannot read the targets in {}: {source}", path.display())]
    TargetsFile { path: PathBuf, source: std::io::Error },
    /// The file of targets does not say what is to be scaled.
    #[error("{}: {what}", path.display())]
    Targets { path: PathBuf, what: String },
    /// Kubernetes cannot be reached or does not allow it.
    #[error("{what}: {source}")]
    Kubernetes { what: String, source: Box<kube::Error> },
    /// Kafka cannot be reached or does not allow it.
    #[error(transparent)]
    Broker(#[from] broker::BrokerError),
    /// A thread that asked Kafka did not come back.
    #[error("asking Kafka did not end: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl AutoscalerError {
    /// For `map_err`: what was asked of Kubernetes.
    pub(crate) fn asking(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self::Kubernetes { what, source: Box::new(source) }
    }
}

impl From<AutoscalerError> for Failure {
    fn from(error: AutoscalerError) -> Self {
        match error {
            AutoscalerError::TargetsFile { .. } | AutoscalerError::Targets { .. } => Failure::configuration(error),
            _ => Failure::run_time(error),
        }
    }
}
