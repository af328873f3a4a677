//! What a history has come to, held against one that nothing was done to.

use std::collections::BTreeMap;

use kafka::{Note, Step};
use serde_json::Value;
use stage::Ledger;

use crate::{
    broker::{Broker, log::Record},
    scenario::Scenario,
};

/// The header of a record that has a place.
const PLACE: &str = "beamline-place";

/// What is committed in the end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// The rows of each topic and partition, in order: key, value and time.
    rows: BTreeMap<(String, u32), Vec<Row>>,
    /// The last result of each window and group, by its key.
    results: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// The dead letters, which steps write side by side.
    dead_letters: Vec<Row>,
    /// The account of each step, but for the merger's: how often it is told of a part depends on the others' commits.
    ledgers: Vec<Ledger>,
}

type Row = (Option<Vec<u8>>, Option<Vec<u8>>, i64);

fn row(record: &Record) -> Row {
    (record.key.clone(), record.value.clone(), record.time)
}

impl Outcome {
    /// What a cluster has in the end, where it holds together.
    ///
    /// # Errors
    /// A sentence that begins with what is wrong: `transactions`, `offsets`, `ledger` or `places`.
    pub(crate) fn of(scenario: &Scenario, broker: &Broker) -> Result<Self, String> {
        if broker.transactions.iter().any(|transaction| !transaction.is_marked) {
            return Err("transactions: one is open when all workers have left".to_owned());
        }
        let topics = scenario.stream.topics();
        let (mut rows, mut ledgers) = (BTreeMap::new(), Vec::new());
        for (number, step) in scenario.steps.iter().enumerate() {
            let outputs: &[&str] = match step {
                Step::Enrich => &[&topics.enriched],
                Step::Detect | Step::Fused => &[&topics.scored, &topics.anomalies],
                Step::Aggregate => &[&topics.late],
                Step::Merge => &[],
            };
            let (group, input) = (&scenario.groups[number], step.input(&topics));
            let mut ledger = Ledger::default();
            for partition in 0..broker.partitions(input) {
                let (next, note) = broker
                    .offset(group, input, partition)
                    .ok_or_else(|| format!("offsets: partition {partition} of `{input}` has none"))?;
                let note = Note::parse(note).map_err(|reason| format!("offsets: {reason}"))?;
                ledger += &note.ledger();
                for topic in outputs {
                    let records = broker.committed(topic, partition);
                    rows.insert(
                        ((*topic).to_owned(), partition),
                        records.iter().map(|(_, record)| row(record)).collect(),
                    );
                }
                for topic in outputs.iter().copied().chain([topics.dead_letters.as_str()]) {
                    in_order(broker, (topic, partition), group, *next)?;
                }
            }
            if !ledger.balances() {
                return Err(format!("ledger: that of {step:?} does not balance: {ledger:?}"));
            }
            if *step != Step::Merge {
                ledgers.push(ledger);
            }
        }
        let results = (0..scenario.partitions())
            .flat_map(|partition| broker.committed(&topics.aggregates, partition))
            .map(|(_, record)| (record.key.clone().unwrap_or_default(), record.value.clone()))
            .collect();
        let partitions = 0..scenario.partitions();
        let mut dead_letters: Vec<Row> = partitions
            .flat_map(|partition| broker.committed(&topics.dead_letters, partition))
            .map(|(_, record)| row(record))
            .collect();
        dead_letters.sort();
        Ok(Self { rows, results, dead_letters, ledgers })
    }

    /// Says that every record of the input is in it, once.
    ///
    /// # Errors
    /// A sentence, where it is not.
    pub(crate) fn is_whole(&self, scenario: &Scenario) -> Result<(), String> {
        let (wanted, read) = (scenario.records(), self.ledgers.first().map_or(0, |ledger| ledger.records));
        if wanted != read {
            return Err(format!("ledger: {read} records were read, and there are {wanted}"));
        }
        let first = &self.ledgers[0];
        let passes_on = |topic: &str| topic.ends_with(".enriched") || topic.ends_with(".scored");
        let rows: usize = self.rows.iter().filter(|((topic, _), _)| passes_on(topic)).map(|(_, rows)| rows.len()).sum();
        let steps = scenario.steps.iter().filter(|step| !matches!(step, Step::Aggregate | Step::Merge)).count();
        if rows as u64 != first.out * steps as u64 || self.dead_letters.len() as u64 != first.dead_lettered {
            return Err(format!("rows: {rows} and {} dead letters of {first:?}", self.dead_letters.len()));
        }
        if self.results.is_empty() == scenario.steps.contains(&Step::Merge) {
            return Err(format!("results: there are {}", self.results.len()));
        }
        Ok(())
    }

    /// Holds it against what is expected.
    ///
    /// # Errors
    /// A sentence that begins with what is wrong: `rows`, `results`, `dead letters` or `ledger`.
    pub(crate) fn is(&self, expected: &Self) -> Result<(), String> {
        for (at, wanted) in &expected.rows {
            let found = self.rows.get(at).map(Vec::as_slice).unwrap_or_default();
            if found != wanted.as_slice() {
                let ids = |rows: &[Row]| {
                    rows.iter().map(|(_, _, time)| (time % 1000).to_string()).collect::<Vec<_>>().join(" ")
                };
                let (topic, partition) = at;
                return Err(format!(
                    "rows: partition {partition} of `{topic}` has records {}, and should have {}",
                    ids(found),
                    ids(wanted)
                ));
            }
        }
        let differs = |(key, value): &(&Vec<u8>, &Option<Vec<u8>>)| self.results.get(*key) != Some(*value);
        if let Some((key, _)) = expected.results.iter().find(differs) {
            return Err(format!("results: that of {} is another", String::from_utf8_lossy(key)));
        }
        if self.results.len() != expected.results.len() {
            let (found, wanted) = (self.results.len(), expected.results.len());
            return Err(format!("results: there are {found}, and {wanted} were expected"));
        }
        if self.dead_letters != expected.dead_letters {
            let (found, wanted) = (self.dead_letters.len(), expected.dead_letters.len());
            return Err(format!(
                "dead letters: there are {found}, and {wanted} were expected, or they say something else"
            ));
        }
        if self.ledgers != expected.ledgers {
            return Err(format!("ledger: {:?}, and {:?} was expected", self.ledgers, expected.ledgers));
        }
        Ok(())
    }
}

/// The places of a group in a partition of an output come in order, and none is ahead of where the group stands.
fn in_order(broker: &Broker, (topic, partition): (&str, u32), group: &str, next: i64) -> Result<(), String> {
    let mut last = -1;
    for (offset, record) in broker.committed(topic, partition) {
        let places = record.headers.iter().filter(|(key, _)| key == PLACE);
        for place in places.filter_map(|(_, value)| serde_json::from_slice::<Value>(value.as_deref()?).ok()) {
            if place["group"].as_str() != Some(group) {
                continue;
            }
            let place = place["next"].as_i64().unwrap_or_default();
            if place <= last || place > next {
                return Err(format!(
                    "places: {place} at offset {offset} of `{topic}`, after {last}, where the group is at {next}"
                ));
            }
            last = place;
        }
    }
    Ok(())
}
