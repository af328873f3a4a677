//! Kafka and the registry out of the command line.

use std::{ops::Range, path::Path, sync::Arc, time::Duration};

use ask::OnKafka;
use broker::Connection;
use kafka::KafkaError;
use registry::Registry;
use service::{Failure, load_stream};
use stream::{Stream, Topics};

use crate::cli::{OnKafkaArgs, TopicsOfArgs};

/// How long the cluster may take to answer.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Whenever it was taken in.
pub(crate) const ANY_TIME: Range<i64> = i64::MIN..i64::MAX;

/// Kafka and the registry.
pub(crate) struct Servers {
    pub connection: Connection,
    pub registry: Registry,
}

/// Kafka and the registry, once Kafka has answered; nothing where the command line does not speak of Kafka.
pub(crate) fn connect(args: &OnKafkaArgs) -> Result<Option<Servers>, Failure> {
    let Some(bootstrap) = &args.kafka else { return Ok(None) };
    let url = args.registry.as_ref().ok_or_else(|| {
        Failure::configuration("--kafka needs --registry URL, or BEAMLINE_REGISTRY_URL: values are in Avro")
    })?;
    let connection = args.kafka_access.clone().with_password()?.connection(bootstrap, "beamline");
    let access = args.registry_access.clone().with_password(url)?;
    let registry = Registry::new(&access.settings(url)).map_err(Failure::configuration)?;
    Ok(Some(Servers { connection: answering(connection)?, registry }))
}

/// The connection, once the cluster has answered on it.
pub(crate) fn answering(connection: Connection) -> Result<Connection, Failure> {
    connection.check(ANSWER_MAX).map_err(Failure::run_time)?;
    Ok(connection)
}

impl Servers {
    /// Topics of a stream as tables.
    pub(crate) fn tables(&self, stream: Arc<Stream>, topics: Topics, taken_in: Range<i64>) -> OnKafka {
        let (connection, registry) = (self.connection.clone(), self.registry.clone());
        OnKafka { connection, registry, stream, topics, taken_in }
    }
}

/// A stream's topics as tables; nothing where the command line does not speak of Kafka.
pub(crate) fn tables(args: &TopicsOfArgs) -> Result<Option<ask::Source>, Failure> {
    let Some(servers) = connect(&args.on_kafka)? else { return Ok(None) };
    let path: &Path = args.stream.as_deref().ok_or_else(|| {
        Failure::configuration("--kafka needs --stream FILE: the definition of the stream whose topics are asked")
    })?;
    let stream = load_stream(path)?;
    let topics = stream.topics();
    Ok(Some(ask::Source::Kafka(vec![servers.tables(stream, topics, ANY_TIME)])))
}

pub(crate) fn failure(error: KafkaError) -> Failure {
    if error.is_configuration() { Failure::configuration(error) } else { Failure::run_time(error) }
}
