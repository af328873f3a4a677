//! What can go wrong on Kafka.

use broker::BrokerError;
use codec::CodecError;
use rdkafka::error::KafkaError as ClientError;
use registry::RegistryError;
use stage::StageError;

/// What can go wrong on Kafka.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// The cluster does not answer, or refuses.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The registry does not answer, or refuses.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Bytes that should have been ours.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A stage as a whole cannot go on.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A batch that cannot be put together.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// A source that cannot go on.
    #[error(transparent)]
    Source(#[from] source::SourceError),
    /// A registry without the schemas of messages that are there.
    #[error(
        "the schema registry has no schema of subject `{subject}` any more, although topic `{topic}` holds messages: it has lost \
         its schemas. Put a copy of it back; without one, run `beamline schemas register` with the definitions of all its \
         streams, in the order in which they were first registered"
    )]
    SchemasForgotten {
        /// The subject.
        subject: String,
        /// The topic whose messages need it.
        topic: String,
    },
    /// Messages whose schema nobody has.
    #[error(
        "messages with schema id {id} were written with a schema (digest {digest}) that is neither the definition's nor under \
         subject `{subject}` in the schema registry: it has lost it, or given its id to another. Put a copy of the registry back, \
         or run `beamline schemas register` with the definition that they were written by"
    )]
    SchemaLost {
        /// The subject of their topic.
        subject: String,
        /// The id that the messages carry.
        id: u32,
        /// What tells the schema from others.
        digest: String,
    },
    /// The topics do not fit the definition.
    #[error("the topics do not fit the stream:\n{}\nrun `beamline topics apply` with this definition", .0.join("\n"))]
    Topics(Vec<String>),
    /// Topics with other partitions than the definition says, which no command can change.
    #[error(
        "the topics do not fit the stream:\n{}\na key's events have to stay in the partition of its state, so the number of a \
         stream's partitions cannot change, and Kafka takes none back. Correct `partitions` in the definition where the stream has \
         not run yet; otherwise give the stream another `metadata.name`: `beamline topics apply` then makes topics of that name, and \
         its source is read from the beginning",
        .0.join("\n")
    )]
    Partitions(Vec<String>),
    /// A transaction that has to be given up, so that its input is read again.
    #[error("transaction given up while {what}: {source}")]
    Aborted {
        /// What was tried.
        what: &'static str,
        /// What the client says.
        source: ClientError,
    },
    /// A client that cannot be used any more; a new one goes on.
    #[error("{what}: {source}")]
    Client {
        /// What was tried.
        what: &'static str,
        /// What the client says.
        source: ClientError,
    },
    /// Records that are needed are gone.
    #[error(
        "topic `{topic}`, partition {partition}: records from offset {needed} on are needed to bring the state up to \
         date, but the topic begins at {first}; give it a longer retention, and start the group anew"
    )]
    HorizonLost {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// What is needed.
        needed: i64,
        /// What is there.
        first: i64,
    },
    /// A note in a group's offsets that is none of ours.
    #[error("group `{group}`, partition {partition}: the note with the committed offset cannot be read: {reason}")]
    Note {
        /// The group.
        group: String,
        /// The partition.
        partition: u32,
        /// Why.
        reason: String,
    },
    /// A source whose place in the topic is not known any more.
    #[error(
        "topic `{topic}` holds {records} records, but group `{group}` does not say how far the source has been sent; \
         Kafka forgets offsets after a week without a commit. To go on from the source's beginning all the same, \
         say --from-start"
    )]
    PlaceLost {
        /// The topic.
        topic: String,
        /// How many records it holds.
        records: u64,
        /// The group that kept the place.
        group: String,
    },
    /// A step whose place is not known any more, although it has committed something.
    #[error(
        "group `{group}` has no offset for partition {partition} of `{topic}`, and `{holder}` holds what it committed without \
         saying how far it had come: see what `beamline topics place STREAM --step {step} --at output|latest|earliest|TIME` \
         says, and choose"
    )]
    PlaceUnknown {
        /// The group.
        group: String,
        /// What it reads,
        topic: String,
        /// and which partition of it.
        partition: u32,
        /// What it wrote to.
        holder: String,
        /// The step.
        step: &'static str,
    },
    /// Another source than the one that was sent so far.
    #[error(
        "topic `{topic}` was filled from another source ({found}), not from {wanted}; use another stream name, or --from-start"
    )]
    OtherSource {
        /// The topic.
        topic: String,
        /// What was sent.
        found: String,
        /// What should be.
        wanted: String,
    },
    /// Results of windows that cannot be put together.
    #[error(transparent)]
    Window(#[from] stage::WindowError),
    /// A snapshot or dead letter that is not what we write.
    #[error("topic `{topic}`: {reason}")]
    Foreign {
        /// The topic.
        topic: String,
        /// Why.
        reason: String,
    },
    /// Repaired events that would become dead letters again.
    #[error("nothing was sent: {bad} of {events} events would become dead letters again:\n{}", .reasons.join("\n"))]
    Refused {
        /// How many.
        bad: u64,
        /// Of how many.
        events: u64,
        /// Why, of some of them.
        reasons: Vec<String>,
    },
    /// The same repaired events were sent before.
    #[error("these events were sent before, byte for byte; say --again to send them once more")]
    Repeated,
    /// A replay goes into topics of its own.
    #[error("topic `{topic}` holds records already: a replay goes into topics of its own; name another --into")]
    NotEmpty {
        /// The topic.
        topic: String,
    },
    /// A stream that would be gone on with from the beginning, because its steps are put together otherwise than before.
    #[error(
        "stream `{stream}` has been enriched and scored {before} so far ({records} records): {now} all of its events would \
         be processed again; keep to what it was, or give the stream another name"
    )]
    Regrouped {
        /// The stream.
        stream: String,
        /// What was done with it so far.
        before: &'static str,
        /// What was to be done now.
        now: &'static str,
        /// How many records.
        records: u64,
    },
    /// A result, snapshot or part that no topic takes.
    #[error("{reason}; its partition cannot go on: let the aggregates keep less")]
    TooLarge {
        /// What is too large, and for which topic.
        reason: String,
    },
    /// The whole of an event that a dead letter has the head of cannot be had any more.
    #[error("the whole event at offset {offset} of topic `{topic}`, partition {partition}, is gone: {reason}")]
    Gone {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The offset.
        offset: u64,
        /// Why.
        reason: String,
    },
    /// A worker that ended by a defect.
    #[error("worker `{worker}` panicked: a defect, which the log has above")]
    Panicked {
        /// Which.
        worker: String,
    },
    /// A partition that somebody else has by now.
    #[error("partition {partition} of `{topic}` is with another member of the group")]
    NotOurs {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
    },
    /// Something was stored of records that the topic does not have.
    #[error(
        "the store has records of topic `{topic}`, partition {partition}, up to offset {offset}, but the topic ends at {end}: \
         it was created again; give the store another place, or the stream another name"
    )]
    BeyondEnd {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// What the store has.
        offset: u64,
        /// Where the topic ends.
        end: i64,
    },
    /// A topic of another program that is not there.
    #[error("the source's topic `{topic}` does not exist; create it, or correct `source.kafka`")]
    NoSuchTopic {
        /// The topic.
        topic: String,
    },
    /// More partitions of another program's topics than a commit can hold the places of.
    #[error(
        "the source has too many partitions: {partitions} of them belong to one partition of the stream, whose commit cannot \
         hold the places of all; give the stream more `partitions`, or name fewer topics"
    )]
    TooManyPlaces {
        /// How many.
        partitions: usize,
    },
    /// Another program's topics cannot be begun again.
    #[error(
        "--from-start has no meaning for topics of another program: what was sent before is in the stream's topics; give the \
         stream another name to read them again"
    )]
    FromStart,
    /// A password that cannot be read.
    #[error("cannot read the password in {path}: {reason}")]
    Secret {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A thread that the system does not give.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// Told to stop while waiting.
    #[error("stopped")]
    Stopped,
}

