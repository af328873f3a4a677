//! What the page knows of a stream that runs as services on Kafka.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ask::OnKafka;
use kafka::EventText;
use live::Facts;
use stream::{FileFormat, Files};
use twox_hash::XxHash3_128;
use web::{DeadLetterIds, Mode, State, Watched};

use crate::{
    Dashboard,
    account::{Account, Arrivals},
    drawing::Seen,
    settings::History,
};

/// Between which moments latencies are measured.
const MEASURED: [&str; 2] = ["taken in", "read back committed"];
/// After how long without an answer of the cluster the page says so, in milliseconds.
const SILENCE_MAX_MS: i64 = 15_000;

/// A stream on Kafka, as the page sees it.
pub(crate) struct Watching {
    on_kafka: OnKafka,
    tables: ask::Source,
    arguments: String,
    text: Mutex<Option<EventText>>,
    known: Arc<Known>,
}

/// What is known of a stream, kept up to date by whoever looks.
#[derive(Default)]
pub(crate) struct Known {
    facts: Mutex<Looks>,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Looks {
    facts: Facts,
    arrivals: Arrivals,
    /// The account of the first look: what this process counts begins there.
    first: Option<Account>,
    account: Account,
    answered_ms: Option<i64>,
    failure: Option<String>,
}

impl Known {
    /// Takes what a look has found.
    pub(crate) fn update(&self, account: Account, now_ms: i64) {
        let mut looks = lock(&self.facts);
        looks.answered_ms = Some(now_ms);
        looks.failure = None;
        let changed = looks.account.ledger != account.ledger || looks.account.waiting != account.waiting;
        let first = looks.first.get_or_insert_with(|| account.clone()).clone();
        looks.arrivals.note(now_ms, account.arrived());
        let lag_ms = looks.arrivals.age(now_ms, account.all_waiting());
        let facts = &mut looks.facts;
        facts.state = if account.runs { State::Running } else { State::Starting };
        facts.counts.records = account.ledger.records.saturating_sub(first.ledger.records);
        facts.position = account.ledger.records;
        facts.uncommitted = account.all_waiting();
        facts.between = account.between;
        facts.waiting.clone_from(&account.waiting);
        facts.ledger = account.ledger.clone();
        facts.stores.clone_from(&account.stores);
        facts.lag_ms = lag_ms;
        if changed && account.runs {
            facts.committed_ms = Some(now_ms);
        }
        looks.account = account;
    }

    /// Takes why the last look has found nothing.
    pub(crate) fn fail(&self, reason: String) {
        lock(&self.facts).failure = Some(reason);
    }

    fn facts(&self, now_ms: i64) -> Facts {
        let looks = lock(&self.facts);
        let mut facts = looks.facts.clone();
        let silent = looks.answered_ms.is_some_and(|at| now_ms - at > SILENCE_MAX_MS);
        if let Some(failure) = looks.failure.as_ref().filter(|_| silent) {
            facts.state = State::Failed;
            facts.failure = Some(format!("the cluster does not answer, and what is shown is old: {failure}"));
        }
        drop(looks);
        let seen = lock(&self.seen);
        facts.offered = seen.offered;
        facts.dropped = seen.dropped;
        facts.reasons_of = Some(seen.anomalies);
        facts.ledger.reasons = seen.reasons.clone();
        facts.ledger.dead_letter_rules = seen.rules.clone();
        facts
    }
}

impl Watching {
    pub(crate) fn new(settings: &Dashboard, on_kafka: OnKafka, file: &Path, known: Arc<Known>) -> Self {
        let stream = on_kafka.stream.name().to_owned();
        let cql = || ask::Source::Cql { settings: settings.store.cql(), full_scan: true, stream: Some(stream.clone()) };
        // The settings were checked.
        let lake = settings.store.lake.as_deref().and_then(|lake| lake::Location::parse(lake).ok());
        let (tables, arguments) = match (settings.history, lake) {
            (History::Cql, _) => (
                cql(),
                format!(
                    "--cql {} --keyspace {}",
                    settings.store.cql.as_deref().unwrap_or_default(),
                    settings.store.cql_keyspace
                ),
            ),
            (History::Lake, Some(lake)) => {
                (ask::Source::Lake(lake), format!("--lake {}", settings.store.lake.as_deref().unwrap_or_default()))
            }
            _ => (
                ask::Source::Kafka(vec![on_kafka.clone()]),
                format!(
                    "--kafka {} --registry {} --stream {}",
                    settings.kafka.kafka_bootstrap,
                    settings.registry.registry_url,
                    file.display()
                ),
            ),
        };
        lock(&known.facts).facts = Facts {
            source: format!("Kafka topic {}", on_kafka.topics.raw),
            measured: Some(MEASURED),
            ..Facts::default()
        };
        Self { on_kafka, tables, arguments, text: Mutex::default(), known }
    }
}

impl Watched for Watching {
    fn facts(&self) -> Facts {
        self.known.facts(crate::drawing::now_ms())
    }

