//! Which topics and partitions there are to read, and where one begins.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use broker::{BrokerError, Reports};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use regex::Regex;
use stream::{Start, Topics};

use crate::KafkaError;

/// How long the cluster may take to answer.
const REQUEST: Duration = Duration::from_secs(10);

/// The topics of a source.
pub(super) struct Catalog {
    reader: Arc<BaseConsumer<Reports>>,
    named: Vec<String>,
    pattern: Option<Regex>,
    /// What a pattern never means: topics that the stream itself writes.
    own: Vec<String>,
}

impl Catalog {
    pub(super) fn new(
        reader: Arc<BaseConsumer<Reports>>,
        definition: &stream::Kafka,
        own: &Topics,
    ) -> Result<Self, KafkaError> {
        let pattern = definition.pattern.as_ref().map(|pattern| Regex::new(&format!("^(?:{pattern})$"))).transpose();
        let pattern = pattern.map_err(|error| {
            let message = format!("`pattern` is not a regular expression: {error}");
            KafkaError::Source(source::SourceError::Input { message })
        })?;
        let own = match definition.cluster {
            None => own.all().map(str::to_owned).to_vec(),
            Some(_) => Vec::new(),
        };
        Ok(Self { reader, named: definition.named().into_iter().map(str::to_owned).collect(), pattern, own })
    }

    /// How many partitions each topic has that is there now.
    pub(super) fn partitions(&self) -> Result<BTreeMap<String, u32>, KafkaError> {
        let mut found = BTreeMap::new();
        let fail = |error| BrokerError::client("listing the topics of the source", error);
        match &self.pattern {
            Some(pattern) => {
                let metadata = self.reader.fetch_metadata(None, REQUEST).map_err(fail)?;
                let is_meant = |name: &str| {
                    pattern.is_match(name) && !name.starts_with("__") && !self.own.iter().any(|own| own == name)
                };
                for topic in metadata.topics().iter().filter(|topic| is_meant(topic.name())) {
                    found.insert(topic.name().to_owned(), topic.partitions().len() as u32);
                }
            }
            None => {
                for name in &self.named {
                    let metadata = self.reader.fetch_metadata(Some(name), REQUEST).map_err(fail)?;
                    let topics = metadata.topics().iter().filter(|topic| topic.name() == name);
                    found.extend(topics.map(|topic| (name.clone(), topic.partitions().len() as u32)));
                }
            }
        }
        found.retain(|_, partitions| *partitions > 0);
        Ok(found)
    }

    /// A topic that is named and not among these.
    pub(super) fn missing(&self, found: &BTreeMap<String, u32>) -> Option<&str> {
        self.named.iter().map(String::as_str).find(|name| !found.contains_key(*name))
    }

    /// The first offset that is still there, and the one that the next message will have.
    pub(super) fn range(&self, topic: &str, partition: u32) -> Result<(i64, i64), KafkaError> {
        Ok(broker::range(&*self.reader, topic, partition)?)
    }

    /// Where a first start begins.
    pub(super) fn first(&self, start: Start, topic: &str, partition: u32) -> Result<i64, KafkaError> {
        let (first, end) = self.range(topic, partition)?;
        let time = match start {
            Start::Earliest => return Ok(first),
            Start::Latest => return Ok(end),
            Start::Time(time) => time,
        };
        let fail = |error| BrokerError::client("looking for a time in the source", error);
        let mut asked = TopicPartitionList::new();
        asked.add_partition_offset(topic, partition as i32, Offset::Offset(time)).map_err(fail)?;
        let found = self.reader.offsets_for_times(asked, REQUEST).map_err(fail)?;
        match found.find_partition(topic, partition as i32).map(|found| found.offset()) {
            Some(Offset::Offset(offset)) => Ok(offset),
            _ => Ok(end),
        }
    }
}
