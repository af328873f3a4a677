//! How fast events arrive: a cumulative sum (Page, "Continuous Inspection Schemes", Biometrika 41, 1954) over the gaps between
//! the times of events.
//!
//! Each gap adds the logarithm of how much likelier it is where events come [`FACTOR`] times as fast as usual than where they
//! come as usual, gaps being exponential; the sum never falls below 0, and so is near 0 until events come faster. Where arrivals
//! are not random (at a fixed interval, in groups), the sums are of another size: how rare one is follows from the sums that
//! were seen, as for every other layer. Times are the events' own; an event that is early or late in the order of time has a
//! long gap before and behind it, and makes no burst.

use crate::words::{get, half, set, set_half, weight};

/// How many times as fast as usual events come in what is looked for.
const FACTOR: f64 = 10.0;

/// The weight of a gap in the mean.
const ALPHA: f64 = 1.0 / 1024.0;

/// The largest sum, in bits: so that a burst is over a few events after its end.
const SUM_MAX: f64 = 28.0;

/// A gap that is learned counts as this many usual ones at most, so that a pause does not blind the layer.
const GAP_MAX: f64 = 32.0;

/// Gaps from which on that is known.
const KNOWN_GAPS: f64 = 16.0;

/// The shortest gap that is told from none, in microseconds: the resolution of event times.
const SHORTEST: f64 = 1.0;

/// A gap shorter than this multiple of the mean adds to the sum: ln FACTOR / (FACTOR - 1).
pub(crate) const SHORT: f64 = std::f64::consts::LN_10 / (FACTOR - 1.0);

/// Where the numbers are: the time of the last event, the mean gap, how many gaps it is of, the sum, when the run began that the
/// sum is of, and in halves how many events that has and whether there was an event.
const LAST: usize = 0;
const MEAN: usize = 1;
const GAPS: usize = 2;
const SUM: usize = 3;
const BEGAN: usize = 4;
const RUN: usize = 5;

pub(crate) const ARRIVAL_WORDS: usize = 6;

/// The gap before the event at `time` (microseconds since 1970), NaN for the first; [`learn`] takes it.
pub(crate) fn gap(words: &[u64], time: i64) -> f64 {
    if half(words, 2 * RUN + 1) == 0 { f64::NAN } else { time.abs_diff(words[LAST] as i64) as f64 }
}

/// Adds the gap before the event at `time` to the sum, and gives that in bits; NaN before there is a mean.
pub(crate) fn score(words: &mut [u64], time: i64, gap: f64) -> f64 {
    let last = words[LAST];
    words[LAST] = time as u64;
    set_half(words, 2 * RUN + 1, 1);
    if gap.is_nan() || get(words, GAPS) < 1.0 {
        return f64::NAN;
    }
    let ratio = gap / get(words, MEAN).max(SHORTEST);
    let nats = std::f64::consts::LN_10 - (FACTOR - 1.0) * ratio;
    let before = get(words, SUM);
    let sum = (before + nats * std::f64::consts::LOG2_E).clamp(0.0, SUM_MAX);
    set(words, SUM, sum);
    let run = if sum > 0.0 { half(words, 2 * RUN).saturating_add(1) } else { 0 };
    set_half(words, 2 * RUN, run);
    if run == 1 {
        words[BEGAN] = last;
    }
    sum
}

/// Counts a gap in the mean.
pub(crate) fn learn(words: &mut [u64], gap: f64) {
    if gap.is_nan() {
        return;
    }
    let (mean, gaps) = (get(words, MEAN), get(words, GAPS) + 1.0);
    let most = if gaps > KNOWN_GAPS { GAP_MAX * mean.max(SHORTEST) } else { f64::INFINITY };
    set(words, MEAN, mean + weight(ALPHA, gaps) * (gap.min(most) - mean));
    set(words, GAPS, gaps);
}

/// Events a second in the run that the sum is of, and usually.
pub(crate) fn rates(words: &[u64]) -> (f64, f64) {
    let elapsed = (words[LAST] as i64).abs_diff(words[BEGAN] as i64) as f64;
    let run = f64::from(half(words, 2 * RUN));
    (1e6 * run / elapsed.max(SHORTEST), 1e6 / get(words, MEAN).max(SHORTEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive(words: &mut [u64], time: i64) -> f64 {
        let gap = gap(words, time);
        let score = score(words, time, gap);
        learn(words, gap);
        score
    }

    #[test]
    fn the_sum_is_pages() {
        let mut words = vec![0; ARRIVAL_WORDS];
        assert!(arrive(&mut words, 0).is_nan() && arrive(&mut words, 1_000).is_nan());
        for event in 2..50 {
            assert_eq!(arrive(&mut words, 1_000 * event), 0.0, "ln 10 - 9 is below 0");
        }
        let expected = 2.0 * (std::f64::consts::LN_10 - 9.0 * 0.02) * std::f64::consts::LOG2_E;
        let gaps = [gap(&words, 49_020), 20.0];
        score(&mut words, 49_020, gaps[0]);
        assert!((score(&mut words, 49_040, gaps[1]) - expected).abs() < 1e-9);
        let (now, usual) = rates(&words);
        assert!((now - 50_000.0).abs() < 1e-6 && (usual - 1_000.0).abs() < 1e-6);
    }

    /// Ten seconds ahead of all others, then back: no gap is short.
    #[test]
    fn an_event_ahead_of_its_time_makes_no_burst() {
        let mut words = vec![0; ARRIVAL_WORDS];
        for event in 0..200 {
            let time = if event == 150 { 10_000_000 } else { 1_000 * event };
            let score = arrive(&mut words, time);
            assert!(score.is_nan() || score == 0.0, "{event}: {score}");
        }
    }

    /// A long gap counts in full among the first sixteen, and later as 32 usual ones.
    #[test]
    fn a_pause_does_not_blind_the_layer() {
        let after = |gaps: usize| {
            let mut words = vec![0; ARRIVAL_WORDS];
            (0..gaps).for_each(|_| learn(&mut words, 1_000.0));
            learn(&mut words, 1e9);
            1e6 / rates(&words).1
        };
        assert!((after(15) - (15_000.0 + 1e9) / 16.0).abs() < 1.0, "{}", after(15));
        assert!((after(16) - (16_000.0 + 32_000.0) / 17.0).abs() < 1.0, "{}", after(16));
    }
}
