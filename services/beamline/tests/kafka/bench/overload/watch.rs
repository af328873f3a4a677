//! Looks at services twice a second: how far they are, whether they are ready, and how much memory they have.

use std::time::{Duration, Instant};

use kafka::Step;

use super::{ended_well, rest, warnings};
use crate::{
    bench::{PARTITIONS, usage::resident_mebibytes},
    cluster::{Cluster, Service},
};

/// Memory of a service that has no state, and of the detector with that of 10,000 keys at 8 KiB (`docs/sizing.md`), in MiB;
const MEMORY_MAX: f64 = 200.0;
const DETECTOR_MEMORY_MAX: f64 = MEMORY_MAX + 10_000.0 * 8.0 / 1024.0;
/// of the page, what a pod of the chart has.
const PAGE_MEMORY_MAX: f64 = 1024.0;
/// A group that has not changed for so long has all of its members.
const JOINED: Duration = Duration::from_secs(5);
const ABORTED: &str = "beamline_transactions_aborted_total";
/// How long anything may take.
const TIME_MAX: Duration = Duration::from_secs(3600);

/// How far a stream was at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) at: Instant,
    pub(super) offered: u64,
    pub(super) done: u64,
    pub(super) lag: u64,
}

impl Moment {
    pub(super) fn is_done(&self) -> bool {
        self.offered > 0 && self.lag == 0
    }

    pub(super) fn offered_a_second(&self, later: &Self) -> f64 {
        (later.offered - self.offered) as f64 / self.until(later)
    }

    pub(super) fn done_a_second(&self, later: &Self) -> f64 {
        (later.done - self.done) as f64 / self.until(later)
    }

    fn until(&self, later: &Self) -> f64 {
        (later.at - self.at).as_secs_f64().max(1e-3)
    }
}

struct Running {
    name: &'static str,
    service: Service,
    /// Transactions that were given up before anything was offered, as those that wait while members join.
    aborted: f64,
    most: f64,
}

