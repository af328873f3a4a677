//! What goes out of an outbox comes into an inbox, on librdkafka's cluster in memory: every byte, whatever its lengths, and
//! whoever is dropped first.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use batches::{Client, Inbox, Message, Outbox};
use bytes::Bytes;
use proptest::prelude::*;
use rdkafka::{
    ClientConfig, Message as _, Offset, Timestamp, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, DefaultConsumerContext},
    message::{Header, Headers, OwnedHeaders},
    mocking::MockCluster,
    producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer},
};

const TOPIC: &str = "values";
const PARTITIONS: i32 = 3;
const LIMIT: Duration = Duration::from_secs(30);

type Cluster = MockCluster<'static, DefaultProducerContext>;
/// Key, value, time.
type Sent = (Option<Vec<u8>>, Option<Vec<u8>>, i64);

fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, PARTITIONS, 1).unwrap();
    cluster
}

fn outbox(servers: &str, settings: &[(&str, &str)]) -> Outbox<DefaultProducerContext> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("linger.ms", "1").set("delivery.report.only.error", "true");
    settings.iter().for_each(|(name, value)| _ = config.set(*name, *value));
    let client: BaseProducer = config.create().unwrap();
    Outbox::new(client)
}

fn inbox(cluster: &Cluster, settings: &[(&str, &str)]) -> Inbox<DefaultConsumerContext> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", "g")
        .set("enable.auto.commit", "false");
    config.set("fetch.wait.max.ms", "10");
    settings.iter().for_each(|(name, value)| _ = config.set(*name, *value));
    let client: BaseConsumer = config.create().unwrap();
    let inbox = Inbox::new(client).unwrap();
    let all = at(0);
    inbox.client().assign(&all).unwrap();
    inbox.client().pause(&all).unwrap();
    begin(&inbox, 0);
    inbox
}

fn at(offset: i64) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    (0..PARTITIONS).for_each(|partition| list.add_partition_offset(TOPIC, partition, Offset::Offset(offset)).unwrap());
    list
}

/// Reads on from an offset, as workers begin.
fn begin(inbox: &Inbox<DefaultConsumerContext>, offset: i64) {
    let begun = Instant::now();
    loop {
        let sought = inbox.client().seek_partitions(at(offset), LIMIT).unwrap();
        if sought.elements().iter().all(|element| element.error().is_ok()) {
            break;
        }
        assert!(begun.elapsed() < LIMIT);
        thread::sleep(Duration::from_millis(5));
    }
    (0..PARTITIONS).for_each(|partition| inbox.route(TOPIC, partition).unwrap());
    inbox.client().resume(&at(0)).unwrap();
}

fn flush(outbox: &Outbox<DefaultProducerContext>) {
    outbox.client().flush(LIMIT).unwrap();
}

/// Takes so many messages, in steps of `room`.
fn take<'a>(inbox: &'a Inbox<DefaultConsumerContext>, wanted: usize, room: usize) -> Vec<Message<'a>> {
    let begun = Instant::now();
    let mut batch = Vec::new();
    while batch.len() < wanted {
        assert!(begun.elapsed() < LIMIT, "{} of {wanted}", batch.len());
        while inbox.has_news() {
            assert!(inbox.client().poll(Duration::ZERO).is_none_or(|polled| polled.is_err()));
        }
        let before = batch.len();
        let errors = inbox.take(&mut batch, room.min(wanted - before), Duration::from_millis(20));
        assert!(errors.is_empty(), "{errors:?}");
        assert!(batch.len() - before <= room);
    }
    batch
}

