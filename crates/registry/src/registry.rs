//! A client of one registry.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use schema_registry_converter::{
    blocking::schema_registry::{get_all_subjects, get_all_versions, is_compatible_schema, perform_sr_call},
    schema_registry_common::{RawRegisteredSchema, SchemaType, SrCall, SubjectNameStrategy, SuppliedSchema},
};
use serde_json::json;

use crate::{
    Compatibility, Level, RegistryError, Settings, bounded::Bounded, by_hand, failure::absent, transport::Transport,
};

/// Schemas that are remembered, by id and by subject.
const SCHEMAS_MAX: usize = 1024;
/// Unknown ids that are remembered.
const UNKNOWN_MAX: usize = 1024;
/// How long an unknown id is not asked for again, so that a flood of broken messages does not become a flood of requests.
const UNKNOWN_FOR: Duration = Duration::from_secs(1);
/// How long an unknown id is asked for: one replica of a registry may learn of a schema later than another.
const STRANGER_FOR: Duration = Duration::from_millis(500);
const STRANGER_WAIT: Duration = Duration::from_millis(100);
/// How soon after one stranger the next gets no such patience, so that made-up ids do not hold up a stream.
const STRANGER_EVERY: Duration = Duration::from_secs(10);

/// A client of one registry. Cheap to clone; clones share what they remember.
#[derive(Debug, Clone)]
pub struct Registry {
    transport: Arc<Transport>,
    memory: Arc<Mutex<Memory>>,
    retry_for: Duration,
}

/// A schema as registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its id, which messages carry.
    pub id: u32,
    /// Its version under the subject.
    pub version: u32,
    /// The schema, as JSON.
    pub schema: String,
}

#[derive(Debug)]
struct Memory {
    by_id: Bounded<u32, Arc<str>>,
    ids: Bounded<(String, String), u32>,
    unknown: Bounded<u32, Instant>,
    /// When a stranger last turned out to be unknown.
    stranger: Option<Instant>,
}

