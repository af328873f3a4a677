//! The clock of a partition: the latest event time that is believed.

use stream::{Source, Stream};

use crate::{WindowError, bytes::Reader};

/// How many events in a row must be ahead before the clock follows them.
const AGREEING: usize = 3;

/// Times beyond this (the year 74,000) leave no room for lengths of time to be added.
const TIME_MAX: i64 = i64::MAX / 4;

/// Whether a time leaves room for lengths of time to be added.
pub(crate) fn is_time(time: i64) -> bool {
    (-TIME_MAX..=TIME_MAX).contains(&time)
}

/// The latest event time of a partition.
///
/// A file is finite and may be of any year, so that nothing but its own rows says which times are plausible: one row with
/// a wrong year would close every window. Where a stream comes from files, a time that is further ahead than `max_ahead`
/// moves the clock only when two more events in a row are ahead as well; then it moves to the least of the three. Of a
/// live stream every time moves it, because there `max_ahead` is measured against the clock that took the event in.
#[derive(Debug)]
pub(crate) struct Clock {
    latest: i64,
    /// The last times that were ahead, if nothing else came between.
    ahead: Vec<i64>,
    /// In microseconds; `None` where every time is believed.
    ahead_max: Option<i64>,
    changed: bool,
    /// How many times were ahead since the last call of [`Clock::doubted`].
    doubted: u64,
}

impl Clock {
    /// The clock of a partition of `stream` before its first event.
    pub(crate) fn new(stream: &Stream) -> Self {
        let is_recorded = stream.definition.spec.source.as_ref().is_some_and(Source::is_recorded);
        let ahead_max = stream.max_ahead().filter(|_| is_recorded).map(|length| length.as_micros() as i64);
        Self { latest: i64::MIN, ahead: Vec::new(), ahead_max, changed: false, doubted: 0 }
    }

    /// In microseconds since 1970; the least number before the first event.
    pub(crate) fn latest(&self) -> i64 {
        self.latest
    }

    /// Takes an event's time.
    pub(crate) fn take(&mut self, time: i64) {
        if !is_time(time) {
            return;
        }
        let limit = self.ahead_max.filter(|_| self.latest != i64::MIN).map(|ahead| self.latest.saturating_add(ahead));
        if limit.is_none_or(|limit| time <= limit) {
            self.changed |= time > self.latest || !self.ahead.is_empty();
            self.latest = self.latest.max(time);
            self.ahead.clear();
            return;
        }
        self.changed = true;
        self.doubted += 1;
        self.ahead.push(time);
        if self.ahead.len() == AGREEING {
            self.latest = self.ahead.iter().copied().min().unwrap_or(self.latest);
            self.ahead.remove(0);
        }
    }

    /// How many times were too far ahead to move the clock at once, since the last call.
    pub(crate) fn doubted(&mut self) -> u64 {
        std::mem::take(&mut self.doubted)
    }

    /// The clock as bytes, if it has changed since the last call.
    pub(crate) fn snapshot(&mut self) -> Option<Vec<u8>> {
        let times = std::iter::once(&self.latest).chain(&self.ahead);
        std::mem::take(&mut self.changed).then(|| times.flat_map(|time| time.to_le_bytes()).collect())
    }

    /// Puts the clock back.
    ///
    /// # Errors
    /// Where the bytes are cut.
    pub(crate) fn restore(&mut self, snapshot: &[u8]) -> Result<(), WindowError> {
        let mut reader = Reader(snapshot);
        self.latest = reader.i64()?;
        self.ahead.clear();
        while !reader.0.is_empty() {
            self.ahead.push(reader.i64()?);
        }
        self.changed = false;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock { latest: i64::MIN, ahead: Vec::new(), ahead_max: Some(100), changed: false, doubted: 0 }
    }

    fn after(times: &[i64]) -> i64 {
        let mut clock = clock();
        for time in times {
            // A restart between any two events changes nothing.
            let mut again = Clock { ahead_max: Some(100), ..super::tests::clock() };
            if let Some(snapshot) = clock.snapshot() {
                again.restore(&snapshot).unwrap();
                clock = again;
            }
            clock.take(*time);
        }
        clock.latest()
    }

    #[test]
    fn one_or_two_times_far_ahead_move_nothing_and_three_do() {
        assert_eq!(after(&[0, 50, 120, 10_000, 130, 10_000, 10_001, 140]), 140);
        assert_eq!(after(&[0, 10_000, 10_500, 10_200]), 10_000);
        assert_eq!(after(&[0, 1_000, 2_000, 3_000, 4_000, 5_000]), 3_000);
        assert_eq!(after(&[0, 10_000, 10_500, 10_200, 10_050]), 10_050);
    }

    #[test]
    fn a_time_that_moves_nothing_is_not_written_down() {
        let mut clock = clock();
        let mut written = |time| {
            clock.take(time);
            clock.snapshot().is_some()
        };
        assert_eq!(
            [5, 5, 4, 6, 10_000, 10_001, 6, 6].map(&mut written),
            [true, false, false, true, true, true, true, false]
        );
    }

    #[test]
    fn what_was_ahead_is_counted_once() {
        let mut clock = clock();
        [0, 50, 10_000, 60, 10_000, 10_001, 70].into_iter().for_each(|time| clock.take(time));
        assert_eq!((clock.doubted(), clock.doubted()), (3, 0));
    }
}
