//! The newest anomalies, in a bounded number of bytes, each with the version that it first appeared in.

use std::collections::VecDeque;

use crate::Anomaly;

/// How many anomalies are kept,
pub(crate) const ANOMALIES_MAX: usize = 1024;
/// in how many bytes at most.
pub(crate) const ANOMALIES_BYTES_MAX: usize = 16 << 20;
/// How many anomalies a version lists on average at most: more than anybody reads, and what is sent to a page does not grow
/// with the stream beyond.
pub(crate) const ANOMALIES_VERSION: usize = 60;
/// How many one version lists at most, where those before it had few.
pub(crate) const ANOMALIES_VERSION_MAX: usize = 4 * ANOMALIES_VERSION;

/// The newest anomalies, oldest first.
#[derive(Debug)]
pub struct Recent {
    kept: VecDeque<(u64, usize, Anomaly)>,
    bytes: usize,
    /// The last version that an anomaly appeared in which is no longer kept.
    forgotten: Option<u64>,
    missed: u64,
    /// How many more the open version may list.
    allowance: usize,
}

/// What appeared since a version.
#[derive(Debug, PartialEq)]
pub struct Since<'a> {
    /// Whether anomalies that appeared since are no longer kept: what comes is then all that is known.
    pub full: bool,
    /// The anomalies, oldest first.
    pub anomalies: Vec<&'a Anomaly>,
}

impl Default for Recent {
    fn default() -> Self {
        Self { kept: VecDeque::new(), bytes: 0, forgotten: None, missed: 0, allowance: ANOMALIES_VERSION_MAX }
    }
}

impl Recent {
    /// Takes `wanted` of what the open version may still list, or as many as there are; gives how many that is.
    pub(crate) fn allow(&mut self, wanted: usize) -> usize {
        let allowed = wanted.min(self.allowance);
        self.allowance -= allowed;
        allowed
    }

    /// Begins a version, which may list what those before left over.
    pub(crate) fn begin_version(&mut self) {
        self.allowance = (self.allowance + ANOMALIES_VERSION).min(ANOMALIES_VERSION_MAX);
    }

    /// Adds an anomaly that appears in `version`, which is not below that of the one before.
    pub fn add(&mut self, version: u64, anomaly: Anomaly) {
        let bytes = anomaly.bytes();
        self.bytes += bytes;
        self.kept.push_back((version, bytes, anomaly));
        while self.kept.len() > ANOMALIES_MAX || self.bytes > ANOMALIES_BYTES_MAX {
            let Some((version, bytes, _)) = self.kept.pop_front() else { break };
            self.bytes -= bytes;
            self.forgotten = Some(version);
        }
    }

    /// Counts anomalies that were never seen here.
    pub fn miss(&mut self, count: u64) {
        self.missed += count;
    }

    /// How many anomalies were never seen here.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// What appeared after version `since` up to version `until`; everything where `since` is `None`.
    pub fn since(&self, since: Option<u64>, until: u64) -> Since<'_> {
        let full = since.is_none_or(|since| self.forgotten.is_some_and(|forgotten| forgotten > since));
        let from = since.filter(|_| !full);
        let wanted = |version: u64| from.is_none_or(|from| version > from) && version <= until;
        let found = self.kept.iter().filter(|(version, ..)| wanted(*version));
        Since { full, anomalies: found.map(|(_, _, anomaly)| anomaly).collect() }
    }

    /// Marks those before `position` as committed.
    pub fn commit(&mut self, position: u64) {
        // Partitions come in any order, but what was committed before stays so.
        for (_, _, anomaly) in self.kept.iter_mut().rev() {
            anomaly.committed |= anomaly.position.is_some_and(|at| at < position);
        }
    }

    /// About how many bytes the anomalies take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    pub(crate) fn anomaly(id: &str, text: usize) -> Anomaly {
        Anomaly {
            id: id.to_owned(),
            key: String::new(),
            time: String::new(),
            reasons: Vec::new(),
            score: Value::Null,
            words: Some("x".repeat(text)),
            causes: Value::Array(Vec::new()),
            values: serde_json::Map::new(),
            position: Some(7),
            committed: false,
            seen_ms: None,
            acknowledged: None,
            trace: None,
        }
    }

    #[test]
    fn however_many_come_they_stay_within_number_and_bytes() {
        let mut recent = Recent::default();
        (0..5000).for_each(|number| recent.add(number, anomaly(&number.to_string(), 10)));
        assert_eq!(recent.since(None, 5000).anomalies.len(), ANOMALIES_MAX);
        (0..100).for_each(|number| recent.add(5000 + number, anomaly("large", 1 << 20)));
        assert!(recent.bytes() <= ANOMALIES_BYTES_MAX);
        assert!(recent.since(Some(10), 9999).full, "whoever knows an older version is told that the list is whole");
        assert!(!recent.since(Some(5099), 9999).full);
    }

    #[test]
    fn versions_list_so_many_on_average_and_some_more_after_quiet_ones() {
        let mut recent = Recent::default();
        assert_eq!(recent.allow(1000), ANOMALIES_VERSION_MAX);
        assert_eq!(recent.allow(1), 0);
        recent.begin_version();
        assert_eq!((recent.allow(10), recent.allow(1000)), (10, ANOMALIES_VERSION - 10));
        (0..100).for_each(|_| recent.begin_version());
        assert_eq!(recent.allow(1000), ANOMALIES_VERSION_MAX);
    }

    #[test]
    fn a_commit_covers_what_stands_before_it() {
        let mut recent = Recent::default();
        recent.add(1, anomaly("a", 1));
        recent.commit(7);
        assert!(!recent.since(None, 1).anomalies[0].committed);
        recent.commit(8);
        assert!(recent.since(None, 1).anomalies[0].committed);
    }

    proptest! {
        /// Whoever follows the versions one after another, or with gaps, sees each anomaly once.
        #[test]
        fn nothing_is_seen_twice_and_nothing_is_missed(
            steps in prop::collection::vec((0usize..4, any::<bool>()), 1..200)
        ) {
            let mut recent = Recent::default();
            let (mut seen, mut added, mut known) = (Vec::new(), Vec::new(), 0);
            for (version, (count, looks)) in steps.iter().enumerate() {
                let version = version as u64 + 1;
                for number in 0..*count {
                    let id = format!("{version}-{number}");
                    recent.add(version, anomaly(&id, 1));
                    added.push(id);
                }
                if *looks || version as usize == steps.len() {
                    let since = recent.since(Some(known), version);
                    prop_assert!(!since.full);
                    seen.extend(since.anomalies.iter().map(|anomaly| anomaly.id.clone()));
                    known = version;
                }
            }
            prop_assert_eq!(seen, added);
        }
    }
}
