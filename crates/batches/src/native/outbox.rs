//! Values lent to a producer.

use std::{
    cell::RefCell,
    ffi::{CString, c_void},
    ops::Deref,
    ptr::{self, NonNull},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use rdkafka::{
    bindings::{
        RD_KAFKA_MSG_F_COPY, rd_kafka_producev, rd_kafka_topic_destroy, rd_kafka_topic_new, rd_kafka_topic_t,
        rd_kafka_vtype_t,
    },
    error::{IsError, KafkaError, KafkaResult},
    producer::{BaseProducer, BaseRecord, Producer, ProducerContext},
};

/// A record that was not taken, and why.
type Refused<'r> = (KafkaError, BaseRecord<'r, [u8], [u8]>);

/// A producer, to be shared with other threads.
pub struct Client<C: ProducerContext + 'static>(Arc<Shared<C>>);

struct Shared<C: ProducerContext + 'static> {
    // Dropped in this order: a client that is gone has forgotten what it was lent.
    client: BaseProducer<C>,
    lent: Mutex<Vec<Bytes>>,
}

impl<C: ProducerContext + 'static> Clone for Client<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: ProducerContext + 'static> Deref for Client<C> {
    type Target = BaseProducer<C>;

    fn deref(&self) -> &BaseProducer<C> {
        &self.0.client
    }
}

/// What hands records to a producer, and lends it their values.
pub struct Outbox<C: ProducerContext + 'static> {
    // Dropped in this order: topics before their client.
    topics: RefCell<Vec<Topic>>,
    now: RefCell<Now>,
    client: Client<C>,
}

/// What is lent.
#[derive(Default)]
struct Now {
    /// The memory that the last value was of.
    last: Option<Bytes>,
    /// How many bytes there are in all.
    bytes: usize,
}

impl<C: ProducerContext<DeliveryOpaque = ()> + 'static> Outbox<C> {
    /// Bytes that are lent at most: what is above is copied.
    pub const LENT_MAX: usize = 16 << 20;

    /// An outbox of a producer.
    pub fn new(client: BaseProducer<C>) -> Self {
        let client = Client(Arc::new(Shared { client, lent: Mutex::default() }));
        Self { topics: RefCell::default(), now: RefCell::default(), client }
    }

    /// The producer.
    pub fn client(&self) -> &Client<C> {
        &self.client
    }

    /// Hands a record over. Its value is lent where it is a part of `memory`, and else copied; its key is always copied, and a
    /// record with headers as a whole.
    ///
    /// # Errors
    /// Where the queue is full, or the record is not one for its topic: then it is given back.
    #[allow(clippy::result_large_err, reason = "as the client's own")]
    pub fn send<'r>(&self, record: BaseRecord<'r, [u8], [u8]>, memory: &Bytes) -> Result<(), Refused<'r>> {
        if record.headers.is_some() {
            return self.client.send(record);
        }
        let flags = if record.payload.is_some_and(|value| self.lends(value, memory)) { 0 } else { RD_KAFKA_MSG_F_COPY };
        match self.produce(&record, flags) {
            Ok(()) => Ok(()),
            Err(error) => Err((error, record)),
        }
    }

    /// Takes back all that was lent, where the client has no message any more. Says whether it was.
    pub fn take_back(&self) -> bool {
        // Whoever counts messages in the client has let go of the values before, and nobody else lends meanwhile: this is the
        // only outbox of the client, and is not shared between threads.
        let over = self.client.in_flight_count() == 0;
        if over {
            self.now.take();
            self.client.0.lent.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        over
    }

    /// Whether a value is lent: it is a part of `memory`, which is kept from now on.
    fn lends(&self, value: &[u8], memory: &Bytes) -> bool {
        if !is_part(value, memory) {
            return false;
        }
        let mut now = self.now.borrow_mut();
        if now.last.as_ref().is_some_and(|last| last.as_ptr_range() == memory.as_ptr_range()) {
            return true;
        }
        if now.bytes + memory.len() > Self::LENT_MAX {
            return false;
        }
        now.bytes += memory.len();
        now.last = Some(memory.clone());
        self.client.0.lent.lock().unwrap_or_else(PoisonError::into_inner).push(memory.clone());
        true
    }

    /// Hands a record without headers over.
    fn produce(&self, record: &BaseRecord<'_, [u8], [u8]>, flags: i32) -> KafkaResult<()> {
        let (value, value_len) = parts(record.payload);
        let (key, key_len) = parts(record.key);
        let topic = self.topic(record.topic)?;
        // SAFETY: the client and the topic live; each argument is of the type that its tag says, and the last one ends them. The key
        // is copied. So is the value, or `lends` has kept its memory, until the client has no message any more or is gone.
        let produced = unsafe {
            rd_kafka_producev(
                self.client.client().native_ptr(),
                rd_kafka_vtype_t::RD_KAFKA_VTYPE_RKT,
                topic.as_ptr(),
                rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION,
                record.partition.unwrap_or(-1),
                rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS,
                flags,
                rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE,
                value,
                value_len,
                rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY,
                key,
                key_len,
                rd_kafka_vtype_t::RD_KAFKA_VTYPE_TIMESTAMP,
                record.timestamp.unwrap_or(0),
                rd_kafka_vtype_t::RD_KAFKA_VTYPE_END,
            )
        };
        if produced.is_error() { Err(KafkaError::MessageProduction(produced.into())) } else { Ok(()) }
    }

    /// The client's topic of a name. A client has few.
    fn topic(&self, name: &str) -> KafkaResult<NonNull<rd_kafka_topic_t>> {
        let mut topics = self.topics.borrow_mut();
        if let Some(topic) = topics.iter().find(|topic| topic.name == name) {
            return Ok(topic.native);
        }
        let text = CString::new(name)?;
        // SAFETY: the client lives, the name ends with a zero, and the client's own settings of topics are taken.
        let native = unsafe { rd_kafka_topic_new(self.client.client().native_ptr(), text.as_ptr(), ptr::null_mut()) };
        let native = NonNull::new(native).ok_or_else(|| KafkaError::ClientCreation(format!("topic `{name}`")))?;
        topics.push(Topic { name: name.to_owned(), native });
        Ok(native)
    }
}

/// A topic of a client, which lives longer.
struct Topic {
    name: String,
    native: NonNull<rd_kafka_topic_t>,
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: the topic is given back once, and its outbox drops it before the client. Messages in the client keep it by counts
        // of their own.
        unsafe { rd_kafka_topic_destroy(self.native.as_ptr()) }
    }
}

/// Whether all of a value is memory of `whole`. An empty one has none, and is not.
fn is_part(value: &[u8], whole: &[u8]) -> bool {
    let (value, whole) = (value.as_ptr_range(), whole.as_ptr_range());
    value.start < value.end && whole.start <= value.start && value.end <= whole.end
}

fn parts(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut().cast(), bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_the_memory_is_a_part_of_it() {
        let bytes = Bytes::from(vec![7; 32]);
        assert!(is_part(&bytes[3..9], &bytes) && is_part(&bytes, &bytes) && is_part(&bytes[31..], &bytes));
        assert!(!is_part(&bytes[3..3], &bytes) && !is_part(&bytes[..17], &bytes[1..17]));
        assert!(!is_part(&[7; 8], &bytes) && !is_part(&bytes[8..24], &bytes.slice(..16)));
    }
}
