//! What keeps the dashboard from looking.

/// What keeps the dashboard from looking.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DashboardError {
    /// The cluster.
    #[error(transparent)]
    Broker(#[from] broker::BrokerError),
    /// A topic, or what a group noted.
    #[error(transparent)]
    Kafka(#[from] kafka::KafkaError),
    /// A topic is not there.
    #[error("topic `{0}` does not exist; run `beamline topics apply`")]
    NoTopic(String),
    /// The client does not go on.
    #[error("{what}: {source}")]
    Client {
        /// What it was about.
        what: &'static str,
        /// Why not.
        source: rdkafka::error::KafkaError,
    },
}
