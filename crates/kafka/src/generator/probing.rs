//! When a generator sends probes.

use std::time::{Duration, Instant};

use stream::Topics;

use super::settings::Generator;
use crate::{KafkaError, topics};

/// How often probes are sent where nothing else is.
const QUIET: Duration = Duration::from_secs(30);

/// Whether a generator sends probes.
///
/// # Errors
/// Where the cluster does not say what its topics are like.
pub(super) fn are_sent(generator: &Generator) -> Result<bool, KafkaError> {
    if generator.probe_every().is_none() {
        return Ok(false);
    }
    let Topics { raw, enriched, scored, .. } = &generator.topics;
    let compacted = topics::compacted(&generator.connection, &[raw, enriched, scored])?;
    if !compacted.is_empty() {
        let topics = compacted.join(", ");
        tracing::warn!(topics, "no probes are sent: these topics are compacted, and `topics apply` would mend that");
    }
    Ok(compacted.is_empty())
}

/// When the next probes are due: every so often where there are events, and seldom where there are none.
pub(super) struct Probing {
    /// How often; never where there is none.
    every: Option<Duration>,
    last: Option<Instant>,
    /// Whether anything was sent since the last probes.
    busy: bool,
}

impl Probing {
    pub(super) fn new(every: Option<Duration>) -> Self {
        Self { every, last: None, busy: false }
    }

    /// Takes note of records that were sent.
    pub(super) fn sent_records(&mut self, any: bool) {
        self.busy |= any;
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        let Some(every) = self.every else { return false };
        let wait = if self.busy { every } else { every.max(QUIET) };
        self.last.is_none_or(|last| now.duration_since(last) >= wait)
    }

    /// Takes note that probes are sent.
    pub(super) fn sent_probes(&mut self, now: Instant) {
        (self.last, self.busy) = (Some(now), false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many probes are sent in so many seconds, with a record in each of the seconds `records`.
    fn probes(every: Option<Duration>, seconds: u64, records: std::ops::Range<u64>) -> usize {
        let (begun, mut probing, mut count) = (Instant::now(), Probing::new(every), 0);
        for tenth in 0..seconds * 10 {
            let now = begun + Duration::from_millis(tenth * 100);
            probing.sent_records(tenth % 10 == 0 && records.contains(&(tenth / 10)));
            if probing.is_due(now) {
                probing.sent_probes(now);
                count += 1;
            }
        }
        count
    }

    #[test]
    fn probes_go_every_second_among_records_and_twice_a_minute_alone() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(probes(second, 60, 0..60), 60);
        assert_eq!(probes(second, 60, 0..0), 2);
        assert_eq!(probes(second, 60, 0..10), 11);
        assert_eq!(probes(None, 60, 0..60), 0);
    }
}
