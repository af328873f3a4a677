//! Why a source cannot be asked.

/// Why a source cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Result files, or the query itself.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The CQL store.
    #[error(transparent)]
    Cql(#[from] cql::CqlError),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// The cluster.
    #[error(transparent)]
    Broker(#[from] broker::BrokerError),
    /// A topic.
    #[error(transparent)]
    Kafka(#[from] kafka::KafkaError),
    /// A topic is not there.
    #[error("topic `{topic}` does not exist; run `beamline topics apply`")]
    NoTopic {
        /// The topic.
        topic: String,
    },
    /// A schema that has no form as a table.
    #[error(transparent)]
    Schema(#[from] codec::CodecError),
    /// A table that cannot be registered.
    #[error(transparent)]
    Table(#[from] datafusion::error::DataFusionError),
}
