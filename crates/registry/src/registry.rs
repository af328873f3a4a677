//! A client of one registry.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;

use crate::{
    Compatibility, Level, RegistryError, Settings,
    answers::{CompatibilityAnswer, IdAnswer, LevelAnswer, SchemaAnswer, VersionAnswer},
    bounded::Bounded,
    transport::{Ask, Reply, Transport},
};

/// Schemas that are remembered, by id and by subject.
const SCHEMAS_MAX: usize = 1024;
/// Unknown ids that are remembered.
const UNKNOWN_MAX: usize = 1024;
/// How long an unknown id is not asked for again, so that a flood of broken messages is no flood of requests.
const UNKNOWN_FOR: Duration = Duration::from_secs(1);
/// How long an unknown id is asked for: one replica of a registry may learn of a schema later than another.
const STRANGER_FOR: Duration = Duration::from_millis(500);
const STRANGER_WAIT: Duration = Duration::from_millis(100);
/// How soon after one stranger the next gets no such patience, so that made-up ids do not hold up a stream.
const STRANGER_EVERY: Duration = Duration::from_secs(10);
/// How long the registry may take to show that it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

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

    /// The schema with this id. Remembered for ever, for a schema never changes.
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
        let digits = id.to_string();
        let ask = Ask::get(format!("read schema {id}"), vec!["schemas", "ids", &digits]);
        let reply = self.ask(&ask)?;
        if self.is_absent(&ask, &reply)? {
            return Ok(None);
        }
        let answer: SchemaAnswer = self.transport.read(&ask, &reply)?;
        match answer.schema_type.as_deref() {
            None | Some("AVRO") => Ok(Some(answer.schema.into())),
            Some(other) => Err(self.transport.odd(&ask, format!("schema {id} is {other}, not Avro"))),
        }
    }

    /// Registers a schema under a subject, and gives its id; one that is there already is only looked up, which needs
    /// no right to write.
    ///
    /// # Errors
    /// [`RegistryError::Incompatible`] where it does not fit the earlier ones; others when it is no schema, or the
    /// registry away or none.
    pub fn register(&self, subject: &str, avro: &str) -> Result<u32, RegistryError> {
        let key = (subject.to_owned(), avro.to_owned());
        if let Some(id) = self.memory().ids.get(&key) {
            return Ok(*id);
        }
        let id = match self.id_of(subject, avro)? {
            Some(id) => id,
            None => self.add(subject, avro)?,
        };
        let mut memory = self.memory();
        memory.ids.insert(key, id);
        memory.by_id.insert(id, avro.into());
        Ok(id)
    }

    /// The id of a schema under a subject, where it is registered there.
    ///
    /// # Errors
    /// When it is no schema, or the registry away or none.
    pub fn id_of(&self, subject: &str, avro: &str) -> Result<Option<u32>, RegistryError> {
        let operation = format!("look up a schema of subject `{subject}`");
        let ask = Ask::send(operation, Method::POST, vec!["subjects", subject], json!({ "schema": avro }));
        let reply = self.ask(&ask)?;
        match self.is_absent(&ask, &reply)? {
            true => Ok(None),
            false => self.about(subject, &ask, &reply).map(|answer: IdAnswer| Some(answer.id)),
        }
    }

    fn add(&self, subject: &str, avro: &str) -> Result<u32, RegistryError> {
        let operation = format!("register a schema of subject `{subject}`");
        let path = vec!["subjects", subject, "versions"];
        let ask = Ask::send(operation, Method::POST, path, json!({ "schema": avro }));
        let reply = self.ask(&ask)?;
        if reply.status != 409 {
            return self.about(subject, &ask, &reply).map(|answer: IdAnswer| answer.id);
        }
        // Why it does not fit is better told by a check, where the registry tells.
        let mut messages = self.compatible(subject, avro).map(|answer| answer.messages).unwrap_or_default();
        if messages.is_empty() {
            messages.push(reply.error().message());
        }
        Err(RegistryError::Incompatible { subject: subject.to_owned(), messages })
    }

    /// The latest version under a subject; none where there is no such subject.
    ///
    /// # Errors
    /// When the registry is away or none.
    pub fn latest(&self, subject: &str) -> Result<Option<Registered>, RegistryError> {
        self.registered(subject, "latest")
    }

    /// One version under a subject; none where there is no such subject or version.
    ///
    /// # Errors
    /// When the registry is away or none.
    pub fn version(&self, subject: &str, version: u32) -> Result<Option<Registered>, RegistryError> {
        self.registered(subject, &version.to_string())
    }

    fn registered(&self, subject: &str, version: &str) -> Result<Option<Registered>, RegistryError> {
        let operation = format!("read version {version} of subject `{subject}`");
        let ask = Ask::get(operation, vec!["subjects", subject, "versions", version]);
        let reply = self.ask(&ask)?;
        if self.is_absent(&ask, &reply)? {
            return Ok(None);
        }
        let VersionAnswer { id, version, schema } = self.transport.read(&ask, &reply)?;
        Ok(Some(Registered { id, version, schema }))
    }

    /// The versions under a subject, oldest first; empty where there is no such subject.
    ///
    /// # Errors
    /// When the registry is away or none.
    pub fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        let ask = Ask::get(format!("list the versions of subject `{subject}`"), vec!["subjects", subject, "versions"]);
        let reply = self.ask(&ask)?;
        if self.is_absent(&ask, &reply)? {
            return Ok(Vec::new());
        }
        let mut versions = self.transport.read::<Option<Vec<u32>>>(&ask, &reply)?.unwrap_or_default();
        versions.sort_unstable();
        Ok(versions)
    }

    /// All subjects.
    ///
    /// # Errors
    /// When the registry is away or none.
    pub fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        let ask = Ask::get("list its subjects", vec!["subjects"]);
        let reply = self.ask(&ask)?;
        Ok(self.transport.read::<Option<_>>(&ask, &reply)?.unwrap_or_default())
    }

    /// Whether a schema may follow those of a subject, by the registry's own level for it; any may be the first.
    ///
    /// # Errors
    /// When it is no schema, or the registry away or none.
    pub fn compatible(&self, subject: &str, avro: &str) -> Result<Compatibility, RegistryError> {
        // Without a version: with one, a registry compares with that one only, whatever the level says.
        let path = vec!["compatibility", "subjects", subject, "versions"];
        let operation = format!("check a schema of subject `{subject}`");
        let ask = Ask::send(operation, Method::POST, path, json!({ "schema": avro }));
        let ask = Ask { query: "verbose=true", ..ask };
        let reply = self.ask(&ask)?;
        if self.is_absent(&ask, &reply)? {
            return Ok(Compatibility { ok: true, messages: Vec::new() });
        }
        let answer: CompatibilityAnswer = self.about(subject, &ask, &reply)?;
        Ok(Compatibility { ok: answer.is_compatible, messages: answer.messages.unwrap_or_default() })
    }

    /// The level a subject is held to: its own, or the registry's.
    ///
    /// # Errors
    /// When the registry is away or none.
    pub fn compatibility(&self, subject: &str) -> Result<Level, RegistryError> {
        let operation = format!("read the compatibility level of subject `{subject}`");
        let own = Ask { query: "defaultToGlobal=true", ..Ask::get(operation.clone(), vec!["config", subject]) };
        let global = Ask::get(operation, vec!["config"]);
        let reply = self.ask(&own)?;
        let (ask, reply) = match self.is_absent(&own, &reply)? {
            true => (&global, self.ask(&global)?),
            false => (&own, reply),
        };
        let answer: LevelAnswer = self.transport.read(ask, &reply)?;
        answer.level().map_err(|what| self.transport.odd(ask, what))
    }

    /// Holds a subject to a level. Some registries do so only once the subject has a schema, and say that it is absent
    /// before.
    ///
    /// # Errors
    /// Where the registry does not, is away or none; and where it says that it does and then does not.
    pub fn set_compatibility(&self, subject: &str, level: Level) -> Result<(), RegistryError> {
        let operation = format!("set the compatibility level of subject `{subject}`");
        let body = json!({ "compatibility": level.name() });
        let ask = Ask::send(operation, Method::PUT, vec!["config", subject], body);
        let reply = self.ask(&ask)?;
        if !matches!(reply.status, 200..=299) {
            return Err(self.transport.status(&ask, &reply));
        }
        match self.compatibility(subject)? {
            now if now == level => Ok(()),
            now => Err(self.transport.odd(&ask, format!("it is {now} after it was set to {level}"))),
        }
    }

    /// Whether the registry answers and lets us in, in one quick try.
    pub fn is_ready(&self) -> bool {
        let ask = Ask::get("read its configuration", vec!["config"]);
        match self.transport.ask_once(&ask, READY_TIMEOUT) {
            Ok(reply) => {
                let answer = self.transport.read::<LevelAnswer>(&ask, &reply);
                answer.is_ok_and(|answer| answer.level().is_ok())
            }
            // Who may not read the configuration has been let in.
            Err(RegistryError::Refused { status, .. }) => status == 403,
            Err(_) => false,
        }
    }

    /// Asks once whether the registry is there, and gives its time in milliseconds since 1970 where it says so, to the
    /// second.
    ///
    /// # Errors
    /// What keeps it from answering.
    pub fn time(&self) -> Result<Option<i64>, RegistryError> {
        let ask = Ask::get("read its configuration", vec!["config"]);
        let reply = self.transport.ask_once(&ask, READY_TIMEOUT)?;
        let answer: LevelAnswer = self.transport.read(&ask, &reply)?;
        answer.level().map_err(|what| self.transport.odd(&ask, what))?;
        Ok(reply.time)
    }

    fn ask(&self, ask: &Ask<'_>) -> Result<Reply, RegistryError> {
        self.transport.ask(ask, self.retry_for)
    }

    /// Whether the registry has no such thing.
    ///
    /// # Errors
    /// [`RegistryError::Answer`] where a server that is no registry has no such page: what it says of one schema, it
    /// would say of all.
    fn is_absent(&self, ask: &Ask<'_>, reply: &Reply) -> Result<bool, RegistryError> {
        match (reply.status, reply.is_absent()) {
            (404, false) => Err(self.transport.odd(ask, "status 404, with no error code")),
            (_, absent) => Ok(absent),
        }
    }

    /// What an answer about a schema says.
    fn about<T: serde::de::DeserializeOwned>(
        &self,
        subject: &str,
        ask: &Ask<'_>,
        reply: &Reply,
    ) -> Result<T, RegistryError> {
        match reply.status {
            422 => Err(RegistryError::InvalidSchema { subject: subject.to_owned(), message: reply.error().message() }),
            _ => self.transport.read(ask, reply),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing that holds the lock can panic half-way.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
