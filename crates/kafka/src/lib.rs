//! The exactly-once runtime on Kafka: topics, transactions, state, dead letters.
//!
//! A worker is one thread with one consumer and one transactional producer. What comes of a batch of messages (rows,
//! dead letters, snapshots of state) and how far the input has been read are committed in one transaction, so that
//! whatever ends a worker, the next one goes on as if nothing had happened. `ARCHITECTURE.md` has the whole story.

mod client;
mod clock;
mod cluster;
mod error;
mod generator;
mod messages;
mod mutant;
mod options;
mod read;
mod runtime;
mod stages;
mod step;
mod tools;
mod topics;

pub use measure::Health;

#[cfg(feature = "mutants")]
pub use self::mutant::Mutant;

pub use self::{
    clock::Clock,
    cluster::{
        Cluster, Event, Intake, Member, Owner, Positions, Producer, Reader as PartitionReader, Refused, Seen, Task,
    },
    error::KafkaError,
    generator::generate,
    generator::settings::Generator,
    generator::topic_source::{connection_of, registry_of},
    messages::dead_letters::{DeadLetterRecord, ReadDeadLetter, dead_letters_schema},
    messages::note::{Ask, GeneratorNote, Note, account, account_since, sent_in_all},
    messages::probe::Probe,
    messages::schemas::{Subject, subjects},
    messages::source_place::SourcePlace,
    messages::stored_note::{StoredNote, stored_notes, writer_group},
    options::{GroupProtocol, Handover, Options},
    read::originals::{EventText, Originals},
    read::reader::{ReadTopic, Reader, Received, Unreadable},
    runtime::{run, run_worker},
    step::Step,
    tools::placing::{At, Choice, Placing},
    tools::redrive::{Redrive, redrive, redrive_group},
    tools::replay::{Replay, replay},
    tools::sample::{SAMPLE_MESSAGES_MAX, SampledMessage, TopicSample, sample_topic},
    tools::send::send_records,
    topics::{Difference, TopicPlan, check_topics, create_topics, plan_topics},
};
