//! Latencies of the last five minutes, with their quantiles.
//!
//! Bins grow by an eighth of a power of two, so that a quantile is within 9 % of the exact one (the layout of an HDR
//! histogram with three significant bits).

/// Minutes that are kept.
const MINUTES: usize = 5;
/// Bins of a power of two.
const PARTS: u64 = 8;
/// Bins: up to 2^40 microseconds, which is twelve days.
const BINS: usize = 40 * PARTS as usize;

/// Latencies by minute.
#[derive(Debug)]
pub struct Latencies {
    minutes: [(i64, Box<[u64; BINS]>); MINUTES],
}

impl Default for Latencies {
    fn default() -> Self {
        Self { minutes: std::array::from_fn(|_| (i64::MIN, Box::new([0; BINS]))) }
    }
}

impl Latencies {
    /// Counts `rows` rows that took `micros` microseconds each.
    pub fn add(&mut self, now_ms: i64, micros: u64, rows: u64) {
        let minute = now_ms.div_euclid(60_000);
        let slot = &mut self.minutes[minute.rem_euclid(MINUTES as i64) as usize];
        if slot.0 != minute {
            slot.0 = minute;
            *slot.1 = [0; BINS];
        }
        slot.1[bin(micros)] += rows;
    }

    /// How many rows the last five minutes had, and the quantiles `of` in milliseconds; `None` where there were none.
    pub fn quantiles<const N: usize>(&self, now_ms: i64, of: [f64; N]) -> (u64, [Option<f64>; N]) {
        let minute = now_ms.div_euclid(60_000);
        let mut counts = [0u64; BINS];
        for (_, bins) in
            self.minutes.iter().filter(|(number, _)| (minute - MINUTES as i64 + 1..=minute).contains(number))
        {
            counts.iter_mut().zip(bins.iter()).for_each(|(sum, count)| *sum += count);
        }
        let total: u64 = counts.iter().sum();
        let quantile = |share: f64| {
            let wanted = (share * total as f64).ceil().max(1.0) as u64;
            let mut seen = 0;
            let found = counts.iter().position(|count| {
                seen += count;
                seen >= wanted
            });
            found.filter(|_| total > 0).map(|bin| upper(bin) / 1000.0)
        };
        (total, of.map(quantile))
    }
}

fn bin(micros: u64) -> usize {
    if micros < PARTS {
        return micros as usize;
    }
    let power = u64::from(micros.ilog2());
    let part = (micros >> (power - 3)) - PARTS;
    (((power - 2) * PARTS + part) as usize).min(BINS - 1)
}

/// The upper end of a bin, in microseconds.
fn upper(bin: usize) -> f64 {
    let (power, part) = (bin as u64 / PARTS, bin as u64 % PARTS);
    match power {
        0 => part as f64,
        _ => (PARTS + part + 1) as f64 * 2f64.powi(power as i32 - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_bin_of_the_exact_ones() {
        let mut latencies = Latencies::default();
        (1..=10_000u64).for_each(|micros| latencies.add(0, micros * 10, 1));
        let (rows, [p50, p99]) = latencies.quantiles(0, [0.5, 0.99]);
        assert_eq!(rows, 10_000);
        for (found, exact) in [(p50, 50.0), (p99, 99.0)] {
            let share = found.unwrap() / exact;
            assert!((0.99..1.13).contains(&share), "{found:?} for {exact}");
        }
    }

    #[test]
    fn what_is_older_than_five_minutes_is_forgotten() {
        let mut latencies = Latencies::default();
        latencies.add(0, 5, 3);
        assert_eq!(latencies.quantiles(4 * 60_000, [0.5]).0, 3);
        assert_eq!(latencies.quantiles(5 * 60_000, [0.5]), (0, [None]));
    }

    #[test]
    fn the_longest_latency_has_a_bin() {
        let mut latencies = Latencies::default();
        latencies.add(0, u64::MAX, 1);
        assert_eq!(latencies.quantiles(0, [0.5]).0, 1);
        assert!((0..200).all(|micros| upper(bin(micros)) >= micros as f64), "a quantile is never too low");
    }
}
