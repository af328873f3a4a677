//! A queue of a client.

use std::{
    ffi::{CStr, c_int},
    ptr::NonNull,
    time::Duration,
};

use rdkafka::{
    bindings::{
        rd_kafka_consume_batch_queue, rd_kafka_queue_destroy, rd_kafka_queue_forward, rd_kafka_queue_get_consumer,
        rd_kafka_queue_get_partition, rd_kafka_queue_length, rd_kafka_queue_new, rd_kafka_queue_t,
        rd_kafka_queue_yield,
    },
    types::RDKafka,
};

use super::message::Message;

/// A queue of a client, which lives longer: whoever makes one sees to that.
pub(super) struct Queue(NonNull<rd_kafka_queue_t>);

// SAFETY: librdkafka's queues may be used from any thread, several at a time: each call takes the queue's lock.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    /// A queue that nothing comes to yet.
    ///
    /// # Safety
    /// `client` is a client, which is destroyed after the queue.
    pub(super) unsafe fn new(client: *mut RDKafka) -> Option<Self> {
        // SAFETY: the client is one, as the caller says.
        NonNull::new(unsafe { rd_kafka_queue_new(client) }).map(Self)
    }

    /// The queue that a consumer of a group polls; nothing where it is in none.
    ///
    /// # Safety
    /// As for [`Queue::new`].
    pub(super) unsafe fn of_group(client: *mut RDKafka) -> Option<Self> {
        // SAFETY: the client is one, as the caller says.
        NonNull::new(unsafe { rd_kafka_queue_get_consumer(client) }).map(Self)
    }

    /// The queue of a partition that a consumer reads.
    ///
    /// # Safety
    /// As for [`Queue::new`].
    pub(super) unsafe fn of_partition(client: *mut RDKafka, topic: &CStr, partition: i32) -> Option<Self> {
        // SAFETY: the client is one, as the caller says, and the name ends with a zero and is copied.
        NonNull::new(unsafe { rd_kafka_queue_get_partition(client, topic.as_ptr(), partition) }).map(Self)
    }

    /// Has everything go to another queue of the same client from now on.
    pub(super) fn forward(&self, to: &Self) {
        // SAFETY: both queues are there, and each keeps what it needs of the other by reference counts.
        unsafe { rd_kafka_queue_forward(self.0.as_ptr(), to.0.as_ptr()) }
    }

    /// Ends the wait of whoever takes from this queue, or the next one's.
    pub(super) fn wake(&self) {
        // SAFETY: the queue is there.
        unsafe { rd_kafka_queue_yield(self.0.as_ptr()) }
    }

    /// How many things wait.
    pub(super) fn len(&self) -> usize {
        // SAFETY: the queue is there.
        unsafe { rd_kafka_queue_length(self.0.as_ptr()) }
    }

    /// Adds messages to a batch, `room` at most: what is there, and what comes until there are as many or `wait` is over.
    ///
    /// # Safety
    /// `'a` ends before the client is destroyed, and only messages come to this queue.
    pub(super) unsafe fn take<'a>(&self, batch: &mut Vec<Message<'a>>, room: usize, wait: Duration) {
        batch.reserve(room);
        // The client counts in whole milliseconds.
        let wait = c_int::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX);
        let free = batch.spare_capacity_mut().as_mut_ptr().cast();
        // SAFETY: there is room for so many pointers behind the batch's end, and a message is a pointer that is not null.
        let taken = unsafe { rd_kafka_consume_batch_queue(self.0.as_ptr(), wait, free, room) };
        let taken = usize::try_from(taken).unwrap_or_default();
        // SAFETY: the client has written so many pointers, no more than there was room for. It gives each message once, and the
        // caller sees to it that they are given back before the client is destroyed.
        unsafe { batch.set_len(batch.len() + taken) }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the queue is there, and nobody has it any more; the client still lives, as whoever made it saw to.
        unsafe { rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}
