//! What a consumer has fetched, in batches.

use std::{ffi::CString, sync::Arc, time::Duration};

use rdkafka::{
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult},
};

use super::{message::Message, queue::Queue};

/// A consumer whose messages are taken in batches. What the group says, errors of the client and its statistics come as they do
/// without: by polling [`Inbox::client`], whenever [`Inbox::has_news`].
pub struct Inbox<C: ConsumerContext + 'static> {
    // Dropped in this order: queues before the client that they are of.
    arrived: Arc<Queue>,
    told: Queue,
    client: BaseConsumer<C>,
}

impl<C: ConsumerContext + 'static> Inbox<C> {
    /// Nothing comes yet: see [`Inbox::route`].
    ///
    /// # Errors
    /// Where the consumer has no group.
    pub fn new(mut client: BaseConsumer<C>) -> KafkaResult<Self> {
        let native = client.client().native_ptr();
        let no_group = || KafkaError::ClientCreation("messages come in batches to members of groups".to_owned());
        // SAFETY: the client lives, and is dropped after its queues: here as an argument, then as the last field.
        let told = unsafe { Queue::of_group(native) }.ok_or_else(no_group)?;
        // SAFETY: as above.
        let arrived = Arc::new(unsafe { Queue::new(native) }.ok_or_else(no_group)?);
        // Whoever waits for messages has to hear of the rest too. The callback is taken away in `drop`.
        let waiting = Arc::clone(&arrived);
        client.set_nonempty_callback(move || waiting.wake());
        Ok(Self { arrived, told, client })
    }

    /// The consumer. Messages that its own poll gives are of partitions that are not routed.
    pub fn client(&self) -> &BaseConsumer<C> {
        &self.client
    }

    /// Whether the consumer has to be polled for what is not a message.
    pub fn has_news(&self) -> bool {
        self.told.len() > 0
    }

    /// Has the messages of a partition come to this inbox, until the partition is given back. It is to be assigned, and paused, so
    /// that none of them has come to the consumer itself.
    ///
    /// # Errors
    /// Where the topic's name has a zero in it, or the client does not know the partition.
    pub fn route(&self, topic: &str, partition: i32) -> KafkaResult<()> {
        let topic = CString::new(topic)?;
        // SAFETY: the client lives, and the queue is given back here.
        let queue = unsafe { Queue::of_partition(self.client.client().native_ptr(), &topic, partition) };
        let unknown = || KafkaError::Subscription(format!("partition {partition} is not one of the client's"));
        queue.ok_or_else(unknown)?.forward(&self.arrived);
        Ok(())
    }

    /// Adds messages to a batch, `room` at most: those that are there, and those that come until there are as many, the wait is
    /// over, or there is news. Errors are given back beside them.
    pub fn take<'a>(&'a self, batch: &mut Vec<Message<'a>>, room: usize, wait: Duration) -> Vec<KafkaError> {
        let before = batch.len();
        // SAFETY: messages borrow the inbox, which has the client. Only partitions' queues are forwarded to this one, and what comes
        // to them are messages and errors.
        unsafe { self.arrived.take(batch, room, wait) }
        let mut errors = Vec::new();
        if batch[before..].iter().any(|message| message.error().is_some()) {
            for message in batch.split_off(before) {
                match message.error() {
                    Some(error) => errors.push(error),
                    None => batch.push(message),
                }
            }
        }
        errors
    }
}

impl<C: ConsumerContext + 'static> Drop for Inbox<C> {
    fn drop(&mut self) {
        // The client keeps its callback for longer than it lives itself.
        self.client.set_nonempty_callback(|| ());
    }
}
