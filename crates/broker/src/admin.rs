//! The topics of a cluster.

use std::{collections::BTreeMap, time::Duration};

use futures::executor::block_on;
use rdkafka::{
    admin::{
        AdminClient, AdminOptions, AlterConfig, ConfigSource, NewPartitions, NewTopic as RdNewTopic, ResourceSpecifier,
        TopicReplication,
    },
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use crate::{BrokerError, Connection, Reports};

/// How long a request may take.
const REQUEST: Duration = Duration::from_secs(30);
/// How many brokers keep a partition where a cluster has as many and nothing else is said.
const COPIES: u16 = 3;
/// How many of them have to have a record before it counts: one may be away, and a lost one takes nothing with it.
const IN_SYNC: (&str, &str) = ("min.insync.replicas", "2");

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// How many partitions.
    pub partitions: u32,
    /// How many brokers keep each.
    pub replication: u16,
    /// Its settings, those of the cluster included.
    pub settings: BTreeMap<String, String>,
    /// The names of those that were set for this topic.
    pub own: Vec<String>,
}

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: u32,
    /// How many brokers keep each; where absent three, or the cluster's default where it has fewer brokers.
    pub replication: Option<u16>,
    /// Settings that differ from the cluster's.
    pub settings: BTreeMap<String, String>,
}

/// An administrator of a cluster's topics.
pub struct Admin {
    bootstrap: String,
    reports: Reports,
    admin: AdminClient<Reports>,
    reader: BaseConsumer<Reports>,
}

impl Admin {
    /// Connects.
    ///
    /// # Errors
    /// Where the settings make no client.
    pub fn connect(connection: &Connection) -> Result<Self, BrokerError> {
        let reports = Reports::default();
        Ok(Self {
            bootstrap: connection.bootstrap.clone(),
            admin: connection.client(reports.clone(), |_| ())?,
            reader: connection.client(reports.clone(), |_| ())?,
            reports,
        })
    }

