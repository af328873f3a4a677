//! Faults of enrichers and detectors.

use std::{
    fs::File,
    io::Write,
    thread,
    time::{Duration, Instant},
};

use broker::Reports;
use kafka::Step;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::{
    fleet::{DETECTOR, ENRICHER, Fleet, Kind, Worker},
    places,
};

/// A zombie: its partitions have gone to others when it wakes up.
pub(super) const BEYOND_SESSION: Duration = Duration::from_secs(9);
/// Shorter than any time-out.
pub(super) const MOMENT: Duration = Duration::from_secs(2);
/// Detectors and enrichers at first and at most.
const DETECTORS: (usize, usize) = (3, 5);
const ENRICHERS: (usize, usize) = (2, 3);
/// How long a right is missing, a transaction stays open, and a disk is full.
const MISSING: Duration = Duration::from_secs(8);
const OPEN: Duration = Duration::from_secs(8);
const FULL: Duration = Duration::from_secs(5);
/// How long it may take until a worker says that it misses its right.
const UNREADY_MAX: Duration = Duration::from_secs(20);

pub(super) fn pause(fleet: &mut Fleet<'_>, random: u64, time: Duration) -> String {
    let worker = &fleet.workers[random as usize % fleet.workers.len()];
    worker.service.program.signal("STOP").unwrap();
    thread::sleep(time);
    worker.service.program.signal("CONT").unwrap();
    format!("pause {} for {} s", worker.name, time.as_secs())
}

pub(super) fn stop(fleet: &mut Fleet<'_>, random: u64) -> String {
    let Worker { name, kind, service } = fleet.take(random as usize % fleet.workers.len());
    service.stop();
    fleet.start_worker(name, kind);
    format!("stop and start {name}")
}

pub(super) fn scale_detectors(fleet: &mut Fleet<'_>, random: u64) -> String {
    let detectors = fleet.count(DETECTOR);
    let more = detectors <= DETECTORS.0 || (detectors < DETECTORS.1 && random.is_multiple_of(2));
    scale(fleet, DETECTOR, more)
}

pub(super) fn scale_enrichers(fleet: &mut Fleet<'_>) -> String {
    let more = fleet.count(ENRICHER) < ENRICHERS.1;
    scale(fleet, ENRICHER, more)
}

fn scale(fleet: &mut Fleet<'_>, name: &'static str, more: bool) -> String {
    let before = fleet.count(name);
    let plain = |worker: &Worker| worker.name == name && worker.kind == Kind::Plain;
    match (more, fleet.workers.iter().position(plain)) {
        (false, Some(index)) => fleet.take(index).service.stop(),
        _ => fleet.start_worker(name, Kind::Plain),
    }
    format!("{before} times {name} become {}", fleet.count(name))
}

pub(super) fn kill_all(fleet: &mut Fleet<'_>) -> String {
    let mut killed = Vec::new();
    while !fleet.workers.is_empty() {
        killed.push(fleet.take(0));
    }
    let killed: Vec<_> = killed.into_iter().map(|worker| (worker.name, worker.kind)).collect();
    killed.iter().for_each(|(name, kind)| fleet.start_worker(name, *kind));
    format!("kill -9 all {} workers", killed.len())
}

/// As an update does it: the next one is there before one goes.
pub(super) fn roll(fleet: &mut Fleet<'_>) -> String {
    let workers = fleet.workers.len();
    for _ in 0..workers {
        let Worker { name, kind, .. } = fleet.workers[0];
        fleet.start_worker(name, kind);
        fleet.take(0).service.stop();
    }
    format!("{workers} workers replaced in turn")
}

/// The worker whose states are on a small disk cannot write there any more, and ends if it has to.
pub(super) fn fill_disk(fleet: &mut Fleet<'_>) -> Option<String> {
    let file = fleet.disk.as_ref()?.path().join("filler");
    let mut filler = File::create(&file).unwrap();
    // Until there is no room left for even a block.
    while filler.write_all(&[1; 4096]).is_ok() {}
    let begun = Instant::now();
    let ended = |fleet: &Fleet<'_>| {
        let of = |worker: &&Worker| worker.kind == Kind::SmallDisk;
        fleet.workers.iter().find(of).is_some_and(|worker| worker.service.program.wait(Duration::ZERO).is_some())
    };
    while begun.elapsed() < FULL && !ended(fleet) {
        thread::sleep(Duration::from_millis(100));
    }
    let ended = ended(fleet);
    std::fs::remove_file(&file).unwrap();
    fleet.revive();
    Some(format!("disk of states full, the detector {}", if ended { "ended" } else { "needed no room" }))
}

/// The worker that logs in may not read any more, says so, and goes on by itself when it may again.
pub(super) fn revoke_right(fleet: &mut Fleet<'_>) -> Option<String> {
    let kafka = &fleet.cluster.kafka;
    let worker = fleet.workers.iter().find(|worker| worker.kind == Kind::LoggedIn)?;
    kafka.forbid_reading("beamline", "particles.enriched", true).unwrap();
    let begun = Instant::now();
    let mut told = None;
    while begun.elapsed() < MISSING || (told.is_none() && begun.elapsed() < UNREADY_MAX) {
        let (status, text) = worker.service.readiness();
        if status == 503 && text.contains("(ACL)") {
            told.get_or_insert(begun.elapsed());
        }
        thread::sleep(Duration::from_millis(200));
    }
    kafka.forbid_reading("beamline", "particles.enriched", false).unwrap();
    let told = told.map_or("it had nothing to read".to_owned(), |after| format!("unready after {after:.1?}"));
    Some(format!("right to read away for {:.0?}, {told}", begun.elapsed()))
}

/// The group loses all its offsets while nobody is in it.
pub(super) fn forget(fleet: &mut Fleet<'_>, name: &'static str, step: Step) -> String {
    let workers = fleet.stop_all(name);
    places::forget(fleet.cluster, &step.group("particles"), step.input(&places::kafka_topics()));
    fleet.start_workers(name, workers);
    format!("group of {workers} times {name} deleted")
}

/// Somebody was killed in the middle of a transaction on the state, of which a worker that starts has to see the end.
pub(super) fn open_transaction(fleet: &mut Fleet<'_>, random: u64) -> String {
    let left: BaseProducer<Reports> = fleet
        .cluster
        .connection()
        .client(Reports::default(), |config| {
            config.set("transactional.id", "left-open").set("transaction.timeout.ms", OPEN.as_millis().to_string());
        })
        .unwrap();
    left.init_transactions(Duration::from_secs(60)).unwrap();
    left.begin_transaction().unwrap();
    let partition = (random % 8) as i32;
    let record = BaseRecord::<str, [u8]>::to("particles.detector-state").partition(partition).key("key").payload(b"no");
    left.send(record).map_err(|(error, _)| error).unwrap();
    while left.in_flight_count() > 0 {
        left.poll(Duration::from_millis(10));
    }
    let name = fleet.kill(random);
    thread::sleep(OPEN);
    // The broker gives it up by itself, if not this.
    let _ = left.abort_transaction(Duration::from_secs(10));
    format!("transaction open on the state of partition {partition} for {} s, kill -9 {name}", OPEN.as_secs())
}
