//! Notes as records of a compacted topic: JSON values, which a person can read with any tool.
//!
//! The topic has one partition, so that offsets number the notes the same way for every process. A note counts as written
//! once all replicas have it that must.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use broker::{BrokerError, Connection, Reports};
use rdkafka::{
    ClientContext, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::DeliveryResult,
    producer::{BaseProducer, BaseRecord, NoCustomPartitioner, Producer, ProducerContext},
};
use store::{NOTES_MAX, Note};
use web::{NotKept, Notes};

use crate::error::DashboardError;

/// How long the cluster may take to keep a note.
const KEEP_MAX: Duration = Duration::from_secs(10);
/// Bytes of all notes at most.
const NOTES_BYTES_MAX: usize = 64 << 20;

/// The notes of a stream.
pub(crate) struct TopicNotes {
    topic: String,
    producer: BaseProducer<Deliveries>,
    /// What makes the keys of this process's notes its own.
    process: String,
    count: AtomicU64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// By offset.
    notes: BTreeMap<u64, Note>,
    bytes: usize,
}

impl Known {
    /// Adds a note; says whether it is a new one.
    fn add(&mut self, offset: u64, note: Note, bytes: usize) -> bool {
        let full = self.notes.len() >= NOTES_MAX || self.bytes + bytes > NOTES_BYTES_MAX;
        if full || self.notes.contains_key(&offset) {
            return false;
        }
        self.bytes += bytes;
        self.notes.insert(offset, note);
        true
    }
}

/// Hears whether the cluster has kept a note.
struct Deliveries;

type Answer = SyncSender<Result<u64, String>>;

impl ClientContext for Deliveries {}

impl ProducerContext<NoCustomPartitioner> for Deliveries {
    type DeliveryOpaque = Box<Answer>;

    fn delivery(&self, result: &DeliveryResult<'_>, answer: Box<Answer>) {
        let result = match result {
            Ok(message) => Ok(message.offset().max(0) as u64),
            Err((error, _)) => Err(error.to_string()),
        };
        // Whoever asked may have given up.
        let _ = answer.try_send(result);
    }
}

impl TopicNotes {
    /// Connects; nothing is known before [`TopicNotes::follow`] has read it.
    pub(crate) fn connect(connection: &Connection, topic: String, process: &str) -> Result<Self, BrokerError> {
        let producer = connection.client(Deliveries, |config| {
            config
                .set("enable.idempotence", "true")
                .set("acks", "all")
                .set("message.timeout.ms", KEEP_MAX.as_millis().to_string());
        })?;
        Ok(Self { topic, producer, process: process.to_owned(), count: AtomicU64::new(0), known: Mutex::default() })
    }

    /// Reads what is there and what comes, from any process, until `stopping` says so; `take` is given each new note.
    pub(crate) fn follow(
        &self,
        connection: &Connection,
        take: &dyn Fn(&Note),
        stopping: &dyn Fn() -> bool,
    ) -> Result<(), DashboardError> {
        let reader: BaseConsumer<Reports> = connection.client(Reports::default(), |config| {
            config
                // Never joined; the client wants a name to assign partitions by hand.
                .set("group.id", "beamline.reader")
                .set("enable.auto.commit", "false");
        })?;
        let fail = |source| DashboardError::Client { what: "reading notes", source };
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(&self.topic, 0, Offset::Beginning).map_err(fail)?;
        reader.assign(&all).map_err(fail)?;
        while !stopping() {
            match reader.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    let bytes = message.payload().unwrap_or_default();
                    if let Some(note) = self.learn(message.offset().max(0) as u64, bytes) {
                        take(&note);
                    }
                }
                Some(Err(error)) => tracing::debug!(%error, topic = self.topic, "reading notes"),
                None => {}
            }
        }
        Ok(())
    }

    fn learn(&self, offset: u64, bytes: &[u8]) -> Option<Note> {
        let note = match serde_json::from_slice::<Note>(bytes) {
            Ok(note) => Note { id: id(offset), ..note },
            Err(error) => {
                tracing::warn!(%error, topic = self.topic, offset, "a record is not a note");
                return None;
            }
        };
        self.lock().add(offset, note.clone(), bytes.len()).then_some(note)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, at: i64, value: &str) -> Result<u64, String> {
        // A key that comes again would replace the note before.
        let key = format!("{}-{at}-{}", self.process, self.count.fetch_add(1, Ordering::Relaxed));
        let (answer, answered) = sync_channel(1);
        let record = BaseRecord::with_opaque_to(&self.topic, Box::new(answer)).partition(0).key(&key).payload(value);
        self.producer.send(record).map_err(|(error, _)| error.to_string())?;
        let begun = Instant::now();
        // The client gives up by itself a moment earlier.
        while begun.elapsed() < KEEP_MAX + Duration::from_secs(2) {
            self.producer.poll(Duration::from_millis(10));
            if let Ok(result) = answered.try_recv() {
                return result;
            }
        }
        self.producer.purge(rdkafka::producer::PurgeConfig::default().queue());
        Err("the cluster has not answered".to_owned())
    }
}

/// A note's number: its offset, counted from 1.
fn id(offset: u64) -> String {
    (offset + 1).to_string()
}

impl Notes for TopicNotes {
    fn list(&self) -> Vec<Note> {
        self.lock().notes.values().cloned().collect()
    }

    fn append(&self, note: Note) -> Result<Note, NotKept> {
        {
            let known = self.lock();
            if known.notes.len() >= NOTES_MAX || known.bytes >= NOTES_BYTES_MAX {
                return Err(NotKept(format!("there are {} notes, which is as many as are kept", known.notes.len())));
            }
        }
        let value = serde_json::to_string(&note).map_err(|error| NotKept(error.to_string()))?;
        let offset = self.send(note.at, &value).map_err(|error| NotKept(format!("topic `{}`: {error}", self.topic)))?;
        let note = Note { id: id(offset), ..note };
        self.lock().add(offset, note.clone(), value.len());
        Ok(note)
    }
}
