//! What stands with a committed offset: how far back the state must be read again, and the account so far.
//!
//! Kafka keeps a text with each committed offset, in the same transaction as everything else (4096 bytes at most by
//! the broker's default). That makes the ledger exact without a topic of its own.

use std::collections::BTreeMap;

use broker::{BrokerError, Committed, Offsets};
use serde::{Deserialize, Serialize};
use source::Cursor;
use stage::Ledger;
use stream::{Stream, Topics};

use crate::{KafkaError, Step, messages::source_place::SourcePlace};

/// The layout of a note.
const VERSION: u32 = 1;

/// What a step notes with the committed offset of a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    version: u32,
    /// Which state this is: what it is of, and the offset it began at. A state that began anew, even of a definition that
    /// there was before, never takes up snapshots of the earlier one.
    // What it was called when it named a definition: such a state begins anew.
    #[serde(alias = "fingerprint")]
    pub state: String,
    /// The oldest offset that no snapshot covers; the committed offset where all is covered.
    pub horizon: i64,
    /// Records read, and what became of them: out, filtered, dead-lettered, late, anomalous, not scored, overdue.
    pub counts: [u64; 8],
    /// Since when they are counted, in milliseconds since 1970; 0 where an earlier program began.
    #[serde(default)]
    pub since: i64,
    /// Probes that were passed on, which are not records of the account.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub probes: u64,
    /// Alarms of keys that fell silent, which no record is behind.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub silences: u64,
    /// What ids of the input mean, as its messages have said: `(id, digest of the schema)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<(u32, String)>,
}

impl Note {
    /// A note on a partition.
    pub fn new(state: &str, horizon: i64, ledger: &Ledger) -> Self {
        let counts = [
            ledger.records,
            ledger.out,
            ledger.filtered,
            ledger.dead_lettered,
            ledger.late,
            ledger.anomalies,
            ledger.unscored,
            ledger.overdue,
        ];
        let (probes, silences) = (ledger.probes, ledger.silences);
        Self {
            version: VERSION,
            state: state.to_owned(),
            horizon,
            counts,
            since: 0,
            probes,
            silences,
            schemas: Vec::new(),
        }
    }

    /// The same, counted since this time in milliseconds since 1970.
    pub(crate) fn counted_since(self, since: i64) -> Self {
        Self { since, ..self }
    }

    /// The same where ids of the input mean this.
    pub(crate) fn with_schemas(self, schemas: Vec<(u32, String)>) -> Self {
        Self { schemas, ..self }
    }

    /// The account so far. Reasons and rules are not in it.
    pub fn ledger(&self) -> Ledger {
        let [records, out, filtered, dead_lettered, late, anomalies, unscored, overdue] = self.counts;
        Ledger {
            records,
            out,
            filtered,
            dead_lettered,
            late,
            anomalies,
            unscored,
            overdue,
            probes: self.probes,
            silences: self.silences,
            ..Ledger::default()
        }
    }

    /// The note as text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a note.
    ///
    /// # Errors
    /// A sentence, where the text is none of ours.
    pub fn parse(text: &str) -> Result<Self, String> {
        let note: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match note.version {
            VERSION => Ok(note),
            other => Err(format!("it is of version {other}, and this program knows version {VERSION}")),
        }
    }
}

/// What the generator notes: where the source stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorNote {
    version: u32,
    /// Which source, so that another one is not taken for it.
    pub source: String,
    /// The moment of the first start in microseconds since 1970: synthetic events begin there.
    pub started: i64,
    /// Where the source stands.
    pub cursor: Cursor,
    /// Records sent as events.
    pub sent: u64,
    /// Records that were no events, sent as dead letters.
    pub dead_lettered: u64,
    /// Messages without a value that were passed over, of another program's topics.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u64,
    /// Offsets whose messages were deleted before they were read, of another program's topics.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u64,
    /// Probes sent, which are not events.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub probes: u64,
    /// How far the partitions of another program's topics have been read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<String, Vec<SourcePlace>>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl GeneratorNote {
    /// A note on a source that begins now.
    pub fn begin(source: String, started: i64) -> Self {
        Self { version: VERSION, source, started, ..Self::default() }
    }

    /// The account of two generators of the same source.
    fn and(mut self, other: Self) -> Self {
        self.started = self.started.min(other.started);
        self.cursor.position += other.cursor.position;
        self.sent += other.sent;
        self.dead_lettered += other.dead_lettered;
        self.skipped += other.skipped;
        self.missed += other.missed;
        self.probes += other.probes;
        for (topic, places) in other.places {
            self.places.entry(topic).or_default().extend(places);
        }
        self
    }

    /// The same after so many more events and dead letters, with the source at `cursor`.
    pub(crate) fn after(&self, cursor: Cursor, events: u64, dead_letters: u64) -> Self {
        let (sent, dead_lettered) = (self.sent + events, self.dead_lettered + dead_letters);
        Self { cursor, sent, dead_lettered, ..self.clone() }
    }

    /// The same after so many more probes.
    pub(crate) fn probed(self, probes: u64) -> Self {
        Self { probes: self.probes + probes, ..self }
    }

    /// The note as text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a note.
    ///
    /// # Errors
    /// A sentence, where the text is none of ours.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

