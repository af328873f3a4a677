//! The exactly-once runtime on Kafka: topics, transactions, state, dead letters.
//!
//! A worker is one thread with one consumer and one transactional producer. What comes of a batch of messages (rows,
//! dead letters, snapshots of state) and how far the input has been read are committed in one transaction, so that
//! whatever ends a worker, the next one goes on as if nothing had happened. `ARCHITECTURE.md` has the whole story.

mod arrivals;
mod backoff;
mod core;
mod crew;
mod error;
mod generator;
mod group;
mod hops;
mod inbound;
mod lag;
mod letters;
mod load;
mod membership;
mod meters;
mod note;
mod originals;
mod outbound;
mod partials;
mod partition;
mod place;
mod placing;
mod progress;
mod reader;
mod redrive;
mod replay;
mod restore;
mod runtime;
mod schemas;
mod send;
mod size;
mod snapshots;
mod step;
mod target;
mod topics;
mod trace;
mod transaction;
mod worker;

pub use measure::Health;

pub use self::{
    error::KafkaError,
    generator::{Generator, generate},
    letters::{Letter, ReadLetter, letters_schema},
    note::{GeneratorNote, Note, account, account_since},
    originals::{EventText, Originals},
    placing::{At, Choice, Placing},
    reader::{ReadTopic, Reader, Received, Unreadable},
    redrive::{Redrive, redrive, redrive_group},
    replay::{Replay, replay},
    runtime::{GroupProtocol, Options, run},
    schemas::{Subject, subjects},
    send::send_records,
    step::Step,
    topics::{Difference, TopicPlan, check_topics, create_topics, plan_topics},
};
