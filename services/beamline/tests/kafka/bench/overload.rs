//! What services do where twice as much is offered as they can take, where half of the events have one key, and where clients post
//! more than goes on. `make bench-overload`.

mod flood;
mod offer;
mod skew;
mod watch;

use std::{collections::BTreeSet, thread, time::Duration};

use broker::Reports;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{Message, OwnedMessage},
};

use self::{
    offer::offer,
    watch::{Moment, Watch},
};
use super::{PARTITIONS, define, fill, paced};
use crate::cluster::{Cluster, Service};

const STREAM: &str = "overload";
/// So many different events are sent, again and again.
const SAMPLE: u64 = 100_000;
/// So many lines are printed of a phase: one every ten seconds of five minutes,
const LINES: u32 = 30;
/// as often as where nobody knows how long it takes.
const TEN: Duration = Duration::from_secs(10);
/// How long the scored topic may bring nothing while it has more.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Offers twice the sustainable rate for so long, then half of it for as long; then more than goes on over HTTP, and twice the
/// rate with a hot key.
/// `backlog` events are drained first, to see what is sustainable.
pub(super) fn measure(cluster: &Cluster, backlog: u64, phase: Duration) {
    let sustained = twice_then_half(cluster, backlog, phase);
    flood::measure(cluster, phase);
    skew::measure(cluster, sustained * 2, phase);
}

/// Gives how many events a second enricher and detector take where they have enough.
fn twice_then_half(cluster: &Cluster, backlog: u64, phase: Duration) -> u64 {
    let file = define(cluster, STREAM);
    fill(cluster, &file, backlog);
    let (filled, base, connection) = (cluster.sent_of(STREAM).sent, written(cluster, STREAM), cluster.connection());
    // What the generator wrote has probes and the ends of transactions among it; what is sent later has not.
    let offered = || filled + written(cluster, STREAM) - base;
    let mut watch = Watch::new(cluster, STREAM, &offered);
    watch.add("enricher", cluster.service_of(&file, "enricher", "overload", &[]));
    watch.add("detector", cluster.service_of(&file, "anomaly-detector", "overload", &[]));
    watch.wait_until_ready();
    // Joining the group does not count.
    let (_, first) = watch.until("start", TEN, |moment| moment.done > 0);
    let (_, last) = watch.until("backlog", TEN, Moment::is_done);
    let sustained = first.done_a_second(&last).round() as u64;
    println!("sustainable: {sustained} events/s");
    watch.wait_until_joined();

    let events = sample(cluster);
    let every = (phase / LINES).max(Duration::from_secs(1));
    let mut phase_of = |what: &str, rate: u64| {
        thread::scope(|scope| {
            let sending = scope.spawn(|| offer(&connection, STREAM, &events, rate, phase));
            let (first, last) = watch.until(what, every, |_| sending.is_finished());
            let (offered, done) = (first.offered_a_second(&last), first.done_a_second(&last));
            println!("offered {offered:.0}/s, done {done:.0}/s; lag before {} events, after {}", first.lag, last.lag);
            let kept = (last.offered - first.offered) as i64 - (last.done - first.done) as i64;
            println!("offered and not done: {kept} events; the lag grew by {}", last.lag as i64 - first.lag as i64);
            first
        })
    };
    phase_of("twice", sustained * 2);
    let half = phase_of("half", sustained / 2);
    let (_, end) = watch.until("rest", TEN, Moment::is_done);
    let (gone, worked_off) = watch.gone_after(&half).unwrap_or((end.at - half.at, half.lag));
    println!(
        "the lag was gone {:.0} s after the overload: {:.0} events/s of it were worked off",
        gone.as_secs_f64(),
        worked_off as f64 / gone.as_secs_f64()
    );
    let expected = watch.finish();
    expect_scored(cluster, STREAM, expected);
    sustained
}

/// How many offsets of a stream's raw topic are taken.
fn written(cluster: &Cluster, stream: &str) -> u64 {
    let offsets = cluster.offsets();
    (0..PARTITIONS).map(|partition| offsets.range(stream, partition).unwrap().1 as u64).sum()
}

/// Events to be sent again and again.
fn sample(cluster: &Cluster) -> Vec<OwnedMessage> {
    let mut sample = paced::sample(&cluster.connection(), STREAM, SAMPLE);
    // Probes have no value.
    sample.retain(|message| message.payload().is_some());
    sample
}

/// Sees that a stream has so many scored events that are committed.
fn expect_scored(cluster: &Cluster, stream: &str, expected: u64) {
    let topic = format!("{stream}.scored");
    let reader: BaseConsumer<Reports> = cluster
        .connection()
        .client(Reports::default(), |config| {
            config
                .set("group.id", "bench.counter")
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true");
        })
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(&topic, partition as i32, Offset::Beginning).unwrap();
    }
    reader.assign(&list).unwrap();
    let (mut count, mut ended) = (0, BTreeSet::new());
    while ended.len() < PARTITIONS as usize {
        match reader.poll(SILENCE_MAX) {
            // Probes have no value.
            Some(Ok(message)) => count += u64::from(message.payload().is_some()),
            Some(Err(KafkaError::PartitionEOF(partition))) => _ = ended.insert(partition),
            Some(Err(error)) => panic!("{error}"),
            None => panic!("{topic}: {count} events, and no more come"),
        }
    }
    let offsets = cluster.offsets();
    let end = |partition| (offsets.stable_end(&topic, partition).unwrap(), offsets.range(&topic, partition).unwrap());
    let ends: Vec<(i64, (i64, i64))> = (0..PARTITIONS).map(end).collect();
    assert_eq!(count, expected, "scored events; what is decided, and which offsets there are: {ends:?}");
}

/// Ends a service, and sees that none of its workers had to be started again.
fn ended_well(name: &str, service: &Service) {
    service.stop();
    assert!(!service.program.log().contains("a worker is started again"), "{name}: {}", warnings(service));
}

/// What a service has said that was not as it should be.
fn warnings(service: &Service) -> String {
    let log = service.program.log();
    log.lines().filter(|line| !line.contains("\"level\":\"INFO\"")).collect::<Vec<_>>().join("\n")
}

/// Waits a little between two looks.
fn rest() {
    thread::sleep(Duration::from_millis(500));
}