/// What is looked at.
pub(super) struct Watch<'a> {
    cluster: &'a Cluster,
    stream: &'a str,
    /// How many events have been offered.
    offered: &'a dyn Fn() -> u64,
    running: Vec<Running>,
    moments: Vec<Moment>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(cluster: &'a Cluster, stream: &'a str, offered: &'a dyn Fn() -> u64) -> Self {
        println!(
            "{:<8} {:>6} {:>11} {:>11} {:>11}   memory in MiB of at most {MEMORY_MAX:.0}, of the detector {DETECTOR_MEMORY_MAX:.0}",
            "", "s", "offered/s", "done/s", "lag"
        );
        Self { cluster, stream, offered, running: Vec::new(), moments: Vec::new() }
    }

    pub(super) fn add(&mut self, name: &'static str, service: Service) {
        self.running.push(Running { name, service, aborted: 0.0, most: 0.0 });
    }

    pub(super) fn wait_until_ready(&self) {
        self.running.iter().for_each(|running| running.service.wait_until_ready());
    }

    /// Waits until all members have joined: what they give up for that does not count.
    pub(super) fn wait_until_joined(&mut self) {
        for running in &mut self.running {
            let joined = || running.service.metric("beamline_rebalances_total");
            let (mut before, mut since) = (joined(), Instant::now());
            while since.elapsed() < JOINED {
                rest();
                if joined() != before {
                    (before, since) = (joined(), Instant::now());
                }
            }
            running.aborted = running.service.metric(ABORTED);
        }
    }

    pub(super) fn service(&self, name: &str) -> &Service {
        &self.running.iter().find(|running| running.name == name).unwrap().service
    }

    /// Looks until something holds, and prints a line now and then; gives the first moment and the last.
    pub(super) fn until(
        &mut self,
        what: &str,
        every: Duration,
        mut is_over: impl FnMut(&Moment) -> bool,
    ) -> (Moment, Moment) {
        let first = self.look();
        let (mut said, mut last) = (first, first);
        while !is_over(&last) {
            assert!(last.at - first.at < TIME_MAX, "{what}: {last:?}");
            rest();
            last = self.look();
            if last.at - said.at >= every || is_over(&last) {
                self.say(what, (&first, &said), &last);
                said = last;
            }
        }
        (first, last)
    }

    fn look(&mut self) -> Moment {
        for running in &mut self.running {
            let Running { name, service, most, .. } = running;
            assert!(service.program.wait(Duration::ZERO).is_none(), "{name}: {}", service.program.log());
            let (status, text) = service.readiness();
            assert_eq!(status, 200, "the {name} is not ready: {text}");
            *most = most.max(resident_mebibytes(service.program.pid()));
        }
        // In the order of the stream, so that none seems to have read what was not written, from its end on.
        let offsets = self.cluster.offsets();
        let of = |step| kafka::account(&offsets, self.stream, PARTITIONS, step).unwrap().unwrap_or_default();
        let (detected, enriched, offered) = (of(Step::Detect), of(Step::Enrich), (self.offered)());
        // A step may have committed what the one before it has not told yet.
        let waits = [(offered, enriched.records), (enriched.out, detected.records)];
        let lag = waits.iter().map(|(there, read)| there.saturating_sub(*read)).sum();
        let moment = Moment { at: Instant::now(), offered, done: detected.records, lag };
        self.moments.push(moment);
        moment
    }

    fn say(&self, what: &str, (first, said): (&Moment, &Moment), now: &Moment) {
        let memory: Vec<String> = self
            .running
            .iter()
            .map(|of| format!("{} {:.0}", of.name, resident_mebibytes(of.service.program.pid())))
            .collect();
        println!(
            "{what:<8} {:>6.0} {:>11.0} {:>11.0} {:>11}   {}",
            (now.at - first.at).as_secs_f64(),
            said.offered_a_second(now),
            said.done_a_second(now),
            now.lag,
            memory.join(", ")
        );
    }

    /// How long after a moment the lag was less than a second's work, and by how much it was less then, where that was so.
    pub(super) fn gone_after(&self, begun: &Moment) -> Option<(Duration, u64)> {
        let mut pairs = self.moments.windows(2).filter(|pair| pair[0].at >= begun.at);
        let gone = pairs.find(|pair| (pair[1].lag as f64) < pair[0].done_a_second(&pair[1]))?[1];
        Some((gone.at - begun.at, begun.lag.saturating_sub(gone.lag)))
    }

    /// Ends a service, whose memory was within its bound.
    pub(super) fn end(&mut self, name: &str) {
        let index = self.running.iter().position(|running| running.name == name).unwrap();
        let Running { name, service, aborted, most } = self.running.remove(index);
        assert_eq!(service.metric(ABORTED), aborted, "aborted transactions of the {name}: {}", warnings(&service));
        ended_well(name, &service);
        let bound = match name {
            "detector" => DETECTOR_MEMORY_MAX,
            "page" => PAGE_MEMORY_MAX,
            _ => MEMORY_MAX,
        };
        println!("{name}: at most {most:.0} MiB, always ready, no transaction aborted");
        assert!(most <= bound, "the {name} took {most:.0} MiB, and its bound is {bound:.0}");
    }

    /// Ends all services once everything is done; sees that each event that was offered came through once, and gives how many
    /// scored events there have to be.
    pub(super) fn finish(mut self) -> u64 {
        let of = |step| self.cluster.ledger_of(self.stream, PARTITIONS, step);
        let (enriched, detected) = (of(Step::Enrich), of(Step::Detect));
        assert_eq!((enriched.records, detected.records), ((self.offered)(), enriched.out), "{enriched:?} {detected:?}");
        assert!(enriched.balances() && detected.balances(), "{enriched:?} {detected:?}");
        let names: Vec<&str> = self.running.iter().map(|running| running.name).collect();
        names.into_iter().for_each(|name| self.end(name));
        detected.out
    }
}
