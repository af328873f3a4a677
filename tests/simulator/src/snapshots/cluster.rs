//! A cluster that keeps nothing: it gives events when their time has come, and counts what it is given.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use broker::{BrokerError, Committed};
use kafka::{
    Clock, Cluster, Event, Intake, KafkaError, Member, Note, Owner, PartitionReader, Positions, Producer, Refused,
    Seen, Task,
};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList, error::KafkaError as ClientError, message::OwnedMessage,
    producer::BaseRecord,
};

use super::{Taken, events::Events};
use crate::scenario::BEGUN_MILLIS;

/// The cluster, as the only worker there is sees it.
#[derive(Clone)]
pub(super) struct Counting(Arc<Shared>);

struct Shared {
    begun: Instant,
    state: Mutex<State>,
    /// Events a second.
    rate: f64,
    /// Events that count for nothing, and events that count.
    records: u64,
    stop: Arc<AtomicBool>,
    partitions: u32,
    state_topic: String,
}

struct State {
    events: Events,
    /// Microseconds since the beginning.
    now: u64,
    given: u64,
    taken: Taken,
    /// How many records of each partition would be read again.
    behind: BTreeMap<i32, u64>,
    assigned: bool,
}

impl Counting {
    pub(super) fn new(events: Events, rate: f64, records: u64, stop: Arc<AtomicBool>) -> Self {
        let partitions = events.stream.definition.spec.partitions;
        let state_topic = events.stream.topics().detector_state;
        let taken = Taken::default();
        let state = State { events, now: 0, given: 0, taken, behind: BTreeMap::new(), assigned: false };
        let (begun, state) = (Instant::now(), Mutex::new(state));
        Self(Arc::new(Shared { begun, state, rate, records, stop, partitions, state_topic }))
    }

    /// What was counted.
    pub(super) fn taken(&self) -> Taken {
        self.lock().taken
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Counting {
    fn now(&self) -> Instant {
        self.0.begun + Duration::from_micros(self.lock().now)
    }

    fn millis(&self) -> i64 {
        BEGUN_MILLIS + (self.lock().now / 1000) as i64
    }

    fn sleep(&self, wait: Duration) {
        self.lock().now += wait.as_micros() as u64;
    }
}

impl Cluster for Counting {
    type Member = Self;
    type Producer = Self;
    type Positions = Self;
    type Reader = Self;

    fn member(&self, _: &dyn Fn(&mut ClientConfig), _: &str) -> Result<Self, KafkaError> {
        Ok(self.clone())
    }

    fn producer(&self, _: &str, _: Duration, _: usize) -> Result<Self, KafkaError> {
        Ok(self.clone())
    }

    fn positions(&self) -> Result<Self, BrokerError> {
        Ok(self.clone())
    }

    fn reader(&self, _: &str) -> Result<Self, BrokerError> {
        Ok(self.clone())
    }

    fn spawn(&self, _: String, task: Task) -> io::Result<()> {
        task();
        Ok(())
    }
}

impl Owner for Counting {
    fn assignment_lost(&self) -> bool {
        false
    }
}

impl Member for Counting {
    type Message<'a> = OwnedMessage;

    fn take(&self, batch: &mut Vec<OwnedMessage>, _: usize, wait: Duration) -> Vec<ClientError> {
        let mut state = self.lock();
        if !state.assigned {
            return Vec::new();
        }
        let comes = (state.given as f64 / self.0.rate * 1e6) as u64;
        let until = state.now + wait.as_micros() as u64;
        if comes > until {
            state.now = until;
            return Vec::new();
        }
        state.now = state.now.max(comes);
        let millis = BEGUN_MILLIS + (state.now / 1000) as i64;
        let Ok(message) = state.events.next(millis) else { return vec![ClientError::NoMessageReceived] };
        state.given += 1;
        if state.given > self.0.records {
            state.taken.records += 1;
            let bytes = message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len);
            state.taken.bytes += bytes as u64;
        }
        if state.given >= 2 * self.0.records {
            self.0.stop.store(true, Ordering::Relaxed);
        }
        batch.push(message);
        Vec::new()
    }

    fn next_event(&self) -> Option<Event> {
        if std::mem::replace(&mut self.lock().assigned, true) {
            return None;
        }
        let mut list = TopicPartitionList::new();
        for partition in 0..self.0.partitions {
            list.add_partition("enriched", partition as i32);
        }
        Some(Event::Assigned(list))
    }

    fn has_event(&self) -> bool {
        !self.lock().assigned
    }

    fn seen(&self) -> Option<BTreeMap<u32, Seen>> {
        None
    }

    fn hold(&self, _: &str, _: &[u32]) -> Result<(), KafkaError> {
        Ok(())
    }

    fn start(&self, _: &str, starts: &[(u32, i64)]) -> Result<Vec<u32>, KafkaError> {
        Ok(starts.iter().map(|(partition, _)| *partition).collect())
    }

    fn pause(&self, _: &str, _: &[u32]) -> Result<(), KafkaError> {
        Ok(())
    }

    fn give_back(&self, _: &TopicPartitionList) -> Result<(), KafkaError> {
        Ok(())
    }

    fn leave(&self) {}
}

impl Intake for Counting {
    fn send<'r>(&self, record: BaseRecord<'r, [u8], [u8]>) -> Result<(), Refused<'r>> {
        let mut state = self.lock();
        if record.topic == self.0.state_topic && state.given > self.0.records {
            let bytes = record.key.map_or(0, <[u8]>::len) + record.payload.map_or(0, <[u8]>::len);
            state.taken.state_records += 1;
            state.taken.state_bytes += bytes as u64;
        }
        Ok(())
    }

    fn serve(&self, _: Duration) {}
}