/// Sends everything, each value as a part of a memory of several, which is let go of at once.
fn send(outbox: &Outbox<DefaultProducerContext>, sent: &[Sent], together: usize) {
    for (first, rows) in sent.chunks(together).enumerate().map(|(chunk, rows)| (chunk * together, rows)) {
        let memory: Bytes = rows.iter().filter_map(|(_, value, _)| value.clone()).flatten().collect::<Vec<u8>>().into();
        let mut end = 0;
        for (index, (key, value, time)) in rows.iter().enumerate() {
            let partition = (first + index) as i32 % PARTITIONS;
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(TOPIC).partition(partition).timestamp(*time);
            if let Some(key) = key {
                record = record.key(key);
            }
            if let Some(value) = value {
                (end, record) = (end + value.len(), record.payload(&memory[end..end + value.len()]));
            }
            while let Err((_, back)) = outbox.send(record, &memory) {
                record = back;
                outbox.client().poll(Duration::from_millis(1));
            }
        }
    }
}

fn bytes(len: impl Strategy<Value = usize>) -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![1 => Just(None), 9 => (len, any::<u8>()).prop_map(|(len, seed)| {
        Some((0..len).map(|index| (index as u8).wrapping_mul(31).wrapping_add(seed)).collect())
    })]
}

fn lengths() -> impl Strategy<Value = usize> {
    // Above 65,535 bytes the client sends from where a value is, and copies below.
    prop_oneof![20 => 0..300_usize, 2 => 300..5000_usize, 1 => 65_000..70_000_usize]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_byte_arrives(
        sent in prop::collection::vec((bytes(0..40_usize), bytes(lengths()), 1_i64..2_000_000_000_000), 1..300),
        together in 1..64_usize,
        room in 1..200_usize,
        codec in prop_oneof![Just("none"), Just("lz4")],
        backwards in any::<bool>(),
    ) {
        let cluster = cluster();
        let outbox = outbox(&cluster.bootstrap_servers(), &[("compression.type", codec)]);
        send(&outbox, &sent, together);
        flush(&outbox);
        prop_assert!(outbox.take_back());
        let inbox = inbox(&cluster, &[]);
        let mut batch = take(&inbox, sent.len(), room);
        let mut next = BTreeMap::<i32, i64>::new();
        for message in &batch {
            let partition = message.partition();
            let offset = next.entry(partition).or_default();
            prop_assert_eq!((message.topic(), message.offset()), (TOPIC, *offset));
            let (key, value, time) = &sent[(*offset * i64::from(PARTITIONS)) as usize + partition as usize];
            prop_assert_eq!(message.key(), key.as_deref());
            prop_assert_eq!(message.payload(), value.as_deref());
            prop_assert_eq!(message.timestamp(), Timestamp::CreateTime(*time));
            prop_assert!(message.headers().is_none());
            *offset += 1;
        }
        // In whatever order they are given back.
        if backwards {
            batch.reverse();
        }
        batch.truncate(batch.len() / 2);
        drop(batch);
    }
}

fn values(count: usize) -> Vec<Sent> {
    (0..count).map(|index| (None, Some(vec![index as u8; 100 + index % 50]), 1)).collect()
}

#[test]
fn headers_go_with_a_copy_and_can_be_read() {
    let cluster = cluster();
    let outbox = outbox(&cluster.bootstrap_servers(), &[]);
    let memory = Bytes::from_static(b"value");
    let headers = OwnedHeaders::new()
        .insert(Header { key: "a", value: Some(b"1".as_slice()) })
        .insert(Header::<&[u8]> { key: "b", value: None });
    let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(TOPIC).partition(0).payload(&memory[..]).headers(headers);
    outbox.send(record, &memory).unwrap();
    flush(&outbox);
    let inbox = inbox(&cluster, &[]);
    let batch = take(&inbox, 1, 1);
    let headers = batch[0].headers().unwrap();
    let read: Vec<_> = headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect();
    assert_eq!(read, [("a".to_owned(), Some(b"1".to_vec())), ("b".to_owned(), None)]);
    assert!(headers.try_get(2).is_none());
    assert_eq!(format!("{:?}", batch[0]), "Message { partition: 0, offset: 0 }");
}

