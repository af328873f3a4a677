//! What alarms are worth: precision, recall, and how many of them are false.

use serde::Serialize;

/// Alarms against labels, in counts of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Alarms {
    /// Anomalies that alarmed.
    pub found: u64,
    /// Anomalies that did not.
    pub missed: u64,
    /// Ordinary events that alarmed.
    pub false_alarms: u64,
    /// Ordinary events that did not.
    pub quiet: u64,
}

impl Alarms {
    /// Of pairs of an alarm and a label.
    pub fn of(events: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut counts = Self::default();
        for (alarm, anomaly) in events {
            let count = match (alarm, anomaly) {
                (true, true) => &mut counts.found,
                (false, true) => &mut counts.missed,
                (true, false) => &mut counts.false_alarms,
                (false, false) => &mut counts.quiet,
            };
            *count += 1;
        }
        counts
    }

    /// The share of alarms that are anomalies; `None` without an alarm.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.found, self.found + self.false_alarms)
    }

    /// The share of anomalies that alarm; `None` without an anomaly.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.found, self.found + self.missed)
    }

    /// The share of ordinary events that alarm; `None` without an ordinary event.
    #[must_use]
    pub fn false_alarm_rate(&self) -> Option<f64> {
        share(self.false_alarms, self.false_alarms + self.quiet)
    }
}

fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_right_whole() {
        let events = [(true, true), (true, true), (false, true), (true, false), (false, false), (false, false)];
        let alarms = Alarms::of(events.into_iter().chain([(false, false); 6]));
        assert_eq!(alarms, Alarms { found: 2, missed: 1, false_alarms: 1, quiet: 8 });
        assert_eq!(alarms.precision(), Some(2.0 / 3.0));
        assert_eq!(alarms.recall(), Some(2.0 / 3.0));
        assert_eq!(alarms.false_alarm_rate(), Some(1.0 / 9.0));
        assert_eq!(Alarms::default().precision(), None);
    }
}
