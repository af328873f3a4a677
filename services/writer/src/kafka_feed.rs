//! Rows out of Kafka.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use arrow::array::Int64Array;
use kafka::{KafkaError, ReadTopic, Reader};
use sink::{Batch, Positions, Probe, Table, TopicPartition};
use stores::Source;

use crate::{Feed, FeedError};

/// Rows out of Kafka, as a member of a consumer group.
pub struct KafkaFeed {
    reader: Reader,
    tables: HashMap<String, Table>,
}

impl KafkaFeed {
    /// Joins `group`, for a store that traces call `store`.
    ///
    /// # Errors
    /// Where the settings make no client.
    pub fn new(
        connection: &broker::Connection,
        registry: &registry::Registry,
        group: &str,
        sources: &[Source],
        store: &str,
    ) -> Result<Self, KafkaError> {
        let topics =
            sources.iter().map(|source| ReadTopic { name: source.topic.clone(), schema: source.schema.clone() });
        let topics: Vec<ReadTopic> = topics.collect();
        Ok(Self {
            reader: Reader::subscribe(connection, registry, group, &topics, store)?,
            tables: sources.iter().map(|source| (source.topic.clone(), source.table)).collect(),
        })
    }
}

impl Feed for KafkaFeed {
    fn next(&mut self, wait: Duration) -> Result<Vec<Batch>, FeedError> {
        let received = self.reader.next(wait).map_err(|error| FeedError::Failed(error.to_string()))?;
        let batch = |received: kafka::Received| {
            let Some(table) = self.tables.get(&received.topic) else {
                return Err(FeedError::Failed(format!("nobody asked for topic {}", received.topic)));
            };
            if let Some(kafka::Unreadable { position, reason, .. }) = received.rejected.first() {
                // Our own services wrote the topic: going on would lose what nobody else has.
                return Err(FeedError::Failed(format!(
                    "the message at offset {position} of {}, partition {}, cannot be read: {reason}",
                    received.topic, received.partition
                )));
            }
            Ok(Batch {
                table: *table,
                topic: received.topic,
                partition: received.partition,
                rows: received.rows,
                positions: received.positions,
                times: Int64Array::from(received.times),
                keys: (*table == Table::Aggregates).then_some(received.keys),
                probes: received.probes.into_iter().map(probe).collect(),
                next: received.next,
            })
        };
        received.into_iter().map(batch).collect()
    }

    fn moved(&mut self) -> BTreeSet<TopicPartition> {
        self.reader.moved()
    }

    fn is_waiting(&self) -> bool {
        self.reader.is_waiting()
    }

    fn begin(&mut self, stored: &Positions) -> Result<(), FeedError> {
        match self.reader.begin(&stored.kept, &stored.found) {
            Err(error) if error.is_passing() => Err(FeedError::Moved(error.to_string())),
            begun => begun.map_err(|error| FeedError::Failed(error.to_string())),
        }
    }

    fn pause(&mut self, paused: bool) -> Result<(), FeedError> {
        self.reader.pause(paused).map_err(|error| FeedError::Failed(error.to_string()))
    }

    fn confirm(&mut self, held: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError> {
        self.reader.confirm(held).map_err(|error| FeedError::Moved(error.to_string()))
    }

    fn lags(&self) -> Option<BTreeMap<u32, u64>> {
        self.reader.lags()
    }

    fn is_assigned(&self) -> bool {
        !self.reader.assigned().is_empty()
    }

    fn note(&mut self, at: TopicPartition, text: String) {
        self.reader.note(at, text);
    }

    fn commit(&mut self, next: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError> {
        let ours = self.reader.assigned();
        let next: BTreeMap<_, _> =
            next.iter().filter(|(at, _)| ours.contains(at)).map(|(at, n)| (at.clone(), *n)).collect();
        // The group may change hands between the look and the commit.
        self.reader.commit(&next).map_err(|error| FeedError::Moved(error.to_string()))
    }
}

fn probe((position, probe): (u64, kafka::Probe)) -> Probe {
    Probe { position, sequence: probe.sequence, sent: probe.sent }
}
