//! The decision against a model of a consumer group: what must never happen, whatever the load.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use autoscaler::{Decision, Hold, Policy, Sample, Scaler, View};
use proptest::prelude::*;

const STEP: Duration = Duration::from_secs(5);

fn policy() -> Policy {
    Policy {
        min: 1,
        max: 0,
        lag_high: Duration::from_secs(10),
        lag_low: Duration::from_secs(2),
        lag_records_min: 1_000,
        cool_down_up: Duration::from_secs(30),
        cool_down_down: Duration::from_secs(120),
    }
}

/// A group whose replicas each do so many records a second, and take a while to become ready.
struct Model {
    scaler: Scaler,
    at: Duration,
    written: f64,
    committed: f64,
    replicas: u32,
    partitions: u32,
    each: f64,
    ready_at: Duration,
    starts_in: Duration,
    changes: Vec<(Duration, u32, u32)>,
}

impl Model {
    fn new(policy: Policy, partitions: u32, each: f64) -> Self {
        let zero = Duration::ZERO;
        let starts_in = Duration::from_secs(7);
        let scaler = Scaler::new(policy);
        let changes = Vec::new();
        Self {
            scaler,
            at: zero,
            written: 0.0,
            committed: 0.0,
            replicas: 1,
            partitions,
            each,
            ready_at: zero,
            starts_in,
            changes,
        }
    }

    /// Lets time pass under a load of `rate` records a second.
    fn step(&mut self, rate: f64) -> Decision {
        let seconds = STEP.as_secs_f64();
        self.at += STEP;
        self.written += rate * seconds;
        let is_ready = self.at >= self.ready_at;
        let working =
            if is_ready { self.replicas.min(self.partitions) } else { self.replicas.saturating_sub(1).max(1) };
        self.committed = (self.committed + f64::from(working) * self.each * seconds).min(self.written);
        let sample = Sample { at: self.at, written: self.written as u64, committed: self.committed as u64 };
        let ready = if is_ready { self.replicas } else { self.replicas.saturating_sub(1) };
        let view = View { sample, partitions: self.partitions, replicas: self.replicas, ready };
        let decision = self.scaler.decide(view);
        if let Decision::Scale { to, .. } = decision {
            self.changes.push((self.at, self.replicas, to));
            self.replicas = to;
            self.ready_at = self.at + self.starts_in;
        }
        decision
    }

    fn run(&mut self, steps: usize, rate: f64) {
        for _ in 0..steps {
            self.step(rate);
        }
    }

    fn lag(&self) -> f64 {
        self.written - self.committed
    }
}

#[test]
fn a_load_step_brings_replicas_and_its_end_takes_them() {
    let mut model = Model::new(policy(), 8, 1_000.0);
    model.run(24, 500.0);
    assert_eq!(model.replicas, 1, "one is enough");
    model.run(60, 2_500.0);
    assert!((3..=5).contains(&model.replicas), "{:?}", model.changes);
    assert!(model.lag() < 25_000.0, "the backlog is gone: {}", model.lag());
    let up = model.changes.len();
    assert!(up <= 3, "{:?}", model.changes);
    model.run(200, 200.0);
    assert_eq!(model.replicas, 1, "{:?}", model.changes);
    assert_eq!(model.changes.len() - up, (model.changes[up].1 - 1) as usize, "one at a time: {:?}", model.changes);
}

#[test]
fn a_constant_load_is_left_alone_once_it_is_met() {
    let mut model = Model::new(policy(), 8, 1_000.0);
    model.run(120, 2_700.0);
    let met = model.changes.len();
    model.run(2_000, 2_700.0);
    // What is too many may still go, step by step; but nothing may come back.
    assert!(model.changes[met..].iter().all(|(_, from, to)| to < from), "{:?}", model.changes);
    assert_eq!(model.replicas, 3, "{:?}", model.changes);
}

#[test]
fn a_backlog_that_drains_by_itself_moves_nothing() {
    let mut model = Model::new(policy(), 8, 10_000.0);
    // Down for a minute, as after an upgrade; now ten times as fast as needed.
    model.written = 60_000.0;
    model.run(10, 1_000.0);
    assert!(model.changes.is_empty(), "{:?}", model.changes);
}

#[test]
fn waits_for_pods_and_respects_a_stop() {
    let mut scaler = Scaler::new(policy());
    let sample = |seconds: u64| Sample { at: Duration::from_secs(seconds), written: seconds * 10_000, committed: 0 };
    let view = |seconds, replicas, ready| View { sample: sample(seconds), partitions: 8, replicas, ready };
    for seconds in (0..600).step_by(5) {
        assert_eq!(scaler.decide(view(seconds, 2, 1)), Decision::Hold(Hold::NotReady));
    }
    assert_eq!(scaler.decide(view(600, 0, 0)), Decision::Hold(Hold::Stopped));
}

#[test]
fn more_replicas_than_partitions_are_taken_back() {
    let mut scaler = Scaler::new(policy());
    let sample = Sample { at: Duration::ZERO, written: 0, committed: 0 };
    let decision = scaler.decide(View { sample, partitions: 2, replicas: 5, ready: 0 });
    assert!(matches!(decision, Decision::Scale { to: 2, .. }), "{decision:?}");
}

#[test]
fn its_reason_has_the_figures() {
    let mut model = Model::new(policy(), 4, 1_000.0);
    let said = (0..30).find_map(|_| match model.step(2_000.0) {
        Decision::Scale { why, .. } => Some(why),
        Decision::Hold(_) => None,
    });
    let why = said.unwrap();
    assert!(why.contains("2000 records/s come, 1000 go"), "{why}");
}

proptest! {
    #[test]
    fn whatever_the_load(
        partitions in 1_u32..12,
        min in 1_u32..3,
        max in 0_u32..10,
        each in 50.0..5_000.0_f64,
        loads in prop::collection::vec((0.0..40_000.0_f64, 1_usize..60), 1..12),
    ) {
        prop_assume!(max == 0 || max >= min);
        let policy = Policy { min, max, ..policy() };
        let mut model = Model::new(policy, partitions, each);
        for (rate, steps) in loads {
            model.run(steps, rate);
        }
        let most = if max == 0 { partitions } else { max.min(partitions) };
        for (_, _, to) in &model.changes {
            prop_assert!((min.min(most)..=most).contains(to), "{:?}", model.changes);
        }
        for pair in model.changes.windows(2) {
            let apart = pair[1].0 - pair[0].0;
            let least = if pair[1].2 > pair[1].1 { policy.cool_down_up } else { policy.cool_down_down };
            prop_assert!(apart >= least, "{apart:?} apart: {:?}", model.changes);
        }
        for (_, from, to) in &model.changes {
            prop_assert!(*to <= from * 2 || *to == min.min(most));
            prop_assert!(*to + 1 >= *from);
        }
    }
}