impl Producer<Self> for Counting {
    type Intake = Self;

    fn client(&self) -> &Self {
        self
    }

    fn begin(&self) -> Result<(), KafkaError> {
        Ok(())
    }

    fn flush(&self, _: Duration) -> Result<(), KafkaError> {
        Ok(())
    }

    fn add_offsets(&self, _: &Self, list: TopicPartitionList, _: Duration) -> Result<(), KafkaError> {
        let mut state = self.lock();
        for element in list.elements() {
            let (Offset::Offset(next), Ok(note)) = (element.offset(), Note::parse(element.metadata())) else {
                continue;
            };
            state.behind.insert(element.partition(), (next - note.horizon).max(0) as u64);
        }
        if state.given > self.0.records {
            state.taken.read_again = state.taken.read_again.max(state.behind.values().sum());
        }
        Ok(())
    }

    fn end(&self, _: Duration) -> Result<(), KafkaError> {
        Ok(())
    }

    fn abort(&self) -> Result<(), KafkaError> {
        Ok(())
    }
}

impl Positions for Counting {
    fn partitions(&self, _: &str) -> Result<u32, BrokerError> {
        Ok(self.0.partitions)
    }

    fn range(&self, _: &str, _: u32) -> Result<(i64, i64), BrokerError> {
        Ok((0, 0))
    }

    fn stable_end(&self, _: &str, _: u32) -> Result<i64, BrokerError> {
        Ok(0)
    }

    fn at_time(&self, _: &str, _: u32, _: i64) -> Result<i64, BrokerError> {
        Ok(0)
    }

    fn committed(&self, _: &str, _: &str, _: u32) -> Result<Option<Committed>, BrokerError> {
        Ok(None)
    }

    fn decided(&self, _: &str, _: &str, _: u32) -> Result<Option<Committed>, BrokerError> {
        Ok(None)
    }
}

impl PartitionReader for Counting {
    type Message<'a> = OwnedMessage;

    fn assign(&self, _: &str, _: u32, _: Offset) -> Result<(), ClientError> {
        Ok(())
    }

    fn unassign(&self) -> Result<(), ClientError> {
        Ok(())
    }

    fn poll(&self, _: Duration) -> Option<Result<OwnedMessage, ClientError>> {
        Some(Err(ClientError::PartitionEOF(0)))
    }
}
