//! Clean inputs of many kinds, for the tests of calibration.

use super::random::Random;

/// What the next value of a feature depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Past {
    /// The value before, or the part of it that goes on.
    pub(crate) last: f64,
    /// The level that it is at.
    pub(crate) level: f64,
    /// Whether its noise is wide.
    pub(crate) wide: bool,
}

/// The next value of a feature from what came before and the number of the event, which are five minutes apart.
pub(crate) type Next = fn(&mut Random, &mut Past, usize) -> f64;

/// A day of events.
const DAY: usize = 288;

fn day(event: usize) -> f64 {
    libm::sin((event % DAY) as f64 / DAY as f64 * std::f64::consts::TAU)
}

fn chance(random: &mut Random, share: f64) -> bool {
    random.uniform() < share
}

pub(crate) fn normal(random: &mut Random, _: &mut Past, _: usize) -> f64 {
    random.normal()
}

pub(crate) fn student_3(random: &mut Random, _: &mut Past, _: usize) -> f64 {
    random.student_3()
}

pub(crate) fn exponential(random: &mut Random, _: &mut Past, _: usize) -> f64 {
    random.exponential()
}

pub(crate) fn log_normal(random: &mut Random, _: &mut Past, _: usize) -> f64 {
    libm::exp(random.normal())
}

pub(crate) fn uniform(random: &mut Random, _: &mut Past, _: usize) -> f64 {
    random.uniform()
}

pub(crate) fn mixture(random: &mut Random, _: &mut Past, _: usize) -> f64 {
    random.normal() + if chance(random, 0.3) { 10.0 } else { 0.0 }
}

pub(crate) fn poisson(random: &mut Random, _: &mut Past, _: usize) -> f64 {
    random.poisson()
}

pub(crate) fn rare_flag(random: &mut Random, _: &mut Past, _: usize) -> f64 {
    f64::from(u8::from(chance(random, 0.01)))
}

pub(crate) fn coin(random: &mut Random, _: &mut Past, _: usize) -> f64 {
    f64::from(u8::from(chance(random, 0.5)))
}

pub(crate) fn constant(_: &mut Random, _: &mut Past, _: usize) -> f64 {
    3.0
}

fn correlated_by(by: f64, random: &mut Random, past: &mut Past) -> f64 {
    past.last = by * past.last + random.normal();
    past.last
}

pub(crate) fn correlated(random: &mut Random, past: &mut Past, _: usize) -> f64 {
    correlated_by(0.9, random, past)
}

pub(crate) fn slowly_correlated(random: &mut Random, past: &mut Past, _: usize) -> f64 {
    correlated_by(0.99, random, past)
}

pub(crate) fn random_walk(random: &mut Random, past: &mut Past, _: usize) -> f64 {
    correlated_by(1.0, random, past)
}

pub(crate) fn slow_season(random: &mut Random, _: &mut Past, event: usize) -> f64 {
    3.0 * day(event) + 0.3 * random.normal()
}

/// The level wanders, by as much as a day's swing in a month.
pub(crate) fn drifting_season(random: &mut Random, past: &mut Past, event: usize) -> f64 {
    past.level += 0.03 * random.normal();
    past.level + 3.0 * day(event) + 0.3 * random.normal()
}

/// By day three times as many as at night.
pub(crate) fn counts_by_day(random: &mut Random, _: &mut Past, event: usize) -> f64 {
    let draws = if day(event) > 0.0 { 6 } else { 2 };
    (0..draws).map(|_| random.poisson()).sum()
}

/// A new level once in 2,000 events, for good.
pub(crate) fn level_shifts(random: &mut Random, past: &mut Past, _: usize) -> f64 {
    if chance(random, 0.0005) {
        past.level = 5.0 * random.normal();
    }
    past.level + random.normal()
}

pub(crate) fn trend(random: &mut Random, _: &mut Past, event: usize) -> f64 {
    0.01 * event as f64 + random.normal()
}

/// Noise that is four times as wide for some hundred events, now and then.
pub(crate) fn noise_in_bursts(random: &mut Random, past: &mut Past, _: usize) -> f64 {
    if chance(random, if past.wide { 0.005 } else { 0.001 }) {
        past.wide = !past.wide;
    }
    random.normal() * if past.wide { 4.0 } else { 1.0 }
}

/// Rounded to quarters of a standard deviation.
pub(crate) fn coarse(random: &mut Random, _: &mut Past, _: usize) -> f64 {
    (random.normal() * 4.0).round() / 4.0
}