#[test]
fn what_is_lent_is_kept_until_the_client_has_let_go_of_it() {
    // Nobody listens there: everything stays in the client.
    let outbox = outbox("127.0.0.1:1", &[]);
    send(&outbox, &values(1000), 10);
    assert!(!outbox.take_back());
    // A handle of the client keeps what it was lent, also where the outbox is gone.
    let client = outbox.client().clone();
    drop(outbox);
    // What the client has to say counts too.
    assert!(client.in_flight_count() >= 1000);
    thread::spawn(move || drop(client)).join().unwrap();
}

#[test]
fn what_a_transaction_was_lent_is_taken_back_when_it_is_given_up() {
    let cluster = cluster();
    let outbox = outbox(&cluster.bootstrap_servers(), &[("transactional.id", "t")]);
    outbox.client().init_transactions(LIMIT).unwrap();
    for round in 0..4 {
        outbox.client().begin_transaction().unwrap();
        send(&outbox, &values(500), 7);
        match round % 2 {
            0 => give_up(outbox.client()),
            _ => outbox.client().commit_transaction(LIMIT).unwrap(),
        }
        let begun = Instant::now();
        while !outbox.take_back() {
            assert!(begun.elapsed() < LIMIT);
            outbox.client().poll(Duration::from_millis(1));
        }
    }
}

/// Gives a transaction up. What was not sent is reported meanwhile, to whoever asks.
fn give_up(client: &Client<DefaultProducerContext>) {
    let aborted = AtomicBool::new(false);
    thread::scope(|scope| {
        let reports = client.clone();
        let aborted = &aborted;
        scope.spawn(move || {
            while !aborted.load(Ordering::Relaxed) {
                reports.poll(Duration::from_millis(1));
            }
        });
        client.abort_transaction(LIMIT).unwrap();
        aborted.store(true, Ordering::Relaxed);
    });
}

#[test]
fn above_the_limit_values_are_copied() {
    let outbox = outbox("127.0.0.1:1", &[("queue.buffering.max.kbytes", "65536")]);
    let memory = Bytes::from(vec![7; 900_000]);
    let lent = Outbox::<DefaultProducerContext>::LENT_MAX / memory.len();
    let mut memories: Vec<Bytes> = (0..lent + 3).map(|_| Bytes::from(memory.to_vec())).collect();
    for memory in &memories {
        let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(TOPIC).partition(0).payload(&memory[..]);
        outbox.send(record, memory).unwrap();
    }
    // Who else has a memory cannot have it for itself.
    let kept = |memory: &mut Bytes| !memory.is_unique();
    assert_eq!(memories.iter_mut().map(kept).collect::<Vec<_>>(), [vec![true; lent], vec![false; 3]].concat());
}

#[test]
fn waiting_ends_with_news_and_what_was_read_before_a_seek_is_void() {
    let cluster = cluster();
    let outbox = outbox(&cluster.bootstrap_servers(), &[]);
    send(&outbox, &values(300), 7);
    flush(&outbox);
    let inbox = inbox(&cluster, &[("statistics.interval.ms", "100")]);
    drop(take(&inbox, 30, 10));
    inbox.client().pause(&at(0)).unwrap();
    begin(&inbox, 50);
    let batch = take(&inbox, 150, 64);
    let mut next = BTreeMap::<i32, i64>::new();
    for message in &batch {
        let offset = next.entry(message.partition()).or_insert(50);
        assert_eq!(message.offset(), *offset);
        *offset += 1;
    }
    let begun = Instant::now();
    let mut more = Vec::new();
    while !inbox.has_news() {
        assert!(inbox.take(&mut more, 1, LIMIT).is_empty());
    }
    assert!(more.is_empty() && begun.elapsed() < LIMIT / 2);
    // The inbox goes with the rest still in it.
    begin(&inbox, 0);
    drop(take(&inbox, 5, 5));
}
