//! The lines of `check-config --connect`, and how the clocks compare.

use std::{
    io::{Write, stdout},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::Failure;

/// How far the clock of a server may be off: more than an answer takes, and less than a window waits for late events.
const CLOCK_MS_MAX: i64 = 5_000;

/// What was printed.
#[derive(Debug, Default)]
pub(super) struct Report {
    wrong: usize,
}

/// A server's time beside ours.
#[derive(Debug)]
pub(super) struct Clock {
    of: &'static str,
    /// Ours less the server's, in milliseconds.
    ahead_ms: i64,
}

impl Clock {
    /// A server's time in milliseconds since 1970, just read.
    pub(super) fn read(of: &'static str, time: i64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        Self { of, ahead_ms: now.saturating_sub(time) }
    }

    /// What is wrong with it, if anything.
    fn mistake(&self) -> Option<String> {
        let seconds = self.ahead_ms.unsigned_abs() as f64 / 1000.0;
        let way = if self.ahead_ms > 0 { "ahead of" } else { "behind" };
        (self.ahead_ms.abs() > CLOCK_MS_MAX).then(|| {
            format!(
                "this machine's clock is {seconds:.0} s {way} that of {}; set both by NTP: ingest times, windows and \
                 certificates go by them",
                self.of
            )
        })
    }
}

impl Report {
    pub(super) fn good(&mut self, what: &str, text: &str) -> Result<(), Failure> {
        print("ok", what, text)
    }

    pub(super) fn skipped(&mut self, what: &str, text: &str) -> Result<(), Failure> {
        print("skipped", what, text)
    }

    /// Something that a run goes on with.
    pub(super) fn doubtful(&mut self, what: &str, text: &str) -> Result<(), Failure> {
        print("differs", what, text)
    }

    pub(super) fn wrong(&mut self, what: &str, text: &str) -> Result<(), Failure> {
        self.wrong += 1;
        print("wrong", what, text)
    }

    /// The line of each clock.
    pub(super) fn clocks(&mut self, clocks: &[Clock]) -> Result<(), Failure> {
        for clock in clocks {
            match clock.mistake() {
                Some(mistake) => self.wrong("clock", &mistake)?,
                None => self.good("clock", &format!("this machine and {} agree", clock.of))?,
            }
        }
        if clocks.is_empty() {
            self.skipped("clock", "no server said what time it has")?;
        }
        Ok(())
    }

    /// How it ends.
    pub(super) fn end(self, stream: &str) -> Result<(), Failure> {
        match self.wrong {
            0 => Ok(()),
            1 => Err(Failure::run_time(format!("stream `{stream}` would not run: see the line that says wrong"))),
            wrong => {
                Err(Failure::run_time(format!("stream `{stream}` would not run: see the {wrong} lines that say wrong")))
            }
        }
    }
}

fn print(verdict: &str, what: &str, text: &str) -> Result<(), Failure> {
    writeln!(stdout(), "{verdict:<8} {what:<9} {}", text.replace('\n', "; ")).map_err(Failure::run_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_a_little_off() {
        let clock = |ahead_ms| Clock { of: "the store", ahead_ms }.mistake();
        assert_eq!(clock(CLOCK_MS_MAX), None);
        assert_eq!(clock(-CLOCK_MS_MAX), None);
        let ahead = clock(61_000).unwrap_or_default();
        assert!(ahead.starts_with("this machine's clock is 61 s ahead of that of the store"), "{ahead}");
        let behind = clock(-CLOCK_MS_MAX - 1).unwrap_or_default();
        assert!(behind.contains("5 s behind that of the store"), "{behind}");
        assert!(Clock::read("it", i64::MIN).mistake().is_some());
    }
}
