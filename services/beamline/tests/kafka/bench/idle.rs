//! What services cost at 1,000 events/s, and where nothing comes. `make bench-idle`.

use std::{fs, thread, time::Duration};

use super::{define, usage::cpu_seconds};
use crate::cluster::{Cluster, Service};

const RATE: u64 = 1000;
/// What happens before counts for nothing: groups are joined, schemas fetched.
const WARM_UP: Duration = Duration::from_secs(10);

pub(super) fn measure(cluster: &Cluster, seconds: u64) {
    let file = define(cluster, "idle");
    let start = |name, more: &[&str]| cluster.service_of(&file, name, "idle", more);
    let steps = [("enricher", start("enricher", &[])), ("detector", start("anomaly-detector", &[]))];
    steps.iter().for_each(|(_, service)| service.wait_until_ready());
    let generator = [("generator", start("generator", &["--rate", &RATE.to_string()]))];
    generator[0].1.wait_until_ready();
    thread::sleep(WARM_UP);
    println!("services at {RATE} events/s over {seconds} s, default settings:");
    print(&generator.iter().chain(&steps).collect::<Vec<_>>(), seconds);
    generator[0].1.stop();
    thread::sleep(WARM_UP);
    println!("where nothing comes, over {seconds} s:");
    print(&steps.iter().collect::<Vec<_>>(), seconds);
    steps.iter().for_each(|(_, service)| service.stop());
}

fn print(services: &[&(&str, Service)], seconds: u64) {
    let used = || services.iter().map(|(_, service)| service.program.pid()).map(|pid| (cpu_seconds(pid), waits(pid)));
    let before: Vec<(f64, u64)> = used().collect();
    thread::sleep(Duration::from_secs(seconds));
    for (((name, _), before), after) in services.iter().zip(before).zip(used()) {
        let share = 100.0 * (after.0 - before.0) / seconds as f64;
        let wakes = (after.1 - before.1) as f64 / seconds as f64;
        println!("{name:<12} {share:>5.2} % of a core, {wakes:>6.0} wakes a second");
    }
}

/// How often the threads of a process, those that are there now, have waited.
fn waits(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|thread| thread.unwrap().path());
    let waits = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    // A thread may end meanwhile.
    threads.filter_map(|thread| fs::read_to_string(thread.join("status")).ok()).map(|text| waits(&text)).sum()
}
