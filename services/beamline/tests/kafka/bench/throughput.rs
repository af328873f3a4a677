//! Events a second, and a second of processor time, of each step over a topic that is full.

use std::{
    path::Path,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use kafka::Step;

use super::{
    PARTITIONS,
    bare::{copy, copy_batches},
    define, define_with, fill, streams,
    usage::cpu_seconds,
    wait_for,
};
use crate::cluster::{Cluster, binary};

/// Each is measured so often, in turns, so that a busy moment of the machine hits all.
const ROUNDS: usize = 2;

/// What is measured, and the bare loops on the same messages that it is held against: the plain one and the best one.
const ROWS: [(&str, [usize; 2]); 9] = [
    ("plain loop, raw", [0, 2]),
    ("plain loop, enriched", [1, 3]),
    ("best loop, raw", [0, 2]),
    ("best loop, enriched", [1, 3]),
    ("enricher", [0, 2]),
    ("  by Kafka Streams", [0, 2]),
    ("anomaly-detector", [1, 3]),
    ("  with every layer", [1, 3]),
    ("the two fused", [0, 2]),
];

/// The layers that `streams/bench.yaml` leaves out.
const OTHER_LAYERS: &str = "\n    layers: { rate: true, stuck: true, missing: true, burst: true, silence: true }\n";

/// From the first commit on, so that neither start nor joining the group counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rate {
    a_second: f64,
    pub a_cpu_second: f64,
}

impl Rate {
    pub(super) fn of(records: u64, took: Duration, cpu_seconds: f64) -> Self {
        Self { a_second: records as f64 / took.as_secs_f64(), a_cpu_second: records as f64 / cpu_seconds }
    }
}

pub(super) fn measure(cluster: &Cluster, events: u64) {
    let mut best = [Rate::default(); ROWS.len()];
    for round in 0..ROUNDS {
        for (best, rate) in best.iter_mut().zip(rates(cluster, round, events)) {
            if rate.a_cpu_second > best.a_cpu_second {
                *best = rate;
            }
        }
    }
    println!(
        "{:<22} {:>12} {:>16} {:>20} {:>18}",
        "", "events/s", "events/CPU-s", "of the plain loop's", "of the best one's"
    );
    for ((name, loops), rate) in ROWS.iter().zip(best) {
        let [plain, batches] = loops.map(|number| 100.0 * rate.a_cpu_second / best[number].a_cpu_second);
        println!("{name:<22} {:>12.0} {:>16.0} {plain:>18.0} % {batches:>16.0} %", rate.a_second, rate.a_cpu_second);
    }
}

/// One round, in the order of [`ROWS`].
fn rates(cluster: &Cluster, round: usize, events: u64) -> [Rate; ROWS.len()] {
    // A stream does not change its layers, nor between fused and apart: each way has one.
    let [full, every, fused] = ["full", "every", "fused"].map(|name| format!("{name}-{round}"));
    let files = [(&full, ""), (&every, OTHER_LAYERS), (&fused, "")].map(|(name, layers)| {
        let file = define_with(cluster, name, layers);
        let begun = Instant::now();
        fill(cluster, &file, events);
        println!("{events} events sent in {:.1} s, start included", begun.elapsed().as_secs_f64());
        file
    });
    // What others copy and enrich goes where the outputs of streams of their own would.
    let [plain, batches, streams] = ["plain", "batches", "streams"].map(|name| format!("{name}-{round}"));
    [&plain, &batches, &streams].iter().for_each(|name| _ = define(cluster, name));
    let enriched = |name: &str| format!("{name}.enriched");
    let enricher = service(cluster, &files[0], &full, "enricher", &[], Step::Enrich);
    service(cluster, &files[1], &every, "enricher", &[], Step::Enrich);
    let count = cluster.ledger_of(&full, PARTITIONS, Step::Enrich).out;
    let connection = cluster.connection();
    let plainly = |from: &str, to: &str, events| {
        bare(|committed| copy(&connection, (from, to), events, &AtomicBool::new(false), committed))
    };
    let in_batches =
        |from: &str, to: &str, events| bare(|committed| copy_batches(&connection, (from, to), events, committed));
    [
        plainly(&full, &plain, events),
        plainly(&enriched(&full), &enriched(&plain), count),
        in_batches(&full, &batches, events),
        in_batches(&enriched(&full), &enriched(&batches), count),
        enricher,
        streams::enrich(cluster, &full, &streams, events),
        service(cluster, &files[0], &full, "anomaly-detector", &[], Step::Detect),
        service(cluster, &files[1], &every, "anomaly-detector", &[], Step::Detect),
        service(cluster, &files[2], &fused, "anomaly-detector", &["--fused"], Step::Fused),
    ]
}

/// How fast a loop in this process is, which tells of its commits.
fn bare(copy: impl FnOnce(&mut dyn FnMut(u64))) -> Rate {
    let pid = std::process::id();
    let mut first = None;
    let mut last = (0, Instant::now(), 0.0);
    copy(&mut |copied| {
        last = (copied, Instant::now(), cpu_seconds(pid));
        first.get_or_insert(last);
    });
    let first = first.unwrap();
    Rate::of(last.0 - first.0, last.1 - first.1, last.2 - first.2)
}

fn service(cluster: &Cluster, file: &str, stream: &str, name: &str, more: &[&str], step: Step) -> Rate {
    program(cluster, (file, stream), (&binary(name), more), step)
}

/// How fast a program is that does a step of a stream, whose topic is full.
pub(super) fn program(
    cluster: &Cluster,
    (file, stream): (&str, &str),
    (program, more): (&Path, &[&str]),
    step: Step,
) -> Rate {
    let offsets = cluster.offsets();
    let wanted = match step {
        Step::Detect => cluster.ledger_of(stream, PARTITIONS, Step::Enrich).out,
        _ => cluster.sent_of(stream).sent,
    };
    let service = cluster.program(program, file, "bench", more);
    let pid = service.program.pid();
    let first = (wait_for(&service, &offsets, stream, step, 1), Instant::now(), cpu_seconds(pid));
    let last = (wait_for(&service, &offsets, stream, step, wanted), Instant::now(), cpu_seconds(pid));
    service.stop();
    Rate::of(last.0 - first.0, last.1 - first.1, last.2 - first.2)
}
