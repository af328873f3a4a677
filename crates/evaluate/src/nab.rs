//! The score of the Numenta Anomaly Benchmark (Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms - the
//! Numenta Anomaly Benchmark", ICMLA 2015), by the rules of its published scorer.
//!
//! Of each window of anomalies the best alarm counts, the earlier the better; a window without one costs a point; an alarm
//! outside costs less, the closer it comes behind a window. The first 15 % of a series, 750 values at most, are not
//! scored. One threshold holds for all series: the one that is best for the profile. The sum is scaled so that a detector
//! that never alarms has 0 and a perfect one 100.

use std::collections::VecDeque;

use serde::Serialize;

/// The share of a series that is not scored, and the length of a series beyond which it no longer grows.
const PROBATION: (f64, usize) = (0.15, 5_000);

/// What an application pays for (the benchmark's `profiles.json`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Profile {
    /// The profile's name.
    pub name: &'static str,
    /// What a window that is found at once brings.
    pub true_positive: f64,
    /// What an alarm far from any window costs.
    pub false_positive: f64,
    /// What a window that is missed costs.
    pub false_negative: f64,
}

/// The benchmark's three profiles.
pub const PROFILES: [Profile; 3] = [
    Profile { name: "standard", true_positive: 1.0, false_positive: 0.11, false_negative: 1.0 },
    Profile { name: "reward low FP rate", true_positive: 1.0, false_positive: 0.22, false_negative: 1.0 },
    Profile { name: "reward low FN rate", true_positive: 1.0, false_positive: 0.11, false_negative: 2.0 },
];

/// One series in the order of its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// A score a value; NaN is lower than any other.
    pub scores: Vec<f64>,
    /// Windows of anomalies as indices of their first and last value, in order and without overlap.
    pub windows: Vec<(usize, usize)>,
}

/// The score for a profile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NabScore {
    /// The profile's name.
    pub profile: &'static str,
    /// 0 for a detector that never alarms, 100 for a perfect one; below 0 where alarms do harm.
    pub score: f64,
    /// The threshold that gives it: a score at or above it is an alarm. `None` where the best is never to alarm.
    pub threshold: Option<f64>,
    /// Windows that are found at it.
    pub found: usize,
    /// All windows.
    pub windows: usize,
    /// Alarms outside of windows at it.
    pub false_alarms: usize,
}

/// A value that counts: what it is worth as an alarm, and the window that it is in.
struct Point {
    score: f64,
    worth: f64,
    window: Option<usize>,
}

/// Scores as one wakes somebody by them: a score that is not above all of the `rows` before it is none (NaN), as it would only
/// repeat an alarm that was raised already, whatever the threshold. Nothing behind a score changes it.
#[must_use]
pub fn first_of_episodes(scores: &[f64], rows: usize) -> Vec<f64> {
    // Falling from front to back: what a score still has to be above.
    let mut above: VecDeque<(usize, f64)> = VecDeque::new();
    let mut first = Vec::with_capacity(scores.len());
    for (row, score) in scores.iter().enumerate() {
        while above.front().is_some_and(|(earlier, _)| earlier + rows < row) {
            above.pop_front();
        }
        let is_first = above.front().is_none_or(|(_, highest)| score > highest);
        first.push(if is_first { *score } else { f64::NAN });
        if !score.is_nan() {
            while above.back().is_some_and(|(_, lower)| lower <= score) {
                above.pop_back();
            }
            above.push_back((row, *score));
        }
    }
    first
}

/// The score of `series` for `profile` at the threshold that is best over all of them.
#[must_use]
pub fn score(series: &[Series], profile: &Profile) -> NabScore {
    let mut points = Vec::new();
    let mut windows = 0;
    for series in series {
        add(series, profile, windows, &mut points);
        windows += series.windows.len();
    }
    points.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    let mut of_windows: Vec<Option<f64>> = vec![None; windows];
    let missed = -profile.false_negative;
    let never = NabScore {
        profile: profile.name,
        score: missed * windows as f64,
        threshold: None,
        found: 0,
        windows,
        false_alarms: 0,
    };
    let (mut best, mut now) = (never.clone(), never);
    for (index, point) in points.iter().enumerate() {
        match point.window {
            None => {
                now.score += point.worth;
                now.false_alarms += 1;
            }
            Some(window) => {
                let before = of_windows[window];
                let after = before.unwrap_or(missed).max(point.worth);
                now.score += after - before.unwrap_or(missed);
                now.found += usize::from(before.is_none());
                of_windows[window] = Some(after);
            }
        }
        let last_of_score = points.get(index + 1).is_none_or(|next| next.score != point.score);
        if last_of_score && now.score > best.score && point.score > f64::NEG_INFINITY {
            best = NabScore { threshold: Some(point.score), ..now.clone() };
        }
    }
    let (null, perfect) = (missed * windows as f64, profile.true_positive * windows as f64);
    let scaled = if windows == 0 { 0.0 } else { 100.0 * (best.score - null) / (perfect - null) };
    NabScore { score: scaled, ..best }
}

