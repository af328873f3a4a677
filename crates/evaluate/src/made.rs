//! Series with known anomalies, made from a seed: what settings are chosen on, so that series of others can be looked at once.
//!
//! Each way in which values go on by themselves (by the day, at random, in levels, idle with spikes) meets each anomaly (spikes,
//! shifts, drifts, noise, a value that is stuck, a day that is not like the others). Values are five minutes apart. As
//! in the Numenta Anomaly Benchmark the windows of a series take a tenth of it together, half of each before the anomaly begins.

use std::f64::consts::TAU;

/// Values of a series, 14 days.
const VALUES: usize = 4_032;

/// Values of a day.
const DAY: usize = 288;

/// The share of a series that its windows take together.
const WINDOWED: f64 = 0.1;

const STEP_MICROS: i64 = 300_000_000;

/// A made series.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// How its values go on by themselves.
    pub base: Base,
    /// What happens to it; `None` where nothing does.
    pub anomaly: Option<Anomaly>,
    /// Microseconds since 1970.
    pub times: Vec<i64>,
    /// Its values.
    pub values: Vec<f64>,
    /// Its windows of anomalies, as indices of their first and last value.
    pub windows: Vec<(usize, usize)>,
}

/// How values go on by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Around one level.
    Noise,
    /// Up and down by the day.
    Season,
    /// By day at one level, at night at another.
    Office,
    /// Up and down by the day around a level that wanders.
    Drift,
    /// Without any level.
    Walk,
    /// Near nothing, with a spike now and then.
    Idle,
    /// Many by day, few at night, some far more.
    Requests,
    /// At one of three levels, for some hours each.
    Levels,
    /// Rising, until it falls back.
    Sawtooth,
}

/// What happens to a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anomaly {
    /// One to three values that are far above.
    Spike,
    /// Six values that are far below.
    Dip,
    /// Another level for good.
    Shift,
    /// Another level for half a day.
    Plateau,
    /// A level that rises for a day, and stays.
    Ramp,
    /// Wider noise for half a day.
    Noise,
    /// The same value for half a day.
    Stuck,
    /// A day that comes half a day too late.
    WrongHour,
    /// A spike every hour, for half a day.
    Spikes,
}

/// All ways in which values go on.
pub const BASES: [Base; 9] = [
    Base::Noise,
    Base::Season,
    Base::Office,
    Base::Drift,
    Base::Walk,
    Base::Idle,
    Base::Requests,
    Base::Levels,
    Base::Sawtooth,
];

/// All anomalies.
pub const ANOMALIES: [Anomaly; 9] = [
    Anomaly::Spike,
    Anomaly::Dip,
    Anomaly::Shift,
    Anomaly::Plateau,
    Anomaly::Ramp,
    Anomaly::Noise,
    Anomaly::Stuck,
    Anomaly::WrongHour,
    Anomaly::Spikes,
];

/// Every base with every anomaly once or twice, and without any; a wrong hour only where there are days.
#[must_use]
pub fn made(seed: u64) -> Vec<Made> {
    let mut random = Random(seed);
    let mut all = Vec::new();
    for base in BASES {
        let daily = matches!(base, Base::Season | Base::Office | Base::Drift | Base::Requests);
        let anomalies = ANOMALIES.into_iter().filter(|anomaly| daily || *anomaly != Anomaly::WrongHour);
        for anomaly in anomalies.map(Some).chain([None]) {
            all.push(one(base, anomaly, &mut random));
        }
    }
    all
}

fn one(base: Base, anomaly: Option<Anomaly>, random: &mut Random) -> Made {
    let scale = libm::exp2(12.0 * random.uniform() - 4.0);
    let mut values = ordinary(base, random);
    let mut windows = Vec::new();
    if let Some(anomaly) = anomaly {
        let times = 1 + usize::from(random.uniform() < 0.4);
        let half = (WINDOWED * VALUES as f64 / times as f64 / 2.0) as usize;
        let spread = spread(&values);
        for number in 0..times {
            // In the middle fifths of its part of what comes behind the first quarter.
            let part = VALUES * 3 / 4 / times;
            let start = VALUES / 4 + part * number + (part as f64 * (0.2 + 0.6 * random.uniform())) as usize;
            happen(anomaly, start, spread, &mut values, random);
            windows.push((start - half, (start + half).min(VALUES - 1)));
        }
    }
    values.iter_mut().for_each(|value| *value *= scale);
    let times = (0..VALUES as i64).map(|index| index * STEP_MICROS).collect();
    Made { base, anomaly, times, values, windows }
}

