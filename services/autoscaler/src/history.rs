//! How a topic and its group have moved: rates, from what was seen at different times.

use std::{collections::VecDeque, time::Duration};

/// How much of the past counts.
const SPAN: Duration = Duration::from_secs(60);
/// Samples at most, however often somebody looks.
const SAMPLES_MAX: usize = 256;

/// How far a topic and its group have come, summed over partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When, since any fixed moment.
    pub at: Duration,
    /// Records that were ever written.
    pub written: u64,
    /// Records that the group has ever committed.
    pub committed: u64,
}

impl Sample {
    /// Records that wait.
    pub fn lag(&self) -> u64 {
        self.written.saturating_sub(self.committed)
    }
}

/// What was seen lately, since the number of replicas changed.
#[derive(Debug, Default)]
pub(crate) struct History {
    samples: VecDeque<Sample>,
}

impl History {
    pub(crate) fn push(&mut self, sample: Sample) {
        // A topic that was made anew begins at 0 again.
        if self.samples.back().is_some_and(|last| last.written > sample.written || last.at >= sample.at) {
            self.samples.clear();
        }
        self.samples.push_back(sample);
        let is_old = |first: &Sample| sample.at.saturating_sub(first.at) > SPAN;
        while self.samples.len() > SAMPLES_MAX || self.samples.front().is_some_and(is_old) {
            self.samples.pop_front();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.samples.clear();
    }

    /// Records written and records committed a second; nothing before there are two samples.
    pub(crate) fn rates(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let seconds = last.at.saturating_sub(first.at).as_secs_f64();
        if seconds <= 0.0 {
            return None;
        }
        let rate = |from: u64, to: u64| to.saturating_sub(from) as f64 / seconds;
        Some((rate(first.written, last.written), rate(first.committed, last.committed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seconds: u64, written: u64, committed: u64) -> Sample {
        Sample { at: Duration::from_secs(seconds), written, committed }
    }

    #[test]
    fn a_rate_needs_two_moments() {
        let mut history = History::default();
        assert_eq!(history.rates(), None);
        history.push(sample(1, 100, 50));
        assert_eq!(history.rates(), None);
        history.push(sample(11, 1_100, 550));
        assert_eq!(history.rates(), Some((100.0, 50.0)));
    }

    #[test]
    fn forgets_what_is_old_and_what_was_another_topic() {
        let mut history = History::default();
        for second in 0..1_000 {
            history.push(sample(second, second * 10, second * 10));
        }
        assert_eq!(history.samples.len(), 61);
        history.push(sample(1_000, 5, 0));
        assert_eq!(history.samples.len(), 1);
    }
}