impl Registry {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// [`RegistryError::Settings`] for a URL or a file that cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, RegistryError> {
        let memory = Memory {
            by_id: Bounded::new(SCHEMAS_MAX),
            ids: Bounded::new(SCHEMAS_MAX),
            unknown: Bounded::new(UNKNOWN_MAX),
            stranger: None,
        };
        Ok(Self {
            transport: Arc::new(Transport::new(settings)?),
            memory: Arc::new(Mutex::new(memory)),
            retry_for: settings.retry_for,
        })
    }

    /// The same client with another patience.
    pub fn retrying_for(&self, retry_for: Duration) -> Self {
        Self { retry_for, ..self.clone() }
    }

    /// The schema with this id. Remembered forever, for a schema never changes.
    ///
    /// # Errors
    /// [`RegistryError::UnknownId`] where there is none; others when the registry is away or none.
    pub fn schema(&self, id: u32) -> Result<Arc<str>, RegistryError> {
        {
            let memory = self.memory();
            if let Some(schema) = memory.by_id.get(&id) {
                return Ok(schema.clone());
            }
            if memory.unknown.get(&id).is_some_and(|since| since.elapsed() < UNKNOWN_FOR) {
                return Err(RegistryError::UnknownId { id });
            }
        }
        match self.fetch(id)? {
            Some(schema) => {
                self.memory().by_id.insert(id, schema.clone());
                Ok(schema)
            }
            None => Err(RegistryError::UnknownId { id }),
        }
    }

    fn fetch(&self, id: u32) -> Result<Option<Arc<str>>, RegistryError> {
        let begun = Instant::now();
        let patience = match self.memory().stranger {
            Some(last) if last.elapsed() < STRANGER_EVERY => Duration::ZERO,
            _ => STRANGER_FOR,
        };
        loop {
            if let Some(schema) = self.fetch_once(id)? {
                return Ok(Some(schema));
            }
            if begun.elapsed() >= patience {
                let mut memory = self.memory();
                memory.unknown.insert(id, Instant::now());
                if !patience.is_zero() {
                    memory.stranger = Some(Instant::now());
                }
                return Ok(None);
            }
            thread::sleep(STRANGER_WAIT);
        }
    }

    fn fetch_once(&self, id: u32) -> Result<Option<Arc<str>>, RegistryError> {
        let operation = format!("read schema {id}");
        let Some(raw) = absent(self.call(&operation, SrCall::GetById(id)))? else { return Ok(None) };
        match (raw.schema_type.as_deref(), raw.schema) {
            (None | Some("AVRO"), Some(schema)) => Ok(Some(schema.into())),
            (Some(other), Some(_)) => Err(self.odd(&operation, &format!("schema {id} is {other}, not Avro"))),
            (_, None) => Err(self.odd(&operation, "there is no schema in it")),
        }
    }

    /// Registers a schema under a subject, and gives its id; one that is there already is only looked up, which needs
    /// no right to write.
    ///
    /// # Errors
    /// [`RegistryError::Incompatible`] where it does not fit the earlier ones; others when it is not a schema, or the
    /// registry away or none.
    pub fn register(&self, subject: &str, avro: &str) -> Result<u32, RegistryError> {
        match self.id_of(subject, avro)? {
            Some(id) => Ok(id),
            None => Ok(self.remember(subject, avro, self.add(subject, avro)?)),
        }
    }

    fn remember(&self, subject: &str, avro: &str, id: u32) -> u32 {
        let mut memory = self.memory();
        memory.ids.insert((subject.to_owned(), avro.to_owned()), id);
        memory.by_id.insert(id, avro.into());
        id
    }

    /// The id of a schema under a subject, where it is registered there. Remembered forever.
    ///
    /// # Errors
    /// When it is not a schema, or the registry away or none.
    pub fn id_of(&self, subject: &str, avro: &str) -> Result<Option<u32>, RegistryError> {
        if let Some(id) = self.memory().ids.get(&(subject.to_owned(), avro.to_owned())) {
            return Ok(Some(*id));
        }
        let operation = format!("look up a schema of subject `{subject}`");
        // The library appends `?deleted=false`, which is how it is without; behind a `#` it is not sent, and the request
        // stays the one that every registry has known.
        let path = format!("{}#", self.transport.escaped(subject));
        let answer = absent(self.call(&operation, SrCall::PostForVersion(&path, &body(avro))));
        let raw = answer.map_err(|error| about(subject, error))?;
        let id = raw.map(|raw| self.present(&operation, raw.id)).transpose()?;
        Ok(id.map(|id| self.remember(subject, avro, id)))
    }

    fn add(&self, subject: &str, avro: &str) -> Result<u32, RegistryError> {
        let operation = format!("register a schema of subject `{subject}`");
        let path = self.transport.escaped(subject);
        match self.call(&operation, SrCall::PostNew(&path, &body(avro))) {
            Ok(raw) => self.present(&operation, raw.id),
            Err(RegistryError::Status { status: 409, message, .. }) => {
                // A check gives the reasons, where the registry has any.
                let mut messages = self.compatible(subject, avro).map(|answer| answer.messages).unwrap_or_default();
                if messages.is_empty() {
                    messages.push(message);
                }
                Err(RegistryError::Incompatible { subject: subject.to_owned(), messages })
            }
            Err(error) => Err(about(subject, error)),
        }
    }

    /// The latest version under a subject; none where there is no such subject.
    ///
    /// # Errors
    /// When the registry is away or none.
    pub fn latest(&self, subject: &str) -> Result<Option<Registered>, RegistryError> {
        let path = self.transport.escaped(subject);
        self.registered(&format!("read version latest of subject `{subject}`"), SrCall::GetLatest(&path))
    }

    /// One version under a subject; none where there is no such subject or version.
    ///
    /// # Errors
    /// When the registry is away or none.
    pub fn version(&self, subject: &str, version: u32) -> Result<Option<Registered>, RegistryError> {
        let path = self.transport.escaped(subject);
        let operation = format!("read version {version} of subject `{subject}`");
        self.registered(&operation, SrCall::GetBySubjectAndVersion(&path, version))
    }

    fn registered(&self, operation: &str, call: SrCall<'_>) -> Result<Option<Registered>, RegistryError> {
        let Some(raw) = absent(self.call(operation, call))? else { return Ok(None) };
        let id = self.present(operation, raw.id)?;
        let version = self.present(operation, raw.version)?;
        Ok(Some(Registered { id, version, schema: self.present(operation, raw.schema)? }))
    }

    /// The versions under a subject, oldest first; empty where there is no such subject.
    ///
    /// # Errors
    /// When the registry is away or none.
    pub fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        let operation = format!("list the versions of subject `{subject}`");
        let path = self.transport.escaped(subject);
        let answer = self.transport.ask(&operation, self.retry_for, |calls| get_all_versions(calls, path.clone()));
        let mut versions = absent(listed(answer))?.unwrap_or_default();
        versions.sort_unstable();
        Ok(versions)
    }

    /// All subjects.
    ///
    /// # Errors
    /// When the registry is away or none.
    pub fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        listed(self.transport.ask("list its subjects", self.retry_for, get_all_subjects))
    }

    /// Whether a schema may follow those of a subject, by the registry's own level for it; any may be the first.
    ///
    /// # Errors
    /// When it is not a schema, or the registry away or none.
    pub fn compatible(&self, subject: &str, avro: &str) -> Result<Compatibility, RegistryError> {
        let operation = format!("check a schema of subject `{subject}`");
        let path = self.transport.escaped(subject);
        let schema = SuppliedSchema::new(None, SchemaType::Avro, avro.to_owned());
        // Without a version: with one, a registry compares with that one only, whatever the level says.
        let answer = self
            .transport
            .ask(&operation, self.retry_for, |calls| is_compatible_schema(calls, path.clone(), schema.clone()));
        match absent(answer) {
            Ok(None | Some(true)) => Ok(Compatibility { ok: true, messages: Vec::new() }),
            // Only a verbose check has the reasons, and it reads both spellings of the answer.
            Ok(Some(false)) | Err(RegistryError::Answer { .. }) => {
                let answer = by_hand::check(&self.transport, &operation, subject, avro, self.retry_for);
                answer.map_err(|error| about(subject, error))
            }
            Err(error) => Err(about(subject, error)),
        }
    }

    /// The level a subject is held to: its own, or the registry's.
    ///
    /// # Errors
    /// When the registry is away or none.
    pub fn compatibility(&self, subject: &str) -> Result<Level, RegistryError> {
        by_hand::level(&self.transport, subject, self.retry_for)
    }

    /// Holds a subject to a level. Some registries do so only once the subject has a schema, and say that it is absent
    /// before.
    ///
    /// # Errors
    /// Where the registry does not, is away or none; and where it says that it does and then does not.
    pub fn set_compatibility(&self, subject: &str, level: Level) -> Result<(), RegistryError> {
        by_hand::set_level(&self.transport, subject, level, self.retry_for)
    }

    /// Whether the registry answers and lets us in, in one quick try.
    pub fn is_ready(&self) -> bool {
        by_hand::is_ready(&self.transport)
    }

    /// Asks once whether the registry is there, and gives its time in milliseconds since 1970 where it says so, to the
    /// second.
    ///
    /// # Errors
    /// What keeps it from answering.
    pub fn time(&self) -> Result<Option<i64>, RegistryError> {
        by_hand::time(&self.transport)
    }

    fn call(&self, operation: &str, call: SrCall<'_>) -> Result<RawRegisteredSchema, RegistryError> {
        self.transport.ask(operation, self.retry_for, |calls| perform_sr_call(calls, call))
    }

    /// What an answer must have.
    fn present<T>(&self, operation: &str, part: Option<T>) -> Result<T, RegistryError> {
        part.ok_or_else(|| self.odd(operation, "a part of it is missing"))
    }

    fn odd(&self, operation: &str, what: &str) -> RegistryError {
        self.transport.at(operation).odd(what)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing that holds the lock can panic half-way.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The subject of a topic's values: `TopicNameStrategy`, as Confluent's clients have it.
pub fn values_of(topic: &str) -> String {
    let strategy = SubjectNameStrategy::TopicNameStrategy(topic.to_owned(), false);
    // Only strategies that take the name of a record can lack it.
    strategy.get_subject().unwrap_or_default()
}

/// The body of a request about a schema. Registries take one without a type for Avro.
fn body(avro: &str) -> String {
    json!({ "schema": avro }).to_string()
}

/// A list; some registries answer null for an empty one, which the library takes for an answer that is not a list.
fn listed<T>(answer: Result<Vec<T>, RegistryError>) -> Result<Vec<T>, RegistryError> {
    match answer {
        Err(RegistryError::Answer { what, .. }) if what.starts_with("invalid type: null") => Ok(Vec::new()),
        answer => answer,
    }
}

/// What the registry does not take for a schema, it refuses with a status of its own.
fn about(subject: &str, error: RegistryError) -> RegistryError {
    match error {
        RegistryError::Status { status: 422, message, .. } => {
            RegistryError::InvalidSchema { subject: subject.to_owned(), message }
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> RawRegisteredSchema {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_topics_values_have_a_subject_of_their_own() {
        assert_eq!(values_of("events"), "events-value");
    }

    #[test]
    fn a_schema_needs_no_type() {
        let bare = read(r#"{"schema": "\"int\""}"#);
        assert_eq!((bare.schema.as_deref(), bare.schema_type), (Some("\"int\""), None));
        let full = read(r#"{"schema": "{}", "schemaType": "AVRO", "references": [], "maxId": 9}"#);
        assert_eq!(full.schema_type.as_deref(), Some("AVRO"));
    }
}