/// The group that keeps how far a stream's source has been read.
pub(crate) fn generator_group(stream: &str) -> String {
    format!("beamline.{stream}.generator")
}

/// Reads what a group has committed of a topic's partitions: [`Offsets::committed`] or [`Offsets::decided`].
pub type Ask = fn(&Offsets, &str, &str, &[u32]) -> Result<BTreeMap<u32, Committed>, BrokerError>;

/// What the generators of a stream have noted in all; nothing where none has committed yet.
///
/// # Errors
/// Where the cluster does not answer, or a note is none of ours.
pub fn sent_in_all(offsets: &Offsets, stream: &Stream, ask: Ask) -> Result<Option<GeneratorNote>, KafkaError> {
    let group = generator_group(stream.name());
    let partitions: Vec<u32> = (0..stream.definition.spec.partitions).collect();
    let mut sum: Option<GeneratorNote> = None;
    for (partition, committed) in ask(offsets, &group, &stream.topics().raw, &partitions)? {
        let note = GeneratorNote::parse(&committed.metadata);
        let note = note.map_err(|reason| KafkaError::Note { group: group.clone(), partition, reason })?;
        sum = Some(match sum {
            None => note,
            Some(sum) => sum.and(note),
        });
    }
    Ok(sum)
}

/// The sum of what a step of a stream has noted for its partitions; nothing where it has never committed.
///
/// # Errors
/// Where the cluster does not answer, or a note is none of ours.
pub fn account(offsets: &Offsets, stream: &str, partitions: u32, step: Step) -> Result<Option<Ledger>, KafkaError> {
    Ok(account_since(offsets, stream, partitions, step)?.map(|(ledger, _)| ledger))
}

/// The same, and since when all of it is counted, in milliseconds since 1970: the latest beginning of any partition, 0 where
/// only an earlier program knows.
///
/// # Errors
/// Where the cluster does not answer, or a note is none of ours.
pub fn account_since(
    offsets: &Offsets,
    stream: &str,
    partitions: u32,
    step: Step,
) -> Result<Option<(Ledger, i64)>, KafkaError> {
    let (group, topics) = (step.group(stream), Topics::of(stream));
    let partitions: Vec<u32> = (0..partitions).collect();
    let mut sum: Option<(Ledger, i64)> = None;
    for (partition, committed) in offsets.committed(&group, step.input(&topics), &partitions)? {
        let note = Note::parse(&committed.metadata);
        let note = note.map_err(|reason| KafkaError::Note { group: group.clone(), partition, reason })?;
        let (ledger, since) = sum.get_or_insert_default();
        *ledger += &note.ledger();
        *since = note.since.max(*since);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was_and_fits() {
        let ledger = Ledger { records: u64::MAX, out: 7, ..Ledger::default() };
        let note = Note::new(&"f".repeat(64), i64::MAX, &ledger);
        let note = note.with_schemas(vec![(u32::MAX, "0123456789abcdef".into()); 4]);
        assert_eq!(Note::parse(&note.text()).unwrap(), note);
        assert_eq!(note.ledger(), ledger);
        assert!(note.text().len() < 1024);
        assert!(Note::parse("").is_err() && Note::parse("{\"version\":9}").is_err());
    }

    #[test]
    fn notes_of_earlier_programs_are_read() {
        let earlier = r#"{"version":1,"state":"0f1e@120","horizon":7,"counts":[9,5,1,2,1,3,0,0]}"#;
        let note = Note::parse(earlier).unwrap();
        assert_eq!((note.state.as_str(), note.horizon, note.since), ("0f1e@120", 7, 0));
        assert_eq!((note.ledger().records, note.ledger().probes), (9, 0));
        // Without a probe the text is that of the programs before there were any, and with some it is read by them.
        assert!(!note.text().contains("probes") && !note.text().contains("silences"));
        let probed = Note::new("0f1e@120", 7, &Ledger { probes: 8, silences: 3, ..note.ledger() });
        let probed = Note::parse(&probed.text()).unwrap().ledger();
        assert_eq!((probed.probes, probed.silences), (8, 3));
        assert!(note.schemas.is_empty() && !note.text().contains("schemas"));
    }
}