impl KafkaError {
    /// Whether a person has to mend the definition, the topics or the input before anything can go on.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Topics(_)
            | Self::Partitions(_)
            | Self::PlaceLost { .. }
            | Self::OtherSource { .. }
            | Self::NoSuchTopic { .. }
            | Self::TooManyPlaces { .. }
            | Self::FromStart
            | Self::Secret { .. }
            | Self::Refused { .. }
            | Self::Regrouped { .. }
            | Self::Repeated
            | Self::NotEmpty { .. } => true,
            Self::Source(source) => source.is_input(),
            _ => false,
        }
    }

    /// Whether a right is missing, which an administrator may give.
    pub fn is_forbidden(&self) -> bool {
        let code = match self {
            Self::Broker(BrokerError::Forbidden { .. }) => return true,
            Self::Aborted { source, .. } | Self::Client { source, .. } => match source {
                ClientError::Transaction(error) => Some(error.code()),
                other => other.rdkafka_error_code(),
            },
            _ => None,
        };
        code.is_some_and(broker::is_forbidden)
    }

    /// Whether a worker waits, whose reason says what somebody has to do: it goes on by itself after that.
    pub fn waits_for_somebody(&self) -> bool {
        matches!(self, Self::PlaceUnknown { .. } | Self::SchemasForgotten { .. } | Self::SchemaLost { .. })
    }

    /// Whether a new worker may do better. What is wrong with the definition, the topics or the data stays wrong.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Aborted { .. } | Self::Client { .. } | Self::TooLarge { .. } => true,
            _ if self.waits_for_somebody() => true,
            Self::Broker(error) => !matches!(error, BrokerError::Settings(_) | BrokerError::Forbidden { .. }),
            Self::Registry(error) => error.is_retriable(),
            _ => false,
        }
    }
}
