//! A message where the client has it.

use std::{
    ffi::{CStr, c_void},
    fmt,
    marker::PhantomData,
    ptr::{self, NonNull},
    slice,
};

use rdkafka::{
    Timestamp,
    bindings::{
        rd_kafka_header_cnt, rd_kafka_header_get_all, rd_kafka_headers_t, rd_kafka_message_destroy,
        rd_kafka_message_headers, rd_kafka_message_t, rd_kafka_message_timestamp, rd_kafka_timestamp_type_t,
        rd_kafka_topic_name,
    },
    error::{IsError, KafkaError},
    message::{self, Header},
    types::RDKafkaRespErr,
};

/// A message where the client has it, until it is dropped. It is a pointer: batches of them take little room.
#[repr(transparent)]
pub struct Message<'a> {
    native: NonNull<rd_kafka_message_t>,
    inbox: PhantomData<&'a ()>,
}

impl Message<'_> {
    fn native(&self) -> &rd_kafka_message_t {
        // SAFETY: the client has made the message ours until it is dropped, and nobody changes it.
        unsafe { self.native.as_ref() }
    }

    /// The error, where this stands for one and not for a message.
    pub(super) fn error(&self) -> Option<KafkaError> {
        let native = self.native();
        match native.err {
            code if !code.is_error() => None,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => Some(KafkaError::PartitionEOF(native.partition)),
            code @ RDKafkaRespErr::RD_KAFKA_RESP_ERR__FATAL => Some(KafkaError::MessageConsumptionFatal(code.into())),
            code => Some(KafkaError::MessageConsumption(code.into())),
        }
    }
}

impl message::Message for Message<'_> {
    type Headers = Headers;

    fn key(&self) -> Option<&[u8]> {
        let native = self.native();
        // SAFETY: the client keeps so many bytes there as long as the message is ours.
        unsafe { bytes(native.key, native.key_len) }
    }

    fn payload(&self) -> Option<&[u8]> {
        let native = self.native();
        // SAFETY: as for the key.
        unsafe { bytes(native.payload, native.len) }
    }

    /// Nothing: what was read stays as it is.
    unsafe fn payload_mut(&mut self) -> Option<&mut [u8]> {
        None
    }

    fn topic(&self) -> &str {
        let topic = self.native().rkt;
        // SAFETY: a message without an error has a topic, which lives as long as the message.
        let name = unsafe { rd_kafka_topic_name(topic) };
        // SAFETY: the name ends with a zero and lives as long as the topic.
        let name = unsafe { CStr::from_ptr(name) };
        name.to_str().unwrap_or_default()
    }

    fn partition(&self) -> i32 {
        self.native().partition
    }

    fn offset(&self) -> i64 {
        self.native().offset
    }

    fn timestamp(&self) -> Timestamp {
        let mut kind = rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is ours, and the kind is written to a place of its type.
        let time = unsafe { rd_kafka_message_timestamp(self.native.as_ptr(), &mut kind) };
        match kind {
            _ if time == -1 => Timestamp::NotAvailable,
            rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => Timestamp::NotAvailable,
            rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME => Timestamp::CreateTime(time),
            rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => Timestamp::LogAppendTime(time),
        }
    }

    fn headers(&self) -> Option<&Headers> {
        let mut headers: *mut rd_kafka_headers_t = ptr::null_mut();
        // SAFETY: the message is ours. The client may read its headers now, into a place that only this message has; a message
        // is not used by two threads, since it is not `Sync`.
        let found = unsafe { rd_kafka_message_headers(self.native.as_ptr(), &mut headers) };
        let headers = NonNull::new(headers.cast::<Headers>()).filter(|_| !found.is_error())?;
        // SAFETY: the headers live as long as the message. Our type has no bytes that could be looked at.
        Some(unsafe { headers.as_ref() })
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let native = self.native();
        formatter.debug_struct("Message").field("partition", &native.partition).field("offset", &native.offset).finish()
    }
}

impl Drop for Message<'_> {
    fn drop(&mut self) {
        // SAFETY: the message is ours, it is given back once, and the client lives, since its inbox is borrowed.
        unsafe { rd_kafka_message_destroy(self.native.as_ptr()) }
    }
}

/// The headers of a message where the client has them. Only ever behind a reference, which is the client's pointer.
#[repr(C)]
pub struct Headers {
    opaque: [u8; 0],
    /// Neither `Send` nor `Sync`.
    one_thread: PhantomData<*mut u8>,
}

impl Headers {
    fn native(&self) -> *const rd_kafka_headers_t {
        ptr::from_ref(self).cast()
    }
}

impl message::Headers for Headers {
    fn count(&self) -> usize {
        // SAFETY: the headers are there as long as they are borrowed.
        unsafe { rd_kafka_header_cnt(self.native()) }
    }

    fn try_get(&self, index: usize) -> Option<Header<'_, &[u8]>> {
        let (mut key, mut value, mut len) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the headers are there as long as they are borrowed, and each place is of its type.
        let found = unsafe { rd_kafka_header_get_all(self.native(), index, &mut key, &mut value, &mut len) };
        if found.is_error() {
            return None;
        }
        // SAFETY: the name of a header that is there ends with a zero.
        let key = unsafe { CStr::from_ptr(key) };
        // SAFETY: its value has so many bytes, and both live as long as the headers.
        let value = unsafe { bytes(value, len) };
        // A name that is not text is nobody's whom we know.
        Some(Header { key: key.to_str().unwrap_or_default(), value })
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(message::Headers::iter(self)).finish()
    }
}

/// Bytes of the client; nothing where the pointer is null.
///
/// # Safety
/// Otherwise there are `len` bytes, which nobody changes as long as `'a`.
unsafe fn bytes<'a>(start: *const c_void, len: usize) -> Option<&'a [u8]> {
    let start = NonNull::new(start.cast_mut())?;
    // SAFETY: they are there, as the caller says.
    Some(unsafe { slice::from_raw_parts(start.cast().as_ptr(), len) })
}
