//! Messages of the source: polled, made events of, and sent in the open transaction.

use std::time::{Duration, Instant};

use broker::Reports;
use opentelemetry::trace::SpanContext;
use rdkafka::{consumer::BaseConsumer, error::KafkaError as ClientError, message::Message, types::RDKafkaErrorCode};
use registry::RegistryError;

use super::{
    super::{
        lane::{Seen, lane_of},
        polled::{Polled, reading_failed},
    },
    state::Session,
};
use crate::{
    GeneratorNote, KafkaError,
    clock::now_millis,
    generator::outlet::{Origin, Whence},
    messages::{probe, traceparent::parent},
};

/// Messages of a batch at most.
const BATCH_MESSAGES_MAX: usize = 16_384;
/// Bytes of a batch at most.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// How long a poll waits for the first message.
const IDLE: Duration = Duration::from_millis(20);

/// Messages, by their place in the batch, and when it was read.
struct Fresh<'b, 'm>(&'b [&'b Polled<'m>], i64);

impl Whence for Fresh<'_, '_> {
    fn origin(&self, position: u64) -> Origin {
        let message = &self.0[position as usize].0;
        let (partition, offset) = (Some(message.partition() as u32), message.offset() as u64);
        Origin { topic: message.topic().to_owned(), partition, offset }
    }

    fn trace(&self, position: u64) -> Option<SpanContext> {
        parent(&self.0[position as usize].0)
    }

    fn taken_in(&self, _: u64) -> i64 {
        self.1
    }
}

impl Session<'_> {
    /// Polls messages until there are enough or none is left.
    pub(super) fn gather<'m>(&mut self, source: &'m BaseConsumer<Reports>) -> Result<Vec<Polled<'m>>, KafkaError> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_MESSAGES_MAX && bytes < BATCH_BYTES_MAX {
            let patience = if batch.is_empty() { IDLE } else { Duration::ZERO };
            match source.poll(patience) {
                Some(Ok(message)) => {
                    bytes += message.payload_len();
                    batch.push(Polled(message));
                }
                Some(Err(error)) => self.heard(error)?,
                None => break,
            }
        }
        Ok(batch)
    }

    /// Errors of a poll: most pass by themselves, the client goes on trying.
    fn heard(&mut self, source: ClientError) -> Result<(), KafkaError> {
        use RDKafkaErrorCode as Code;
        match source {
            ClientError::MessageConsumptionFatal(_) => Err(reading_failed(source)),
            // A topic that is gone may be created again, or messages may be deleted: what is there now is looked at anew.
            ClientError::MessageConsumption(
                Code::AutoOffsetReset
                | Code::OffsetOutOfRange
                | Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition,
            ) => {
                tracing::warn!(error = %source, "the topics are looked at again");
                Err(KafkaError::Aborted { what: "reading the source", source })
            }
            _ => {
                tracing::debug!(error = %source, "reading");
                Ok(())
            }
        }
    }

    /// Makes events of messages and sends them in the open transaction.
    pub(super) fn process(&mut self, batch: &[Polled<'_>]) -> Result<(), KafkaError> {
        let lanes = self.generator.stream.definition.spec.partitions;
        let mut fresh: Vec<&Polled<'_>> = Vec::with_capacity(batch.len());
        let mut of = Vec::with_capacity(batch.len());
        let (mut at, mut number) = ((String::new(), 0), 0);
        for message in batch {
            let (topic, partition) = (message.0.topic(), message.0.partition() as u32);
            if at.0 != topic || at.1 != partition {
                at = (topic.to_owned(), partition);
                number = lane_of(topic, partition, lanes);
            }
            let (offset, time) = (message.0.offset(), message.time().unwrap_or(-1));
            let Some(lane) = self.lanes.get_mut(&number) else { continue };
            match lane.see(&at, offset, time) {
                Some(Seen::New) => {
                    lane.advance(&at, offset, time);
                    // Another stream's probes are not events of this one.
                    if probe::header(&message.0).is_some() {
                        lane.note.skipped += 1;
                        self.outlet.begin(Instant::now())?;
                        continue;
                    }
                    of.push(number);
                    fresh.push(message);
                }
                Some(Seen::Other) => return self.begin_again(number, &at),
                Some(Seen::Old) | None => {}
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        for id in self.reader.unknown(&fresh) {
            match self.registry.schema(id) {
                Ok(schema) => self.reader.learn(id, Ok(&schema)),
                Err(error @ RegistryError::UnknownId { .. }) => self.reader.learn(id, Err(error.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
        let read = self.reader.read(&fresh)?;
        let dead = self.outlet.send((read.records, Instant::now()), &Fresh(&fresh, now_millis()))?;
        self.probing.sent_records(true);
        for number in &of {
            self.count(*number, |note| note.sent += 1);
        }
        for index in dead {
            self.count(of[index as usize], |note| {
                note.sent -= 1;
                note.dead_lettered += 1;
            });
        }
        for index in read.skipped {
            self.count(of[index as usize], |note| {
                note.sent -= 1;
                note.skipped += 1;
            });
        }
        Ok(())
    }

    fn count(&mut self, lane: u32, change: impl Fn(&mut GeneratorNote)) {
        if let Some(lane) = self.lanes.get_mut(&lane) {
            change(&mut lane.note);
        }
    }
}
