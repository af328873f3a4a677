//! How the cost of an event grows with workers, partitions, keys, the size of messages, columns and open windows, and a model
//! of cost from it. `make bench-scale`.

mod events;
mod fit;
mod model;
mod point;
mod table;

use std::iter;

use servers::KafkaOptions;

use self::{model::Model, point::Point};
use crate::cluster::Cluster;

/// The largest topic that is filled, in bytes: what grows with the events (files of the broker, time) stays in bounds.
const TOPIC_BYTES: u64 = 300_000_000;

const WORKERS: [u32; 3] = [2, 4, 8];
const PARTITIONS: [u32; 2] = [1, 64];
const KEYS: [u64; 5] = [1, 100, 1_000, 50_000, 1_000_000];
const BYTES: [usize; 4] = [60, 1_000, 10_000, 100_000];
const COLUMNS: [usize; 3] = [1, 10, 100];
const GROUPS: [u64; 5] = [10, 1_000, 10_000, 100_000, 1_000_000];

/// What every point differs from in one thing.
fn base(events: u64) -> Point {
    Point {
        name: "base".into(),
        workers: 1,
        partitions: 8,
        keys: 10_000.min(events),
        bytes: 150,
        columns: 2,
        groups: None,
        events,
    }
}

/// All points but the base, with the axis that each is on.
fn points(events: u64) -> Vec<(&'static str, Point)> {
    let point = |axis, number: u64, change: &dyn Fn(&mut Point)| {
        let mut point = Point { name: format!("{axis}-{number}"), ..base(events) };
        change(&mut point);
        point.events = point.events.min(TOPIC_BYTES / point.bytes.max(9 * point.columns) as u64);
        (axis, point)
    };
    let workers = WORKERS.map(|count| point("workers", count.into(), &|point| point.workers = count));
    let partitions = PARTITIONS.map(|count| point("partitions", count.into(), &|point| point.partitions = count));
    let keys = KEYS.map(|count| count.min(events));
    let keys = keys.map(|count| point("keys", count, &|point| point.keys = count));
    let bytes = BYTES.map(|count| point("bytes", count as u64, &|point| point.bytes = count));
    let columns = COLUMNS.map(|count| point("columns", count as u64, &|point| point.columns = count));
    // A group is in one partition: its key follows from it.
    let windows = GROUPS.map(|count| count.min(events));
    let windows = windows
        .map(|count| point("windows", count, &|point| (point.groups, point.keys) = (Some(count), count.min(1_000))));
    let all = workers.into_iter().chain(partitions).chain(keys).chain(bytes).chain(columns).chain(windows);
    let mut all: Vec<(&'static str, Point)> = all.collect();
    // With few events, some are the same.
    all.dedup_by(|one, other| one.1.name == other.1.name);
    all
}

/// Measures the base and what `chosen` names, axes or single points, all where it names none; prints what follows.
pub(super) fn measure(events: u64, chosen: &str) {
    // Topics that are done with are gone from disk soon.
    let properties = vec![("log.segment.delete.delay.ms".to_owned(), "1000".to_owned())];
    let cluster = Cluster::start_with(KafkaOptions { measured: true, properties, ..KafkaOptions::default() });
    let is_chosen = |(axis, point): &(&str, Point)| {
        chosen.is_empty() || chosen.split(',').any(|name| name == *axis || name == point.name)
    };
    table::head(&base(events));
    // A broker that has just started is slow.
    point::measure(&cluster, Point { name: "warm-up".into(), ..base(events) });
    let mut measured = Vec::new();
    let points = points(events).into_iter().filter(is_chosen).map(|(_, point)| point);
    for point in iter::once(base(events)).chain(points) {
        let result = point::measure(&cluster, point);
        table::row(&result);
        measured.push(result);
    }
    Model::of(&measured).print();
}
