//! The account of a stream whose steps run apart: the metadata of each step's offsets, put together.
//!
//! Between two steps there are records that one has committed and the other has not read. How many follows from their
//! accounts; how many there can be follows from the offsets between the reader's place and the end of its topic. Where
//! the two do not fit, records are unaccounted for.

use std::collections::VecDeque;

use live::StoreFacts;
use stage::Ledger;

/// How many moments are remembered to know how old what waits is: a quarter of an hour of seconds.
const MOMENTS_MAX: usize = 900;

/// What a step has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Its account; empty where it has never committed.
    pub(crate) ledger: Ledger,
    /// Since when it counts, in milliseconds since 1970.
    pub(crate) since: i64,
    /// Offsets between its place and the end of its topic, those of transactions' markers among them.
    pub(crate) behind: u64,
    /// Whether it has ever committed.
    pub(crate) runs: bool,
}

/// What all steps have done; those further on were asked first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// Events that a generator sent, and dead letters that it wrote; nothing where none has committed.
    pub(crate) generated: Option<(u64, u64)>,
    /// Repaired events that were sent to the raw topic.
    pub(crate) redriven: u64,
    /// The enricher, and the detector where it enriches too.
    pub(crate) front: Done,
    /// Whether the detector enriches too, so that there is no step between.
    pub(crate) fused: bool,
    /// The detector.
    pub(crate) detector: Done,
    /// The aggregator; nothing where the stream has no aggregates.
    pub(crate) aggregator: Option<Done>,
    /// How old the rows of each store are that has had a probe.
    pub(crate) stores: Vec<StoreFacts>,
}

/// The stream's account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// What came in, and what became of it.
    pub(crate) ledger: Ledger,
    /// Records that one step has committed and the next has not read.
    pub(crate) between: u64,
    /// Records that wait before each stage.
    pub(crate) waiting: Vec<(&'static str, u64)>,
    /// Whether any step has committed.
    pub(crate) runs: bool,
    /// How old the rows of each store are that has had a probe.
    pub(crate) stores: Vec<StoreFacts>,
}

impl Account {
    pub(crate) fn of(looked: &Looked) -> Self {
        let (front, detector) = (&looked.front, &looked.detector);
        let dead_letters = looked.generated.map_or(0, |(_, dead_letters)| dead_letters);
        let mut ledger = Ledger {
            records: front.ledger.records + dead_letters,
            filtered: front.ledger.filtered,
            dead_lettered: dead_letters + front.ledger.dead_lettered,
            ..Ledger::default()
        };
        let mut between = Vec::new();
        let mut last = front;
        if !looked.fused {
            ledger.dead_lettered += detector.ledger.dead_lettered;
            between.push(("detect", passed(front, detector)));
            last = detector;
        }
        ledger.anomalies = last.ledger.anomalies;
        ledger.silences = last.ledger.silences;
        ledger.unscored = last.ledger.unscored;
        (ledger.out, ledger.late) = (last.ledger.out, last.ledger.late);
        // A stream whose aggregator is not deployed ends with the detector.
        if let Some(aggregator) = looked.aggregator.as_ref().filter(|aggregator| aggregator.runs) {
            ledger.dead_lettered += aggregator.ledger.dead_lettered;
            ledger.overdue = aggregator.ledger.overdue;
            (ledger.out, ledger.late) = (aggregator.ledger.out, aggregator.ledger.late);
            between.push(("aggregate", passed(last, aggregator)));
        }
        let sum = between.iter().map(|(_, passed)| passed.waiting).sum();
        if between.iter().any(|(_, passed)| !passed.comparable) {
            // Steps that count since different moments cannot be compared: each balances by itself.
            ledger.records = ledger.out + ledger.filtered + ledger.dead_lettered + ledger.late + sum;
        }
        let mut waiting = vec![("enrich", raw(looked))];
        waiting.extend(between.iter().map(|(stage, passed)| (*stage, passed.waiting)));
        let (runs, stores) = (front.runs || looked.generated.is_some(), looked.stores.clone());
        Self { ledger, between: sum, waiting, runs, stores }
    }

    /// Records that are in the stream's first topic, read or not.
    pub(crate) fn arrived(&self) -> u64 {
        self.ledger.records + self.waiting.first().map_or(0, |(_, records)| *records)
    }

    /// Records that wait before any stage.
    pub(crate) fn all_waiting(&self) -> u64 {
        self.waiting.iter().map(|(_, records)| records).sum()
    }
}

/// What one step has handed on to the next.
struct Passed {
    waiting: u64,
    comparable: bool,
}

