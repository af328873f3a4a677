//! A step of a stream, and how it runs.

use std::{sync::Arc, time::Duration};

use broker::{Connection, Offsets};
use measure::TracedAs;
use rdkafka::ClientConfig;
use registry::Registry;
use stage::{Ledger, StateMemory};
use stream::{Stream, Topics};

use crate::{
    KafkaError, Step,
    client::lag::INTERVAL_MS,
    messages::{note::account, size::Sizes},
};

/// How a consumer group agrees on who reads what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GroupProtocol {
    /// The members agree among themselves (cooperative-sticky).
    #[default]
    Classic,
    /// The broker decides (KIP-848); Kafka 4 and later.
    Consumer,
}

/// How messages go between the client and the workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Handover {
    /// Read in batches, and values sent from where they were encoded: by crate `batches`.
    #[default]
    Batches,
    /// One by one and copied, by rdkafka alone.
    Safe,
}

/// Which share of the bytes that came snapshots of states take: with what frames them it is below a tenth.
const SNAPSHOT_SHARE: f64 = 0.09;
/// How many messages the client has fetched before they are asked for: a batch. Each takes some 350 bytes besides its own.
const MESSAGES_AHEAD: usize = 16_384;
/// Bytes that a broker answers with at most, which come on top of that.
const RESPONSE_BYTES: usize = 2 << 20;
/// How rarely steps with windows commit.
const WINDOWS_COMMIT_INTERVAL: Duration = Duration::from_millis(500);

/// A step of a stream, and how it runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// The stream.
    pub stream: Arc<Stream>,
    /// Its topics: the stream's own, or others for a replay beside them.
    pub topics: Topics,
    /// Which step.
    pub step: Step,
    /// The cluster.
    pub connection: Connection,
    /// The registry.
    pub registry: Registry,
    /// The consumer group.
    pub group: String,
    /// What tells this process from others of the group: a worker that comes back under the same name ends at once
    /// what its predecessor left open.
    pub instance: String,
    /// Workers: consumers, each with a thread.
    pub threads: usize,
    /// A commit at the latest after so long,
    pub commit_interval: Duration,
    /// or after so many records.
    pub commit_rows: usize,
    /// Snapshots of states take this share of the bytes that came, but for what would otherwise be too far behind.
    pub snapshot_share: f64,
    /// About how many bytes of them a commit writes at most.
    pub snapshot_bytes: usize,
    /// Where the states of keys are kept.
    pub state_memory: StateMemory,
    /// How the group agrees.
    pub protocol: GroupProtocol,
    /// How messages go between the client and the workers.
    pub handover: Handover,
    /// How long a member may be silent before its partitions go to others (classic protocol).
    pub session_timeout: Duration,
    /// How long a transaction may stay open: what a worker that is gone holds back others by.
    pub transaction_timeout: Duration,
    /// Who this is in traces; nothing where none are sent.
    pub traced_as: Option<TracedAs>,
}

impl Options {
    /// The usual settings.
    pub fn new(stream: Arc<Stream>, step: Step, connection: Connection, registry: Registry) -> Self {
        Self {
            topics: stream.topics(),
            group: step.group(stream.name()),
            stream,
            step,
            connection,
            registry,
            instance: "0".into(),
            threads: 1,
            commit_interval: Duration::from_millis(100),
            commit_rows: 100_000,
            snapshot_share: SNAPSHOT_SHARE,
            snapshot_bytes: 4 << 20,
            state_memory: StateMemory::unbounded(),
            protocol: GroupProtocol::Classic,
            handover: Handover::default(),
            session_timeout: Duration::from_secs(10),
            transaction_timeout: Duration::from_secs(10),
            traced_as: None,
        }
    }

    /// The same as the step needs it: all results of windows that changed are written with every commit, and half a second
    /// is soon enough for those; a merge has one partition, and so one worker.
    pub(crate) fn suited(mut self) -> Self {
        if self.step.aggregates() {
            self.commit_interval = self.commit_interval.max(WINDOWS_COMMIT_INTERVAL);
        }
        if self.step == Step::Merge {
            self.threads = 1;
        }
        self
    }

    /// Makes sure that a stream whose steps were fused so far, or were not, is gone on with in the same way: the others count
    /// on another topic how far they have come, and would begin at its start.
    pub(crate) fn goes_on(&self) -> Result<(), KafkaError> {
        let (other, before, now) = match self.step {
            Step::Fused => (Step::Enrich, "in two services", "in one, with --fused,"),
            Step::Enrich | Step::Detect => (Step::Fused, "in one service, with --fused", "in two"),
            Step::Aggregate | Step::Merge => return Ok(()),
        };
        if self.group != self.step.group(self.stream.name()) {
            return Ok(());
        }
        let offsets = Offsets::connect(&self.connection)?;
        let partitions = self.stream.definition.spec.partitions;
        match account(&offsets, self.stream.name(), partitions, other)? {
            Some(Ledger { records, .. }) if records > 0 => {
                Err(KafkaError::Regrouped { stream: self.stream.name().to_owned(), before, now, records })
            }
            _ => Ok(()),
        }
    }

    /// What a worker is called in probes and logs.
    pub(crate) fn worker(&self, number: usize) -> String {
        format!("{}-{number}", self.step.name())
    }

    /// What the producer of a worker is called: the next one of the name fences it.
    pub(crate) fn transactional_id(&self, number: usize) -> String {
        format!("{}.{}.{number}", self.group, self.instance)
    }

    /// Bytes of the largest message that a step sends.
    pub(crate) fn message_bytes(&self) -> usize {
        Sizes::of(&self.stream).state()
    }

    pub(crate) fn consumer(&self, config: &mut ClientConfig) {
        config
            .set("group.id", &self.group)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("statistics.interval.ms", INTERVAL_MS)
            .set("max.poll.interval.ms", "300000")
            .set("fetch.message.max.bytes", Sizes::of(&self.stream).message().to_string())
            .set("fetch.max.bytes", RESPONSE_BYTES.max(Sizes::of(&self.stream).message()).to_string())
            // It ends when there is something; only a partition that is taken meanwhile waits for it.
            .set("fetch.wait.max.ms", "250")
            // After its queue was full the client would sleep for a second by default.
            .set("fetch.queue.backoff.ms", "10")
            .set("queued.min.messages", MESSAGES_AHEAD.to_string())
            .set("queued.max.messages.kbytes", "32768");
        match self.protocol {
            GroupProtocol::Classic => {
                let session = self.session_timeout.as_millis();
                config
                    .set("partition.assignment.strategy", "cooperative-sticky")
                    .set("session.timeout.ms", session.to_string())
                    .set("heartbeat.interval.ms", (session / 4).max(100).to_string());
            }
            GroupProtocol::Consumer => {
                config.set("group.protocol", "consumer");
            }
        }
    }
}
