//! What a user may do with topics, groups and transactions, found out by trying what changes nothing.
//!
//! Kafka's own description of rights is not in the client library. So a read asks for the end of a topic, and a write
//! sends a record that the broker refuses once it has looked at the right to write: one without a key for a compacted
//! topic, and one that is too large for any other.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::DeliveryResult,
    producer::{BaseProducer, BaseRecord, NoCustomPartitioner, Producer, ProducerContext},
};

use crate::{BrokerError, Connection, Offsets, Reports, Topic, is_forbidden};

/// How long an attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long one wait for an answer is.
const LOOK: Duration = Duration::from_millis(100);
/// What a record may have above its value.
const FRAMING_BYTES: usize = 64 << 10;
/// The largest record that is sent to be refused.
const REFUSED_BYTES_MAX: usize = 32 << 20;
/// The most that a topic takes where its settings do not say so.
const MESSAGE_BYTES: usize = 1 << 20;

/// Tries what a user may do.
pub struct Rights {
    connection: Connection,
    offsets: Offsets,
}

impl Rights {
    /// Connects.
    ///
    /// # Errors
    /// Where the settings make no client.
    pub fn connect(connection: &Connection) -> Result<Self, BrokerError> {
        Ok(Self { connection: connection.clone(), offsets: Offsets::connect(connection)? })
    }

    /// Whether records of a topic may be read; reads none.
    ///
    /// # Errors
    /// [`BrokerError::Forbidden`] where not, others where the cluster does not answer.
    pub fn read(&self, topic: &str) -> Result<(), BrokerError> {
        let what = format!("reading topic `{topic}`");
        let reports = Reports::default();
        let consumer: BaseConsumer<Reports> = self.connection.client(reports.clone(), |config| {
            config.set("group.id", "beamline.rights").set("enable.auto.commit", "false");
            config.set("enable.partition.eof", "true").set("fetch.wait.max.ms", "10");
        })?;
        let mut end = TopicPartitionList::new();
        let assigned = end.add_partition_offset(topic, 0, Offset::End).and_then(|()| consumer.assign(&end));
        assigned.map_err(|error| BrokerError::client(&what, error))?;
        let begun = Instant::now();
        while begun.elapsed() < ATTEMPT {
            match consumer.poll(LOOK) {
                Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                // Nobody joins the group of this reader, so it needs no rights.
                Some(Err(error)) if error.rdkafka_error_code() == Some(Code::TopicAuthorizationFailed) => {
                    return Err(BrokerError::client(what, error));
                }
                Some(Err(_)) | None => {}
            }
        }
        Err(reports.explain(&self.connection.bootstrap))
    }

    /// Whether records may be written to a topic; writes none. False where that cannot be tried, because the topic
    /// takes records that are too large to send one that is larger.
    ///
    /// # Errors
    /// [`BrokerError::Forbidden`] where not, others where the cluster does not answer.
    pub fn write(&self, name: &str, topic: &Topic) -> Result<bool, BrokerError> {
        let setting = |name: &str| topic.settings.get(name).map(String::as_str).unwrap_or_default();
        let bytes = match setting("cleanup.policy").contains("compact") {
            true => 0,
            false => setting("max.message.bytes").parse().unwrap_or(MESSAGE_BYTES).saturating_add(1),
        };
        if bytes > REFUSED_BYTES_MAX {
            return Ok(false);
        }
        let answer = Answer::default();
        let producer: BaseProducer<Answer> = self.connection.client(answer.clone(), |config| {
            config.set("message.max.bytes", (bytes + FRAMING_BYTES).to_string()).set("compression.type", "none");
            config.set("message.timeout.ms", ATTEMPT.as_millis().to_string()).set("acks", "1").set("linger.ms", "0");
        })?;
        let what = || format!("writing to topic `{name}`");
        let value = vec![0; bytes];
        let record = BaseRecord::<(), [u8]>::to(name).payload(&value).partition(0);
        producer.send(record).map_err(|(error, _)| BrokerError::client(what(), error))?;
        let begun = Instant::now();
        while begun.elapsed() < ATTEMPT + LOOK {
            producer.poll(LOOK);
            match answer.take() {
                None => {}
                Some(None | Some(Code::InvalidRecord | Code::MessageSizeTooLarge)) => return Ok(true),
                Some(Some(Code::MessageTimedOut)) => break,
                Some(Some(code)) => return Err(BrokerError::client(what(), KafkaError::MessageProduction(code))),
            }
        }
        Err(answer.reports.explain(&self.connection.bootstrap))
    }

    /// Whether transactions of this id may be made; begins none. A running producer of the id would be fenced: give one
    /// that nobody uses, with the same beginning as those that are used.
    ///
    /// # Errors
    /// [`BrokerError::Forbidden`] where not, others where the cluster does not answer.
    pub fn transact(&self, id: &str) -> Result<(), BrokerError> {
        let producer: BaseProducer<Reports> = self.connection.client(Reports::default(), |config| {
            config.set("transactional.id", id);
        })?;
        let begun = producer.init_transactions(ATTEMPT);
        begun.map_err(|error| BrokerError::client(format!("transactions with ids such as `{id}`"), error))
    }

    /// Whether a group's offsets in a topic may be seen; joins no group.
    ///
    /// # Errors
    /// [`BrokerError::Forbidden`] where not, others where the cluster does not answer.
    pub fn group(&self, group: &str, topic: &str) -> Result<(), BrokerError> {
        let seen = self.offsets.committed(group, topic, &[0]).map(drop);
        seen.map_err(|error| match error {
            BrokerError::Client { source, .. } if source.rdkafka_error_code().is_some_and(is_forbidden) => {
                BrokerError::Forbidden { what: format!("group `{group}`") }
            }
            error => error,
        })
    }
}

/// What the broker says of the one record that was sent: nothing where it took it.
#[derive(Debug, Clone, Default)]
struct Answer {
    reports: Reports,
    code: Arc<Mutex<Option<Option<Code>>>>,
}

impl Answer {
    fn take(&self) -> Option<Option<Code>> {
        self.code.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Answer {
    fn error(&self, error: KafkaError, reason: &str) {
        self.reports.error(error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for Answer {
    type DeliveryOpaque = ();

    fn delivery(&self, delivered: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        let code = delivered.as_ref().err().and_then(|(error, _)| error.rdkafka_error_code());
        *self.code.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
    }
}
