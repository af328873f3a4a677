//! When states are written down: how much of them goes with a commit.
//!
//! What brings a state up to date is the input, which stands on Kafka anyway. So snapshots take no more than a share of the bytes
//! that came, whoever has waited longest first, however often is committed; and more only where otherwise too much would have to be
//! read again.

use std::time::{Duration, Instant};

/// What was changed so long ago is written down within as long again: a topic keeps records for some days only.
const AGE_MAX: Duration = Duration::from_secs(6 * 3600);
/// How much more than its share may have been written, in bytes.
const DEBT_MAX: i64 = 64 << 10;

/// How much of a partition's state is written, and how much of its input may have to be read again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Which share of the bytes that came,
    pub share: f64,
    /// and how many bytes of it with a commit at most.
    pub bytes_max: usize,
    /// How many records are read again at most where the partition moves.
    pub replay_max: i64,
}

/// What is known of a partition's snapshots.
#[derive(Debug)]
pub(crate) struct Covering {
    /// How many bytes may be written; below zero where more were written already.
    credit: i64,
    /// The first row that came since states were last written down: what all keys share is no older than that.
    since: Option<i64>,
    /// What was changed before this offset is due when `AGE_MAX` has gone by since then.
    mark: (Instant, i64),
}

impl Covering {
    /// Of a partition whose next row is at `next`.
    pub(crate) fn new(now: Instant, next: i64) -> Self {
        Self { credit: 0, since: None, mark: (now, next) }
    }

    /// Rows came, the first of them at `position`.
    pub(crate) fn took(&mut self, position: i64) {
        self.since.get_or_insert(position);
    }

    /// The oldest row that would have to be read again, where that of the oldest changed key is `horizon`.
    pub(crate) fn oldest(&self, horizon: Option<i64>) -> Option<i64> {
        horizon.into_iter().chain(self.since).min()
    }

    /// So many bytes of records came with the open transaction.
    pub(crate) fn earn(&mut self, bytes: usize, limits: &Limits) {
        self.credit = (self.credit + (bytes as f64 * limits.share) as i64).min(limits.bytes_max as i64);
    }

    /// So many bytes were written.
    pub(crate) fn pay(&mut self, bytes: usize) {
        self.credit = (self.credit - bytes as i64).max(-DEBT_MAX);
    }

    /// How many bytes of snapshots are to be written now, of which `written` are already; nothing where none. `horizon` is the offset
    /// of the oldest change that is in no snapshot, and `next` that of the next row.
    pub(crate) fn wanted(
        &self,
        horizon: Option<i64>,
        next: i64,
        (limits, written): (&Limits, usize),
        now: Instant,
    ) -> Option<usize> {
        let oldest = self.oldest(horizon)?;
        let left = limits.bytes_max.checked_sub(written).filter(|left| *left > 0)?;
        let (marked, before) = self.mark;
        let old = now.saturating_duration_since(marked) > AGE_MAX && oldest < before;
        match next - oldest > limits.replay_max || old {
            true => Some(left.min(self.credit.max(1) as usize)),
            false if self.credit > 0 => Some(left.min(self.credit as usize)),
            false => None,
        }
    }

    /// Snapshots were written, whoever had waited longest first.
    pub(crate) fn wrote(&mut self) {
        self.since = None;
    }

    /// A transaction with these snapshots ends.
    pub(crate) fn end(&mut self, horizon: Option<i64>, next: i64, now: Instant) {
        let done = self.oldest(horizon).is_none_or(|oldest| oldest >= self.mark.1);
        if done && now.saturating_duration_since(self.mark.0) > AGE_MAX {
            self.mark = (now, next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { share: 0.1, bytes_max: 100_000, replay_max: 5_000 };

    /// Keys that change one after another, a snapshot of 1,000 bytes each: what was written in all, and the most that would have been
    /// read again.
    fn written(keys: usize, commits: i64, wait: Duration) -> (usize, i64) {
        let begun = Instant::now();
        let (mut covering, mut changed) = (Covering::new(begun, 0), vec![None::<i64>; keys]);
        let (mut all, mut most) = (0, 0);
        for commit in 0..commits {
            let (now, next) = (begun + wait * commit as u32, (commit + 1) * 10);
            for position in next - 10..next {
                changed[position as usize % keys].get_or_insert(position);
                covering.took(position);
            }
            covering.earn(10 * 100, &LIMITS);
            let mut bytes = 0;
            let horizon = |changed: &[Option<i64>]| changed.iter().flatten().min().copied();
            while covering.wanted(horizon(&changed), next, (&LIMITS, bytes), now).is_some() {
                let Some(oldest) = changed.iter_mut().filter(|at| at.is_some()).min() else { break };
                *oldest = None;
                bytes += 1000;
                covering.pay(1000);
                covering.wrote();
            }
            covering.end(horizon(&changed), next, now);
            all += bytes;
            most = most.max(next - covering.oldest(horizon(&changed)).unwrap_or(next));
        }
        (all, most)
    }

    #[test]
    fn a_tenth_of_what_came_is_written_however_many_commits_there_are() {
        let (bytes, most) = written(16, 2_000, Duration::from_millis(100));
        let came = 2_000 * 10 * 100;
        assert!(bytes <= came / 10 + 1000 && bytes > came / 11, "{bytes}");
        assert!(most < 2 * 16 * 10 * 10, "{most} records would be read again");
    }

    #[test]
    fn more_is_written_where_too_much_would_be_read_again() {
        let (bytes, most) = written(1_000, 5_000, Duration::from_millis(100));
        assert!(most <= LIMITS.replay_max + 10, "{most}");
        assert!(bytes > 5_000 * 10 * 100 / 10, "{bytes}");
    }

    #[test]
    fn what_waits_for_long_is_written_however_few_records_come() {
        let hour = Duration::from_secs(3600);
        let (_, most) = written(1_000, 200, hour);
        assert!(most <= 15 * 10, "{most}");
    }
}
