//! Topics of the program, and how often each of its messages is in them and in the events of a stream.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{DataType, TimestampMillisecondType},
};
use broker::{Connection, NewTopic, Reports};
use kafka::{ReadTopic, Reader};
use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    message::Message,
};

use crate::cluster::{Cluster, Service};

pub(crate) fn create(connection: &Connection, name: &str, partitions: u32, replication: u16, more: &[(&str, &str)]) {
    let settings = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let topic = NewTopic { name: name.to_owned(), partitions, replication: Some(replication), settings };
    broker::Admin::connect(connection).unwrap().create(&topic).unwrap();
}

/// How often each reading is in a topic of the program.
pub(super) fn messages(cluster: &Cluster, topic: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let offsets = cluster.offsets();
    let reader: BaseConsumer<Reports> = cluster
        .connection()
        .client(Reports::default(), |config| {
            config.set("group.id", "count").set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        })
        .unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    let mut left = 0;
    for partition in 0..offsets.partitions(topic).unwrap() {
        list.add_partition_offset(topic, partition as i32, rdkafka::Offset::Beginning).unwrap();
        let (first, end) = offsets.range(topic, partition).unwrap();
        left += end - first;
    }
    reader.assign(&list).unwrap();
    while left > 0 {
        let Some(Ok(message)) = reader.poll(Duration::from_secs(5)) else { continue };
        left -= 1;
        let value = message.payload().unwrap();
        let at = value.windows(2).position(|two| two[0] == b'r' && two[1].is_ascii_digit()).unwrap();
        let id = String::from_utf8(value[at..at + 8].to_vec()).unwrap();
        *counts.entry(id).or_default() += 1;
    }
    counts
}

/// Gives every batch of a stream's raw events.
pub(super) fn each_batch(cluster: &Cluster, file: &str, mut give: impl FnMut(&RecordBatch)) {
    let stream = service::load_stream(&cluster.path(file)).unwrap();
    let topic = ReadTopic { name: stream.topics().raw, schema: stream.input.clone() };
    let starts: Vec<(u32, i64)> = (0..stream.definition.spec.partitions).map(|partition| (partition, 0)).collect();
    let mut reader = Reader::assign(&cluster.connection(), &cluster.registry(), &topic, &starts).unwrap();
    while reader.ended().len() < starts.len() {
        for received in reader.next(Duration::from_millis(500)).unwrap() {
            give(&received.rows);
        }
    }
}

/// How often each reading is an event of a stream.
pub(super) fn events(cluster: &Cluster, file: &str) -> BTreeMap<String, u64> {
    let column = service::load_stream(&cluster.path(file)).unwrap().definition.spec.id.clone();
    let mut counts = BTreeMap::new();
    each_batch(cluster, file, |rows| {
        let ids = arrow::compute::cast(&rows[column.as_str()], &DataType::Utf8).unwrap();
        for id in ids.as_string::<i32>().iter().flatten() {
            *counts.entry(id.to_owned()).or_default() += 1;
        }
    });
    counts
}

/// The time of the event that is called `wanted`, in milliseconds since 1970.
pub(super) fn time_of(cluster: &Cluster, file: &str, wanted: &str) -> Option<i64> {
    let mut found = None;
    each_batch(cluster, file, |rows| {
        let times = rows["time"].as_primitive::<TimestampMillisecondType>();
        let row = rows["id"].as_string::<i32>().iter().position(|id| id == Some(wanted));
        found = found.or(row.map(|row| times.value(row)));
    });
    found
}

/// Waits until the program has written so many messages.
pub(super) fn wait_for_writer(cluster: &Cluster, topic: &str, count: i64) {
    let (offsets, begun) = (cluster.offsets(), Instant::now());
    let written = |partition| offsets.range(topic, partition).map(|(first, end)| end - first).unwrap();
    while (0..offsets.partitions(topic).unwrap()).map(written).sum::<i64>() < count {
        assert!(begun.elapsed() < Duration::from_secs(60), "the program writes nothing to {topic}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until the generators have taken so many messages.
pub(super) fn wait_for_messages(cluster: &Cluster, file: &str, count: u64, limit: Duration, services: &[&Service]) {
    let stream = service::load_stream(&cluster.path(file)).unwrap();
    let (offsets, begun) = (cluster.offsets(), Instant::now());
    loop {
        let sent = kafka::sent_in_all(&offsets, &stream, broker::Offsets::committed).unwrap().unwrap_or_default();
        if sent.cursor.position >= count {
            return;
        }
        if begun.elapsed() > limit {
            let logs: Vec<String> = services.iter().map(|service| service.program.log()).collect();
            panic!("{count} messages, but {sent:?}\n{}", logs.join("\n----\n"));
        }
        thread::sleep(Duration::from_millis(200));
    }
}
