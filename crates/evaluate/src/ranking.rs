//! How well a score ranks anomalies above ordinary events, whatever the threshold.

use std::cmp::Ordering;

/// Events sorted by score, those with the same score taken together.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// After each distinct score, from the highest down: the score, anomalies and ordinary events at or above it.
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    score: f64,
    anomalies: u64,
    ordinary: u64,
}

impl Ranking {
    /// Of pairs of a score and whether the event is an anomaly. A score that is NaN ranks below every other.
    #[must_use]
    pub fn new(events: impl IntoIterator<Item = (f64, bool)>) -> Self {
        let lowest = |score: f64| if score.is_nan() { f64::NEG_INFINITY } else { score };
        let mut sorted: Vec<(f64, bool)> = events.into_iter().map(|(score, label)| (lowest(score), label)).collect();
        sorted.sort_unstable_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal));
        let mut steps: Vec<Step> = Vec::new();
        let (mut anomalies, mut ordinary) = (0, 0);
        for (score, anomaly) in sorted {
            anomalies += u64::from(anomaly);
            ordinary += u64::from(!anomaly);
            match steps.last_mut() {
                Some(last) if last.score == score => (last.anomalies, last.ordinary) = (anomalies, ordinary),
                _ => steps.push(Step { score, anomalies, ordinary }),
            }
        }
        Self { steps }
    }

    fn totals(&self) -> Option<(f64, f64)> {
        let last = self.steps.last()?;
        (last.anomalies > 0 && last.ordinary > 0).then_some((last.anomalies as f64, last.ordinary as f64))
    }

    /// The area under the ROC curve: the chance that an anomaly scores above an ordinary event, ties counted half (Hanley
    /// and McNeil, 1982). `None` where there are no anomalies or nothing else.
    #[must_use]
    pub fn auc(&self) -> Option<f64> {
        let (anomalies, ordinary) = self.totals()?;
        let mut area = 0.0;
        let (mut before, mut below) = (0, 0);
        for step in &self.steps {
            area += (step.ordinary - below) as f64 * (before + step.anomalies) as f64 / 2.0;
            (before, below) = (step.anomalies, step.ordinary);
        }
        Some(area / (anomalies * ordinary))
    }

    /// Average precision: the precision at each distinct score, weighted by the recall gained there, without interpolation.
    /// `None` where there are no anomalies or nothing else.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        let (anomalies, _) = self.totals()?;
        let mut sum = 0.0;
        let mut before = 0;
        for step in &self.steps {
            let precision = step.anomalies as f64 / (step.anomalies + step.ordinary) as f64;
            sum += precision * (step.anomalies - before) as f64 / anomalies;
            before = step.anomalies;
        }
        Some(sum)
    }

    /// Points of the ROC curve, at most about `most`: the share of ordinary events and of anomalies at or above a score.
    #[must_use]
    pub fn roc(&self, most: usize) -> Vec<(f64, f64)> {
        let Some((anomalies, ordinary)) = self.totals() else { return Vec::new() };
        let point = |step: &Step| (step.ordinary as f64 / ordinary, step.anomalies as f64 / anomalies);
        std::iter::once((0.0, 0.0)).chain(self.thinned(most).map(point)).collect()
    }

    /// Points of precision over recall, at most about `most`: recall, precision.
    #[must_use]
    pub fn precision_recall(&self, most: usize) -> Vec<(f64, f64)> {
        let Some((anomalies, _)) = self.totals() else { return Vec::new() };
        let precision = |step: &Step| step.anomalies as f64 / (step.anomalies + step.ordinary) as f64;
        self.thinned(most).map(|step| (step.anomalies as f64 / anomalies, precision(step))).collect()
    }

    /// Steps at even distances in recall and false alarms, the last one always among them.
    fn thinned(&self, most: usize) -> impl Iterator<Item = &Step> {
        let last = self.steps.last().copied().unwrap_or(Step { score: 0.0, anomalies: 0, ordinary: 0 });
        let cell = move |count: u64, all: u64| count * most as u64 / (2 * all.max(1));
        let mut before = None;
        self.steps.iter().enumerate().filter_map(move |(index, step)| {
            let at = Some((cell(step.anomalies, last.anomalies), cell(step.ordinary, last.ordinary)));
            let kept = at != before || index + 1 == self.steps.len();
            before = at;
            kept.then_some(step)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of scikit-learn's `roc_auc_score` and `average_precision_score`: .75 and .8333.
    #[test]
    fn a_published_example() {
        let ranking = Ranking::new([(0.1, false), (0.4, false), (0.35, true), (0.8, true)]);
        assert_eq!(ranking.auc(), Some(0.75));
        assert!((ranking.average_precision().unwrap() - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(ranking.roc(100), [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(ranking.precision_recall(100)[..2], [(0.5, 1.0), (0.5, 0.5)]);
    }

    #[test]
    fn ties_count_half_and_their_order_does_not_matter() {
        let events = [(1.0, true), (1.0, false), (1.0, false), (0.0, false)];
        let mut turned = events;
        turned.reverse();
        // The anomaly beats one of three and is level with two: (1 + 2 / 2) / 3. Its precision is 1 of 3.
        for events in [events, turned] {
            let ranking = Ranking::new(events);
            assert!((ranking.auc().unwrap() - 2.0 / 3.0).abs() < 1e-12);
            assert!((ranking.average_precision().unwrap() - 1.0 / 3.0).abs() < 1e-12);
        }
    }

    #[test]
    fn no_score_is_the_lowest_and_one_class_has_no_area() {
        assert_eq!(Ranking::new([(f64::NAN, true), (-1e9, false)]).auc(), Some(0.0));
        assert_eq!(Ranking::new([(1.0, true)]).auc(), None);
        assert_eq!(Ranking::new([]).average_precision(), None);
    }

    #[test]
    fn a_thinned_curve_keeps_its_ends() {
        let ranking = Ranking::new((0..10_000).map(|i| (f64::from(i), i % 3 == 0)));
        let roc = ranking.roc(50);
        assert!((20..=120).contains(&roc.len()), "{}", roc.len());
        assert_eq!((roc[0], roc[roc.len() - 1]), ((0.0, 0.0), (1.0, 1.0)));
    }
}