    /// These topics as they are; those that are missing are not in the answer.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    pub fn topics(&self, names: &[&str]) -> Result<BTreeMap<String, Topic>, BrokerError> {
        let mut topics = BTreeMap::new();
        for name in names {
            if let Some(topic) = self.topic(name)? {
                topics.insert((*name).to_owned(), topic);
            }
        }
        Ok(topics)
    }

    fn topic(&self, name: &str) -> Result<Option<Topic>, BrokerError> {
        let metadata = self.reader.fetch_metadata(Some(name), REQUEST).map_err(|error| self.explain(name, error))?;
        let Some(found) = metadata.topics().iter().find(|topic| topic.name() == name) else { return Ok(None) };
        if let Some(error) = found.error() {
            let code = RDKafkaErrorCode::from(error);
            return match code {
                RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => Ok(None),
                _ => Err(BrokerError::client(format!("topic `{name}`"), KafkaError::MetadataFetch(code))),
            };
        }
        let replication = found.partitions().first().map_or(0, |partition| partition.replicas().len() as u16);
        let (mut settings, mut own) = (BTreeMap::new(), Vec::new());
        let described = block_on(self.admin.describe_configs([&ResourceSpecifier::Topic(name)], &options()))
            .map_err(|error| self.explain(name, error))?;
        for resource in described {
            let resource = resource
                .map_err(|code| BrokerError::client(format!("describing topic `{name}`"), KafkaError::AdminOp(code)))?;
            for entry in resource.entries {
                if entry.source == ConfigSource::DynamicTopic {
                    own.push(entry.name.clone());
                }
                settings.insert(entry.name, entry.value.unwrap_or_default());
            }
        }
        Ok(Some(Topic { partitions: found.partitions().len() as u32, replication, settings, own }))
    }

    /// How many brokers there are, as one of them says that was asked for a topic.
    fn brokers(&self, topic: &str) -> Result<usize, BrokerError> {
        let metadata = self.reader.fetch_metadata(Some(topic), REQUEST).map_err(|error| self.explain(topic, error))?;
        Ok(metadata.brokers().len())
    }

    /// Makes a topic. That it is there already is not an error.
    ///
    /// # Errors
    /// Where the cluster refuses.
    pub fn create(&self, topic: &NewTopic) -> Result<(), BrokerError> {
        let copies = topic.replication.or((self.brokers(&topic.name)? >= COPIES.into()).then_some(COPIES));
        // Minus one asks for the cluster's default.
        let replication = TopicReplication::Fixed(copies.map_or(-1, i32::from));
        let mut wanted = RdNewTopic::new(&topic.name, topic.partitions as i32, replication);
        if copies.is_some_and(|copies| copies >= COPIES) && !topic.settings.contains_key(IN_SYNC.0) {
            wanted = wanted.set(IN_SYNC.0, IN_SYNC.1);
        }
        for (key, value) in &topic.settings {
            wanted = wanted.set(key, value);
        }
        let what = format!("creating topic `{}`", topic.name);
        let results = block_on(self.admin.create_topics([&wanted], &options()))
            .map_err(|error| self.explain(&topic.name, error))?;
        match results.into_iter().next() {
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) | Some(Ok(_)) | None => Ok(()),
            Some(Err((_, code))) => Err(BrokerError::client(what, KafkaError::AdminOp(code))),
        }
    }

    /// Gives a topic more partitions.
    ///
    /// # Errors
    /// Where the cluster refuses.
    pub fn add_partitions(&self, name: &str, partitions: u32) -> Result<(), BrokerError> {
        let wanted = NewPartitions::new(name, partitions as usize);
        let results =
            block_on(self.admin.create_partitions([&wanted], &options())).map_err(|error| self.explain(name, error))?;
        match results.into_iter().next() {
            Some(Err((_, code))) => {
                Err(BrokerError::client(format!("adding partitions to `{name}`"), KafkaError::AdminOp(code)))
            }
            _ => Ok(()),
        }
    }

    /// Sets settings of a topic, and leaves its other own settings as they are.
    ///
    /// # Errors
    /// Where the cluster refuses.
    pub fn set(&self, name: &str, settings: &BTreeMap<String, String>) -> Result<(), BrokerError> {
        // The request replaces all own settings of the topic: those that stay have to be said again.
        let topic = self.topic(name)?;
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        if let Some(topic) = topic {
            for own in topic.own {
                if let Some(value) = topic.settings.get(&own) {
                    all.insert(own, value.clone());
                }
            }
        }
        all.extend(settings.iter().map(|(key, value)| (key.clone(), value.clone())));
        let mut wanted = AlterConfig::new(ResourceSpecifier::Topic(name));
        for (key, value) in &all {
            wanted = wanted.set(key, value);
        }
        let results =
            block_on(self.admin.alter_configs([&wanted], &options())).map_err(|error| self.explain(name, error))?;
        match results.into_iter().next() {
            Some(Err((_, code))) => {
                Err(BrokerError::client(format!("changing topic `{name}`"), KafkaError::AdminOp(code)))
            }
            _ => Ok(()),
        }
    }

    /// Deletes topics. That one is missing is not an error.
    ///
    /// # Errors
    /// Where the cluster refuses.
    pub fn delete(&self, names: &[&str]) -> Result<(), BrokerError> {
        let results = block_on(self.admin.delete_topics(names, &options()))
            .map_err(|error| self.explain(&names.join(", "), error))?;
        for result in results {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((name, code)) => {
                    return Err(BrokerError::client(format!("deleting topic `{name}`"), KafkaError::AdminOp(code)));
                }
            }
        }
        Ok(())
    }

    fn explain(&self, topic: &str, error: KafkaError) -> BrokerError {
        drop(self.reader.poll(Duration::from_millis(10)));
        match error.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::AllBrokersDown,
            ) => self.reports.explain(&self.bootstrap),
            _ => BrokerError::client(format!("topic `{topic}`"), error),
        }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(REQUEST)).operation_timeout(Some(REQUEST))
}
