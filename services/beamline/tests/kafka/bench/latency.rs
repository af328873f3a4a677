//! How long an event takes from being sent until a reader of committed messages sees what came of it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use broker::{Connection, Reports};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{Message, OwnedMessage},
    producer::{BaseProducer, BaseRecord, Producer},
    types::RDKafkaErrorCode,
};

use super::{PARTITIONS, bare::copy, define, fill};
use crate::cluster::{Cluster, Service};

const SENDING: Duration = Duration::from_secs(20);
/// What is sent before counts for nothing: groups are joined, schemas fetched, memory is warm.
const WARM_UP: Duration = Duration::from_secs(5);
/// Events are sent in so many pieces a second.
const PIECES: u64 = 200;

/// What an event goes through.
enum Way {
    Bare,
    Services(&'static [(&'static str, &'static [&'static str])]),
}

/// What is measured: the name, what the event goes through, the ending of the topic it comes to.
const WAYS: [(&str, Way, &str); 4] = [
    ("bare loop", Way::Bare, "enriched"),
    ("enricher", Way::Services(&[("enricher", &[])]), "enriched"),
    ("enricher, then detector", Way::Services(&[("enricher", &[]), ("anomaly-detector", &[])]), "scored"),
    ("the two fused", Way::Services(&[("anomaly-detector", &["--fused"])]), "scored"),
];

pub(super) fn measure(cluster: &Cluster, rate: u64) {
    let file = define(cluster, "sample");
    let sample = (rate * SENDING.as_secs()).min(100_000);
    fill(cluster, &file, sample);
    let sample = read_sample(&cluster.connection(), "sample", sample);
    println!("latency in ms at {rate} events/s, from sending to committed: {:>5} {:>5} {:>6}", "p50", "p99", "p99.9");
    for (number, (name, way, ending)) in WAYS.into_iter().enumerate() {
        let stream = format!("paced-{number}");
        let file = define(cluster, &stream);
        let stop = AtomicBool::new(false);
        let connection = cluster.connection();
        let to = format!("{stream}.{ending}");
        let latencies = thread::scope(|scope| {
            let mut services: Vec<Service> = Vec::new();
            match way {
                Way::Bare => {
                    scope.spawn(|| copy(&connection, (&stream, &to), u64::MAX, &stop, |_| ()));
                }
                Way::Services(all) => {
                    services.extend(all.iter().map(|(name, more)| cluster.service_of(&file, name, "bench", more)));
                    services.iter().for_each(Service::wait_until_ready);
                }
            }
            let reader = scope.spawn(|| read(&connection, &to, &stop));
            send(&connection, &stream, &sample, rate);
            thread::sleep(Duration::from_secs(2));
            stop.store(true, Ordering::Relaxed);
            services.iter().for_each(Service::stop);
            reader.join().unwrap()
        });
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| percentile(&latencies, share));
        println!("{name:<57} {p50:>5} {p99:>5} {p999:>6}  of {} events", latencies.len());
    }
}

fn now_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn percentile(sorted: &[i64], share: f64) -> i64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

fn whole(connection: &Connection, topic: &str) -> BaseConsumer<Reports> {
    let consumer: BaseConsumer<Reports> = connection
        .client(Reports::default(), |config| {
            config
                .set("group.id", "bench.reader")
                .set("isolation.level", "read_committed")
                .set("fetch.wait.max.ms", "5");
        })
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition as i32, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    consumer
}

fn read_sample(connection: &Connection, topic: &str, events: u64) -> Vec<OwnedMessage> {
    let consumer = whole(connection, topic);
    let mut sample = Vec::new();
    while sample.len() < events as usize {
        if let Some(message) = consumer.poll(Duration::from_secs(1)) {
            sample.push(message.unwrap().detach());
        }
    }
    sample
}

/// Sends at a steady rate; each message says when.
fn send(connection: &Connection, topic: &str, sample: &[OwnedMessage], rate: u64) {
    let producer: BaseProducer<Reports> =
        connection.client(Reports::default(), |config| _ = config.set("linger.ms", "1")).unwrap();
    let begun = Instant::now();
    let mut events = sample.iter().cycle();
    for piece in 0..SENDING.as_secs() * PIECES {
        let due = Duration::from_secs(piece) / PIECES as u32;
        thread::sleep(due.saturating_sub(begun.elapsed()));
        for event in events.by_ref().take((rate / PIECES) as usize) {
            let mut record = BaseRecord::to(topic)
                .partition(event.partition())
                .key(event.key().unwrap_or_default())
                .payload(event.payload().unwrap_or_default())
                .timestamp(now_millis());
            while let Err((error, back)) = producer.send(record) {
                assert!(matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)), "{error}");
                record = back;
                producer.poll(Duration::from_millis(1));
            }
        }
        producer.poll(Duration::ZERO);
    }
    producer.flush(Duration::from_secs(10)).unwrap();
}

/// How old each message is when it is read, in milliseconds, ascending; those of the warm-up left out.
fn read(connection: &Connection, topic: &str, stop: &AtomicBool) -> Vec<i64> {
    let consumer = whole(connection, topic);
    let mut latencies = Vec::new();
    let mut first = None;
    while !stop.load(Ordering::Relaxed) {
        let Some(message) = consumer.poll(Duration::from_millis(20)) else { continue };
        let sent = message.unwrap().timestamp().to_millis().unwrap();
        let first = *first.get_or_insert(sent);
        if sent - first > WARM_UP.as_millis() as i64 {
            latencies.push(now_millis() - sent);
        }
    }
    latencies.sort_unstable();
    latencies
}
