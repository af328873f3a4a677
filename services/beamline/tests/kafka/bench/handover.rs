//! Processor time of an event in a step, with each way in which messages go between the client and its worker: in pairs, one
//! after the other, so that a busy moment of the machine hits both.

use std::{
    env,
    path::{Path, PathBuf},
};

use kafka::Step;

use super::{define, fill, throughput::program};
use crate::cluster::{Cluster, binary};

/// A way, the folder of its programs, and what they are told.
type Way = (&'static str, PathBuf, &'static [&'static str]);

const STEPS: [(&str, Step); 2] = [("enricher", Step::Enrich), ("anomaly-detector", Step::Detect)];

pub(super) fn measure(cluster: &Cluster, events: u64, pairs: u64) {
    let ours = || binary("enricher").parent().map(Path::to_owned).unwrap();
    let mut ways: Vec<Way> =
        vec![("safe", ours(), &["--kafka-handover", "safe"]), ("batches", ours(), &["--kafka-handover", "batches"])];
    // Programs of another revision, to compare with.
    ways.extend(env::var_os("BEAMLINE_BENCH_OTHER").map(|folder| ("other", folder.into(), [].as_slice())));
    let mut all = vec![[const { Vec::new() }; STEPS.len()]; ways.len()];
    println!("ns of processor time an event: {}", STEPS.map(|(name, _)| name).join(", "));
    for pair in 0..pairs {
        for turn in 0..ways.len() {
            let number = (turn + pair as usize) % ways.len();
            let (way, folder, more) = &ways[number];
            let stream = format!("{way}-{pair}");
            let file = define(cluster, &stream);
            fill(cluster, &file, events);
            for (index, (name, step)) in STEPS.into_iter().enumerate() {
                let rate = program(cluster, (&file, &stream), (&folder.join(name), more), step);
                all[number][index].push(1e9 / rate.a_cpu_second);
            }
            let last = |of: &Vec<f64>| format!("{:.0}", of.last().unwrap());
            println!("{way:<8} {}", all[number].iter().map(last).collect::<Vec<_>>().join(" "));
        }
    }
    for (index, (name, _)) in STEPS.into_iter().enumerate() {
        for ((way, ..), of) in ways.iter().zip(&all) {
            let ratios = of[index].iter().zip(&all[0][index]).map(|(this, safe)| this / safe).collect();
            println!(
                "{name:<18} {way:<8} {:>6.0} ns, {:.3} of the safe one",
                median(of[index].clone()),
                median(ratios)
            );
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