    fn tables(&self) -> ask::Source {
        self.tables.clone()
    }

    fn windows(&self) -> ask::Source {
        match &self.tables {
            // The topic has them sooner, and a lake that an earlier writer keeps has none.
            ask::Source::Lake(_) => ask::Source::Kafka(vec![self.on_kafka.clone()]),
            tables => tables.clone(),
        }
    }

    fn mode(&self) -> Mode {
        Mode::Kafka
    }

    fn dead_letters(&self) -> DeadLetterIds {
        // A dead letter comes from an offset of a topic, or from a position in the generator's source.
        let begins = self.on_kafka.topics.raw.chars().count() + 2;
        let raw = self.on_kafka.topics.raw.replace('\'', "''");
        let from = format!(
            "CASE WHEN topic = '' THEN 'source' WHEN topic = '{raw}' THEN 'raw' ELSE substr(topic, {begins}) END"
        );
        DeadLetterIds {
            id: format!("concat({from}, '-', CAST(partition AS VARCHAR), '-', CAST(\"offset\" AS VARCHAR))"),
            order: "\"offset\"".to_owned(),
        }
    }

    fn readable(&self, payload: &[u8]) -> Option<Vec<u8>> {
        // What begins like framed Avro may be an event that a person can read.
        payload.first().filter(|first| **first == 0)?;
        let mut text = lock(&self.text);
        if text.is_none() {
            *text = EventText::new(&self.on_kafka.stream, &self.on_kafka.registry).ok();
        }
        match text.as_mut()?.json(payload) {
            Ok(json) => json.map(|json| json.to_vec()),
            Err(error) => {
                tracing::debug!(%error, "a dead letter's schema");
                None
            }
        }
    }

    fn check_repaired(&self, event: &[u8]) -> Result<(), String> {
        local::check_repaired(&self.on_kafka.stream, event).map_err(|error| match error {
            // Of one event there is one reason.
            local::LocalError::Refused { reasons, .. } => {
                reasons.join("; ").trim().trim_start_matches("line 1: ").to_owned()
            }
            error => error.to_string(),
        })
    }

    fn put_back(&self, events: &[u8]) -> Result<String, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("no folder for the events: {error}"))?;
        let path = folder.path().join("events.jsonl");
        fs::write(&path, events).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        let files = Files { format: Some(FileFormat::Jsonl), ..Files::of(vec![path.display().to_string()]) };
        let hash = format!("{:032x}", XxHash3_128::oneshot(events));
        let redrive = kafka::Redrive {
            stream: self.on_kafka.stream.clone(),
            connection: self.on_kafka.connection.clone(),
            registry: self.on_kafka.registry.clone(),
            files,
            hash: hash.clone(),
        };
        match kafka::redrive(&redrive, false) {
            Ok(_) => Ok(hash),
            // Sent before by one who was ended before the note was written.
            Err(kafka::KafkaError::Repeated) => Ok(hash),
            Err(error) => Err(error.to_string()),
        }
    }

    fn is_waiting(&self, _: &str) -> bool {
        false
    }

    fn query_arguments(&self) -> String {
        self.arguments.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use stage::Ledger;

    use super::*;

    fn account(records: u64, waiting: u64) -> Account {
        let ledger = Ledger { records, out: records, ..Ledger::default() };
        Account { ledger, waiting: vec![("enrich", waiting)], runs: true, ..Account::default() }
    }

    #[test]
    fn what_was_before_this_process_is_in_the_ledger_and_not_in_the_rate() {
        let known = Known::default();
        known.update(account(1000, 0), 0);
        assert_eq!((known.facts(0).ledger.records, known.facts(0).counts.records), (1000, 0));
        known.update(account(1250, 50), 1000);
        let facts = known.facts(1000);
        assert_eq!((facts.ledger.records, facts.counts.records, facts.uncommitted), (1250, 250, 50));
        assert_eq!((facts.committed_ms, facts.lag_ms), (Some(1000), 1000));
        known.update(account(1300, 0), 2000);
        known.update(account(1300, 0), 3000);
        assert_eq!((known.facts(3000).committed_ms, known.facts(3000).lag_ms), (Some(2000), 0), "nothing has happened");
    }

    #[test]
    fn a_cluster_that_does_not_answer_is_said_after_a_while_and_not_at_once() {
        let known = Known::default();
        known.update(account(1000, 0), 0);
        known.fail("no broker".to_owned());
        assert_eq!(known.facts(SILENCE_MAX_MS).state, State::Running);
        let facts = known.facts(SILENCE_MAX_MS + 1);
        assert_eq!(facts.state, State::Failed);
        assert!(facts.failure.unwrap().contains("no broker"));
        known.update(account(1001, 0), SILENCE_MAX_MS + 2);
        assert_eq!(known.facts(SILENCE_MAX_MS + 2).state, State::Running);
    }
}
