//! The account of every record: what came in and what became of it.

use std::{collections::BTreeMap, ops::AddAssign};

use serde::{Deserialize, Serialize};

/// The account of every record. Each is in exactly one of `out`, `filtered`, `dead_lettered` and `late`. A late event is
/// stored with the others, for it happened; it is `late` because an aggregate does not have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Records taken in, good or bad.
    pub records: u64,
    /// Events that came out at the end, anomalous or not, and are in every aggregate.
    pub out: u64,
    /// Events that the filter dropped.
    pub filtered: u64,
    /// Records that could not go on.
    pub dead_lettered: u64,
    /// Events that came out at the end too late for a window, or that an aggregate left out for another reason.
    pub late: u64,
    /// Of `out` and `late`, the anomalous ones.
    pub anomalies: u64,
    /// Of `out` and `late`, events of keys beyond the limit on keys, which no learned layer looked at.
    pub unscored: u64,
    /// Of `out`, events of a partition that had been quiet for so long that the windows were closed without it.
    #[serde(default)]
    pub overdue: u64,
    /// Of `out` and `late`, events of files whose time was too far ahead of the others to close windows at once. Counted in
    /// one process only.
    #[serde(default)]
    pub ahead: u64,
    /// Probes that were passed on. They are not records: no other count has them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub probes: u64,
    /// Alarms of keys that fell silent: rows of the anomalies that no record is behind. No other count has them, but for that of
    /// their reason.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub silences: u64,
    /// Anomalies by reason; one with two reasons counts for both.
    pub reasons: BTreeMap<String, u64>,
    /// Dead letters by the rule, column or step they failed at.
    pub dead_letter_rules: BTreeMap<String, u64>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Ledger {
    /// Whether every record is accounted for.
    pub fn balances(&self) -> bool {
        self.records == self.out + self.filtered + self.dead_lettered + self.late
    }
}

impl AddAssign<&Ledger> for Ledger {
    fn add_assign(&mut self, other: &Ledger) {
        self.records += other.records;
        self.out += other.out;
        self.filtered += other.filtered;
        self.dead_lettered += other.dead_lettered;
        self.late += other.late;
        self.anomalies += other.anomalies;
        self.unscored += other.unscored;
        self.overdue += other.overdue;
        self.ahead += other.ahead;
        self.probes += other.probes;
        self.silences += other.silences;
        for (reason, count) in &other.reasons {
            *self.reasons.entry(reason.clone()).or_default() += count;
        }
        for (rule, count) in &other.dead_letter_rules {
            *self.dead_letter_rules.entry(rule.clone()).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_vanished_unbalances_the_ledger() {
        let mut ledger = Ledger { records: 6, out: 3, filtered: 1, dead_lettered: 1, late: 1, ..Ledger::default() };
        assert!(ledger.balances());
        ledger += &Ledger { records: 1, ..Ledger::default() };
        assert!(!ledger.balances());
    }

    #[test]
    fn sums_keep_the_counts_by_name() {
        let one = |name: &str| Ledger { reasons: [(name.to_owned(), 2)].into(), ..Ledger::default() };
        let mut ledger = one("ewma");
        ledger += &one("ewma");
        ledger += &one("chains");
        assert_eq!(ledger.reasons, [("chains".to_owned(), 2), ("ewma".to_owned(), 4)].into());
    }
}
