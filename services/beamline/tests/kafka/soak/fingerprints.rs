//! What became of millions of events, in four bytes each.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::cast,
    datatypes::DataType,
    row::{RowConverter, SortField},
};
use twox_hash::XxHash3_128;

/// What is compared of an event, bit for bit: its time, its scores, and what is said about it.
const COLUMNS: [&str; 8] = [
    "timestamp",
    "anomalous",
    "anomaly_score",
    "score_ewma",
    "score_mahalanobis",
    "score_chains",
    "anomaly_reasons",
    "trace_id",
];
/// What is named of each difference.
const NAMED_MAX: usize = 5;

/// A hash of the outcome of each event by its number; 0 where none has been seen. That another outcome has the same 32 bits is
/// one chance in four billion for each event that differs.
pub(crate) struct Fingerprints {
    of: Vec<u32>,
    seen: u64,
    twice: Vec<u64>,
    foreign: u64,
}

impl Fingerprints {
    /// Of so many events.
    pub(crate) fn of(events: u64) -> Self {
        Self { of: vec![0; events as usize], seen: 0, twice: Vec::new(), foreign: 0 }
    }

    /// What a store is asked for.
    pub(crate) fn question() -> String {
        format!("SELECT event_id, {} FROM processed_data", COLUMNS.join(", "))
    }

    /// Adds scored events.
    pub(crate) fn add(&mut self, rows: &RecordBatch) {
        let text = |name: &str| cast(rows.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
        let ids = text("event_id");
        let columns: Vec<ArrayRef> = COLUMNS
            .iter()
            .map(|name| match rows.column_by_name(name).unwrap().data_type() {
                DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => text(name),
                DataType::Timestamp(unit, _) => {
                    cast(rows.column_by_name(name).unwrap(), &DataType::Timestamp(*unit, Some(Arc::from("UTC"))))
                        .unwrap()
                }
                _ => rows.column_by_name(name).unwrap().clone(),
            })
            .collect();
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let bytes = RowConverter::new(fields).unwrap().convert_columns(&columns).unwrap();
        for (id, bytes) in ids.as_string::<i32>().iter().zip(bytes.iter()) {
            self.see(number(id.unwrap_or_default()), bytes.as_ref());
        }
    }

    fn see(&mut self, number: Option<u64>, bytes: &[u8]) {
        let Some(slot) = number.and_then(|number| self.of.get_mut(number as usize)) else {
            self.foreign += 1;
            return;
        };
        self.seen += 1;
        if *slot != 0 {
            self.twice.extend(number.filter(|_| self.twice.len() < NAMED_MAX));
        }
        *slot = (XxHash3_128::oneshot(bytes) as u32).max(1);
    }

    /// How many events have been seen.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// What is not as in a quiet run; nothing where all is.
    pub(crate) fn differences(&self, quiet: &Self) -> Vec<String> {
        let (mut lost, mut nowhere, mut changed) = (Named::default(), Named::default(), Named::default());
        for (number, (found, wanted)) in self.of.iter().zip(&quiet.of).enumerate() {
            match (found, wanted) {
                (found, wanted) if found == wanted => {}
                (0, _) => lost.add(number),
                (_, 0) => nowhere.add(number),
                _ => changed.add(number),
            }
        }
        let mut differences = Vec::new();
        let all = [(lost, "lost"), (nowhere, "that should have no row"), (changed, "scored differently")];
        for (named, what) in all.into_iter().filter(|(named, _)| named.count > 0) {
            differences.push(format!("{} events {what}: {:?}", named.count, named.first));
        }
        if !self.twice.is_empty() {
            differences.push(format!("events that stand twice: {:?}", self.twice));
        }
        if self.foreign > 0 {
            differences.push(format!("{} events of nobody", self.foreign));
        }
        differences
    }
}

#[derive(Default)]
struct Named {
    count: u64,
    first: Vec<usize>,
}

impl Named {
    fn add(&mut self, number: usize) {
        self.count += 1;
        if self.first.len() < NAMED_MAX {
            self.first.push(number);
        }
    }
}

/// The number of a synthetic event: `evt-000000000017`.
fn number(id: &str) -> Option<u64> {
    id.strip_prefix("evt-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_twice_or_changed_is_told() {
        let of = |events: &[(u64, &str)]| {
            let mut all = Fingerprints::of(5);
            events.iter().for_each(|(number, outcome)| all.see(Some(*number), outcome.as_bytes()));
            all
        };
        let quiet = of(&[(0, "a"), (1, "b"), (2, "c"), (3, "d")]);
        assert!(of(&[(3, "d"), (2, "c"), (1, "b"), (0, "a")]).differences(&quiet).is_empty());
        let found = of(&[(0, "a"), (0, "a"), (1, "x"), (3, "d"), (4, "e"), (5, "f")]).differences(&quiet);
        let told = [
            "1 events lost: [2]",
            "1 events that should have no row: [4]",
            "1 events scored differently: [1]",
            "events that stand twice: [0]",
            "1 events of nobody",
        ];
        assert_eq!(found, told);
        assert_eq!(number("evt-000000000017"), Some(17));
    }
}