fn ordinary(base: Base, random: &mut Random) -> Vec<f64> {
    let (mut level, mut left) = (0.0, 0usize);
    let noise = 0.2 + 0.6 * random.uniform();
    (0..VALUES)
        .map(|index| {
            let day = libm::sin((index % DAY) as f64 / DAY as f64 * TAU);
            match base {
                Base::Noise => 10.0 + random.normal(),
                Base::Season => 10.0 + 3.0 * day + noise * random.normal(),
                Base::Office => {
                    10.0 + if (108..216).contains(&(index % DAY)) { 5.0 } else { 0.0 } + noise * random.normal()
                }
                Base::Drift => {
                    level += 0.04 * random.normal();
                    10.0 + level + 3.0 * day + noise * random.normal()
                }
                Base::Walk => {
                    level += random.normal() - 0.005 * level;
                    40.0 + level
                }
                Base::Idle => {
                    let spike = if random.uniform() < 0.01 { 1.0 + 2.0 * random.exponential() } else { 0.0 };
                    1.0 + 0.05 * random.normal() + spike
                }
                Base::Requests => (10.0 + 6.0 * day) * libm::exp(noise * random.normal()),
                Base::Levels => {
                    if left == 0 {
                        level = 4.0 * (3.0 * random.uniform()).floor();
                        left = 20 + (150.0 * random.exponential()) as usize;
                    }
                    left -= 1;
                    5.0 + level + noise * random.normal()
                }
                Base::Sawtooth => {
                    level = if random.uniform() < 0.004 { 0.0 } else { level + 0.02 };
                    10.0 + level + 0.3 * noise * random.normal()
                }
            }
        })
        .collect()
}

/// The spread of ordinary steps and of ordinary values: standard deviations of both.
fn spread(values: &[f64]) -> (f64, f64) {
    let deviation = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64).sqrt()
    };
    let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    (deviation(&steps), deviation(values))
}

/// What happens from the value `start` on.
fn happen(anomaly: Anomaly, start: usize, (step, all): (f64, f64), values: &mut [f64], random: &mut Random) {
    let half_day = start..(start + DAY / 2).min(values.len());
    let size = 1.0 + random.uniform();
    // Far for a single value, and far for many together.
    let (far, shifted) = ((3.0 * step).max(1.5 * all) * size, (1.5 * step).max(all) * size);
    match anomaly {
        Anomaly::Spike => {
            let length = 1 + (3.0 * random.uniform()) as usize;
            values[start..start + length].iter_mut().for_each(|value| *value += far);
        }
        Anomaly::Dip => values[start..start + 6].iter_mut().for_each(|value| *value -= far),
        Anomaly::Shift => values[start..].iter_mut().for_each(|value| *value += shifted),
        Anomaly::Plateau => values[half_day].iter_mut().for_each(|value| *value += shifted),
        Anomaly::Ramp => {
            for (index, value) in values[start..].iter_mut().enumerate() {
                *value += 1.5 * shifted * (index as f64 / DAY as f64).min(1.0);
            }
        }
        Anomaly::Noise => values[half_day].iter_mut().for_each(|value| *value += 1.5 * size * step * random.normal()),
        Anomaly::Stuck => {
            let value = values[start];
            values[half_day].fill(value);
        }
        Anomaly::WrongHour => {
            let from = (start - DAY / 2).min(values.len() - DAY);
            let earlier = values[from..from + half_day.len()].to_vec();
            values[half_day].copy_from_slice(&earlier);
        }
        Anomaly::Spikes => values[half_day].iter_mut().step_by(12).for_each(|value| *value += far),
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    /// Uniform in (0, 1).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((mixed ^ mixed >> 31) >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * libm::cos(TAU * self.uniform())
    }

    fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_series_and_another_seed_others() {
        assert_eq!(made(1), made(1));
        assert!(made(1).iter().zip(made(2)).all(|(one, other)| one.values != other.values));
    }

    #[test]
    fn windows_are_where_something_happens() {
        let all = made(7);
        assert_eq!(all.len(), 9 * 10 - 5);
        for made in &all {
            assert_eq!(made.windows.is_empty(), made.anomaly.is_none());
            let windowed: usize = made.windows.iter().map(|(first, last)| last - first + 1).sum();
            assert!(windowed <= 405 && made.windows.iter().all(|(first, last)| first < last && *first >= 750));
            assert!(made.windows.windows(2).all(|pair| pair[0].1 < pair[1].0));
            assert!(made.values.iter().all(|value| value.is_finite()));
        }
    }
}
