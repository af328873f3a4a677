//! How long an event takes from being sent until a reader of committed messages sees what came of it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use broker::Connection;
use rdkafka::message::Message;

use super::{
    bare::copy,
    define, fill,
    paced::{now_millis, sample, send, whole},
};
use crate::cluster::{Cluster, Service};

/// So many different events are sent, again and again.
const SAMPLE: u64 = 100_000;
const SENDING: Duration = Duration::from_secs(20);
/// What is sent before counts for nothing: groups are joined, schemas fetched, memory is warm.
const WARM_UP: Duration = Duration::from_secs(5);

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
    let name = format!("sample-{rate}");
    let file = define(cluster, &name);
    fill(cluster, &file, SAMPLE);
    let sample = sample(&cluster.connection(), &name, SAMPLE);
    println!("latency in ms at {rate} events/s, from sending to committed: {:>5} {:>5} {:>6}", "p50", "p99", "p99.9");
    for (number, (name, way, ending)) in WAYS.into_iter().enumerate() {
        let stream = format!("paced-{rate}-{number}");
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
            send(&connection, &stream, &sample, rate, SENDING, &stop);
            thread::sleep(Duration::from_secs(2));
            stop.store(true, Ordering::Relaxed);
            services.iter().for_each(Service::stop);
            reader.join().unwrap()
        });
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| percentile(&latencies, share));
        println!("{name:<57} {p50:>5} {p99:>5} {p999:>6}  of {} events", latencies.len());
    }
}

fn percentile(sorted: &[i64], share: f64) -> i64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
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