/// Appends what counts of a series; its windows are numbered from `first_window` on.
fn add(series: &Series, profile: &Profile, first_window: usize, points: &mut Vec<Point>) {
    let length = series.scores.len();
    let probation = (PROBATION.0 * length.min(PROBATION.1) as f64) as usize;
    let most = sigmoid(-1.0);
    let mut windows = series.windows.iter().enumerate().peekable();
    let mut behind: Option<(usize, usize)> = None;
    for (index, score) in series.scores.iter().enumerate() {
        while let Some((_, passed)) = windows.next_if(|(_, (_, last))| *last < index) {
            behind = Some(*passed);
        }
        let inside = windows.peek().filter(|(_, (first, _))| *first <= index);
        let (worth, window) = match inside {
            Some((number, (first, last))) => {
                let position = -((last + 1 - index) as f64) / (last + 1 - first) as f64;
                (sigmoid(position) * profile.true_positive / most, Some(first_window + number))
            }
            None => {
                let worth = behind.map_or(-1.0, |(first, last)| sigmoid((index - last) as f64 / (last - first) as f64));
                (worth * profile.false_positive, None)
            }
        };
        if index >= probation {
            let score = if score.is_nan() { f64::NEG_INFINITY } else { *score };
            points.push(Point { score, worth, window });
        }
    }
}

/// From 1 far before the end of a window to -1 far behind it: 2 / (1 + e^5x) - 1, where x counts windows from the end.
fn sigmoid(position: f64) -> f64 {
    if position > 3.0 { -1.0 } else { 2.0 / (1.0 + libm::exp(5.0 * position)) - 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 values with a window from 50 to 59, and alarms at some of them.
    fn series(alarms: &[usize]) -> Series {
        let scores = (0..100).map(|index| f64::from(u8::from(alarms.contains(&index)))).collect();
        Series { scores, windows: vec![(50, 59)] }
    }

    fn standard(alarms: &[usize]) -> f64 {
        score(&[series(alarms)], &PROFILES[0]).score
    }

    #[test]
    fn the_first_value_of_each_window_alone_is_perfect() {
        let found = score(&[series(&[50]), series(&[50])], &PROFILES[0]);
        assert!((found.score - 100.0).abs() < 1e-9);
        assert_eq!((found.found, found.windows, found.false_alarms, found.threshold), (2, 2, 0, Some(1.0)));
    }

    #[test]
    fn never_to_alarm_is_nothing() {
        for profile in &PROFILES {
            let found = score(&[series(&[])], profile);
            assert_eq!((found.score, found.threshold), (0.0, None));
        }
    }

    /// By hand, from the sigmoid: at the middle of the window (position -.5) 2 / (1 + e^-2.5) - 1 = .848284, over the
    /// most, .986614, so .859793 of a point; scaled (.859793 + 1) / 2.
    #[test]
    fn a_late_alarm_is_worth_less() {
        assert!((standard(&[55]) - 92.9896).abs() < 1e-3, "{}", standard(&[55]));
        assert!((standard(&[55, 57]) - 92.9896).abs() < 1e-3, "of a window the best alarm counts");
    }

    /// One false alarm far before any window costs .11 of the 2 points between nothing and perfect, 5.5 of 100; the low-FP
    /// profile takes twice that; behind the window by a third of its width it costs 2 / (1 + e^(5/3)) - 1 = -.682250 of it.
    #[test]
    fn a_false_alarm_costs_by_its_distance() {
        assert!((standard(&[40, 50]) - 94.5).abs() < 1e-9);
        assert!((score(&[series(&[40, 50])], &PROFILES[1]).score - 89.0).abs() < 1e-9);
        assert!((standard(&[50, 62]) - (100.0 - 5.5 * 0.682_250)).abs() < 1e-3, "{}", standard(&[50, 62]));
        assert!((standard(&[50, 99]) - 94.5).abs() < 1e-9);
    }

    #[test]
    fn a_missed_window_costs_double_where_misses_are_dear() {
        // One of two found: (1 - 1 + 2) / 4 and (1 - 2 + 4) / 6.
        let both = [series(&[50]), series(&[])];
        assert!((score(&both, &PROFILES[0]).score - 50.0).abs() < 1e-9);
        assert!((score(&both, &PROFILES[2]).score - 50.0).abs() < 1e-9);
        let with_false = [series(&[50, 40]), series(&[])];
        assert!((score(&with_false, &PROFILES[2]).score - (50.0 - 11.0 / 6.0)).abs() < 1e-9);
    }

    #[test]
    fn an_episode_has_the_scores_that_are_above_all_of_the_rows_before() {
        let nan = f64::NAN;
        let first = first_of_episodes(&[1.0, 3.0, 2.0, nan, 3.0, 2.5, 4.0, 1.0, 1.0, 1.0, 2.0, 0.5], 3);
        let expected = [1.0, 3.0, nan, nan, nan, nan, 4.0, nan, nan, nan, 2.0, nan];
        let text = |scores: &[f64]| format!("{scores:?}");
        assert_eq!(text(&first), text(&expected));
        assert_eq!(text(&first_of_episodes(&[1.0, 0.5, nan, 1.0], 0)), text(&[1.0, 0.5, nan, 1.0]));
    }

    #[test]
    fn the_probation_does_not_count() {
        assert!((standard(&[14, 50]) - 100.0).abs() < 1e-9);
        assert!((standard(&[15, 50]) - 94.5).abs() < 1e-9);
    }

    #[test]
    fn one_threshold_is_best_for_all() {
        let mut low = series(&[]);
        low.scores[50] = 0.5;
        low.scores[30] = 0.4;
        let found = score(&[series(&[50]), low], &PROFILES[0]);
        assert_eq!((found.threshold, found.found, found.false_alarms), (Some(0.5), 2, 0));
        assert!((found.score - 100.0).abs() < 1e-9);
    }
}