fn passed(writer: &Done, reader: &Done) -> Passed {
    let written = writer.ledger.out + writer.ledger.late;
    Passed {
        // Fewer than nothing, or more than there are offsets: what is missing here shows in the balance.
        waiting: written.saturating_sub(reader.ledger.records).min(reader.behind),
        comparable: !reader.runs || writer.since <= reader.since,
    }
}

/// Records before the first step. Others may send too, whom nobody counts: then the offsets say how many wait at most.
fn raw(looked: &Looked) -> u64 {
    let front = &looked.front;
    let sent = looked.generated.map(|(events, _)| events + looked.redriven);
    let counted = sent.and_then(|sent| sent.checked_sub(front.ledger.records));
    counted.filter(|waiting| *waiting <= front.behind).unwrap_or(front.behind)
}

/// How much had arrived when, to know how old the oldest record that waits is at most.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(VecDeque<(i64, u64)>);

impl Arrivals {
    /// Takes that so many records had arrived by then, in milliseconds since 1970.
    pub(crate) fn note(&mut self, at_ms: i64, arrived: u64) {
        if self.0.len() == MOMENTS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((at_ms, arrived));
    }

    /// The age in milliseconds that the oldest of `waiting` records has at most; of one that arrived before the first moment
    /// that is remembered, the time since then.
    pub(crate) fn age(&self, now_ms: i64, waiting: u64) -> u64 {
        let Some((_, arrived)) = self.0.back().filter(|_| waiting > 0) else { return 0 };
        let done = arrived.saturating_sub(waiting);
        let later = self.0.partition_point(|(_, arrived)| *arrived <= done);
        let since = self.0.get(later.saturating_sub(1)).map_or(now_ms, |(at, _)| *at);
        u64::try_from(now_ms - since).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(records: u64, out: u64, behind: u64) -> Done {
        let ledger = Ledger { records, out, filtered: records - out, ..Ledger::default() };
        Done { ledger, since: 0, behind, runs: true }
    }

    fn balance(account: &Account) -> i64 {
        let ledger = &account.ledger;
        let became = ledger.out + ledger.filtered + ledger.dead_lettered + ledger.late + account.between;
        ledger.records as i64 - became as i64
    }

    fn looked() -> Looked {
        let aggregator =
            Done { ledger: Ledger { records: 70, out: 60, late: 10, ..Ledger::default() }, ..done(0, 0, 15) };
        Looked {
            generated: Some((120, 3)),
            front: done(100, 90, 25),
            detector: done(80, 80, 12),
            aggregator: Some(aggregator),
            ..Looked::default()
        }
    }

    #[test]
    fn what_is_between_steps_is_accounted_for() {
        let account = Account::of(&looked());
        assert_eq!(account.waiting, [("enrich", 20), ("detect", 10), ("aggregate", 10)]);
        assert_eq!((account.ledger.records, account.between, balance(&account)), (103, 20, 0));
        assert_eq!((account.arrived(), account.all_waiting()), (123, 40));
    }

    #[test]
    fn what_was_written_and_is_not_there_unbalances_the_account() {
        let mut looked = looked();
        // The enricher has written ten that the detector has not read, and only seven offsets are between them.
        looked.detector.behind = 7;
        assert_eq!(balance(&Account::of(&looked)), 3);
        // The detector has read more than was written.
        looked.detector = done(95, 95, 0);
        looked.aggregator.as_mut().unwrap().behind = 30;
        assert_eq!(balance(&Account::of(&looked)), -5);
    }

    #[test]
    fn steps_that_count_since_different_moments_are_not_compared() {
        let mut looked = looked();
        looked.front.since = 5;
        looked.detector.behind = 0;
        assert_eq!(balance(&Account::of(&looked)), 0);
    }

    #[test]
    fn a_detector_that_enriches_too_is_the_only_step() {
        let front = Done { ledger: Ledger { anomalies: 4, ..done(100, 90, 25).ledger }, ..done(100, 90, 25) };
        let account = Account::of(&Looked { front, fused: true, ..Looked::default() });
        assert_eq!((account.ledger.out, account.ledger.anomalies, balance(&account)), (90, 4, 0));
        assert_eq!(account.waiting, [("enrich", 25)]);
    }

    #[test]
    fn the_age_of_what_waits_follows_from_when_as_much_had_arrived() {
        let mut arrivals = Arrivals::default();
        for second in 0..10 {
            arrivals.note(second * 1000, second as u64 * 100);
        }
        assert_eq!(arrivals.age(9000, 0), 0);
        assert_eq!(arrivals.age(9000, 1), 1000);
        assert_eq!(arrivals.age(9000, 250), 3000);
        assert_eq!(arrivals.age(9000, 5000), 9000, "older than what is remembered");
        for second in 10..5000 {
            arrivals.note(second * 1000, second as u64 * 100);
        }
        assert_eq!(arrivals.0.len(), MOMENTS_MAX);
    }
}
