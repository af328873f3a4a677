//! Events a second, and a second of processor time, of each step over a topic that is full.

use std::{
    path::Path,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use kafka::Step;

use super::{PARTITIONS, bare::copy, define, fill, usage::cpu_seconds, wait_for};
use crate::cluster::{Cluster, binary};

/// Each is measured so often, in turns, so that a busy moment of the machine hits all.
const ROUNDS: usize = 2;
const NAMES: [&str; 4] = ["bare loop", "enricher", "anomaly-detector", "the two fused"];

/// From the first commit on, so that neither start nor joining the group counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rate {
    a_second: f64,
    pub a_cpu_second: f64,
}

impl Rate {
    fn of(records: u64, took: Duration, cpu_seconds: f64) -> Self {
        Self { a_second: records as f64 / took.as_secs_f64(), a_cpu_second: records as f64 / cpu_seconds }
    }
}

pub(super) fn measure(cluster: &Cluster, events: u64) {
    let mut best = [Rate::default(); NAMES.len()];
    for round in 0..ROUNDS {
        // A stream does not change between fused and apart: each way has one.
        let (name, fused) = (format!("full-{round}"), format!("fused-{round}"));
        let [file, fused_file] = [&name, &fused].map(|name| {
            let file = define(cluster, name);
            let begun = Instant::now();
            fill(cluster, &file, events);
            println!("{events} events sent in {:.1} s, start included", begun.elapsed().as_secs_f64());
            file
        });
        // The bare loop's outputs go where those of a stream of its own would.
        define(cluster, &format!("copy-{round}"));
        let rates = [
            bare(cluster, &name, &format!("copy-{round}"), events),
            service(cluster, &file, &name, "enricher", &[], Step::Enrich),
            service(cluster, &file, &name, "anomaly-detector", &[], Step::Detect),
            service(cluster, &fused_file, &fused, "anomaly-detector", &["--fused"], Step::Fused),
        ];
        for (best, rate) in best.iter_mut().zip(rates) {
            if rate.a_cpu_second > best.a_cpu_second {
                *best = rate;
            }
        }
    }
    println!("{:<18} {:>12} {:>16} {:>22}", "", "events/s", "events/CPU-s", "of the bare loop's");
    for (name, rate) in NAMES.iter().zip(best) {
        let share = 100.0 * rate.a_cpu_second / best[0].a_cpu_second;
        println!("{name:<18} {:>12.0} {:>16.0} {share:>20.0} %", rate.a_second, rate.a_cpu_second);
    }
}

fn bare(cluster: &Cluster, from: &str, to: &str, events: u64) -> Rate {
    let pid = std::process::id();
    let mut first = None;
    let mut last = (0, Instant::now(), 0.0);
    copy(&cluster.connection(), (from, to), events, &AtomicBool::new(false), |copied| {
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
