//! Messages from librdkafka in batches, and values to it without a copy.
//!
//! [`Inbox`] takes what a consumer has fetched as batches of messages, which stay where the client has them until they are
//! dropped. [`Outbox`] lends the values of a transaction to a producer, which sends them from where they were encoded.
//! Everything else is rdkafka's: making clients, joining groups, seeking, transactions, statistics, errors.
//!
//! # Why this crate may say `unsafe`
//!
//! rdkafka (0.39, the newest release in November 2026) gives one message a call. Each is an event of its own: an
//! allocation, a reference count, two looks at the clock, and a lock. To send, it copies the value and the topic's name,
//! looks the topic up by its name, and gives back a report of each delivery. librdkafka has both in better ways,
//! `rd_kafka_consume_batch_queue` and messages without `RD_KAFKA_MSG_F_COPY`, and these can only be called through its C interface.
//! What that saves is in `docs/performance.md`. A setting of the services, `--kafka-handover safe`, goes without this crate.
//!
//! What has to hold, and what it rests on:
//!
//! 1. **A message is not used once its client is gone, and not twice given back.** [`Message`] borrows its [`Inbox`], which
//!    owns the client; it cannot be copied, and is given back when it is dropped.
//! 2. **Queues are given back before their client.** The fields of [`Inbox`] are dropped in that order, and the callback that
//!    has one is taken away before.
//! 3. **A value that is lent stays where it is, unchanged, until the client has forgotten it.** It is part of a
//!    [`bytes::Bytes`], whose memory neither moves nor changes while anybody has a clone, and the outbox has one until the client
//!    has no message at all any more (`rd_kafka_outq_len`), or is gone itself. Where that would be more than
//!    [`Outbox::LENT_MAX`], values are copied.
//! 4. **Nobody lends while that is looked at.** [`Outbox`] is used by one thread at a time (it is not `Sync`), and a handle for others,
//!    [`Client`], lends nothing.
//!
//! Misuse does not compile. A message does not outlive its inbox:
//!
//! ```compile_fail,E0505
//! # use {batches::Inbox, rdkafka::consumer::DefaultConsumerContext, std::time::Duration};
//! fn outlive(inbox: Inbox<DefaultConsumerContext>) {
//!     let mut batch = Vec::new();
//!     inbox.take(&mut batch, 10, Duration::ZERO);
//!     drop(inbox);
//!     println!("{batch:?}");
//! }
//! ```
//!
//! An outbox is not shared between threads:
//!
//! ```compile_fail,E0277
//! # use {batches::Outbox, rdkafka::producer::DefaultProducerContext, std::thread};
//! fn share(outbox: &Outbox<DefaultProducerContext>) {
//!     thread::scope(|scope| _ = scope.spawn(|| outbox.take_back()));
//! }
//! ```
//!
//! All of it is in the module `native`, each block with its reason. The tests run on librdkafka's cluster in memory; `make
//! test-handover` runs them with AddressSanitizer in librdkafka as well.

#[allow(unsafe_code)]
mod native;

pub use self::native::{
    inbox::Inbox,
    message::{Headers, Message},
    outbox::{Client, Outbox},
};
