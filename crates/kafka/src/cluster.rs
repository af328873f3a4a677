//! What a worker needs of the world: a cluster, its membership of a group, a producer, readers, and a clock.
//!
//! On Kafka these are the clients of librdkafka (`runtime/live.rs`). Whoever wants to see the workers' own code under faults
//! that no real cluster shows on demand gives another one (`tests/simulator`). The traits are as narrow as the workers' use of
//! the client, and everything is known when it is compiled: nothing is looked up while records go through.

use std::{collections::BTreeMap, io, time::Duration};

use broker::{BrokerError, Committed};
use bytes::Bytes;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    error::{KafkaError as ClientError, RDKafkaErrorCode},
    producer::BaseRecord,
};

use crate::{KafkaError, clock::Clock, mutant::Mutant};

/// How long the end of a transaction may take: by then the broker has given it up by itself, and a service that is told
/// to stop must not wait for longer.
pub(crate) const END_MAX: Duration = Duration::from_secs(10);

/// What a thread of a worker does.
pub type Task = Box<dyn FnOnce() + Send>;

/// A cluster as a worker sees it.
pub trait Cluster: Clock + Clone + 'static {
    /// A member of a step's group.
    type Member: Member;
    /// A producer of transactions.
    type Producer: Producer<Self::Member>;
    /// What knows how far topics and groups have come.
    type Positions: Positions;
    /// What reads a partition, as a member of no group.
    type Reader: Reader;

    /// Joins the group that `settings` name, to read `topic`.
    ///
    /// # Errors
    /// Where the client cannot be made.
    fn member(&self, settings: &dyn Fn(&mut ClientConfig), topic: &str) -> Result<Self::Member, KafkaError>;

    /// Connects the producer `id`, whose transactions may stay open for `timeout` and whose messages may have so many bytes,
    /// and ends what an earlier one of its name left open.
    ///
    /// # Errors
    /// Where the cluster does not answer in time.
    fn producer(&self, id: &str, timeout: Duration, message_bytes: usize) -> Result<Self::Producer, KafkaError>;

    /// Connects to ask for positions.
    ///
    /// # Errors
    /// Where the client cannot be made.
    fn positions(&self) -> Result<Self::Positions, BrokerError>;

    /// Connects to read partitions under the name of a group that is never joined.
    ///
    /// # Errors
    /// Where the client cannot be made.
    fn reader(&self, name: &str) -> Result<Self::Reader, BrokerError>;

    /// Runs `task` on a thread of its own.
    ///
    /// # Errors
    /// Where the system gives no thread.
    fn spawn(&self, name: String, task: Task) -> io::Result<()>;
}

/// Who owns partitions as a member of a group.
pub trait Owner {
    /// Whether the group has given the partitions to others without waiting for an answer.
    fn assignment_lost(&self) -> bool;
}

/// What the group wants of a worker.
#[derive(Debug)]
pub enum Event {
    /// To take these partitions.
    Assigned(TopicPartitionList),
    /// To give these back.
    Revoked(TopicPartitionList),
}

/// What the client has seen of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many records wait.
    pub lag: u64,
    /// The first offset that the topic still has,
    pub first: i64,
    /// and the one before which everything is decided.
    pub end: i64,
}

/// A member of a group. The group speaks while the member takes messages, and each event waits for its answer: [`Member::hold`] or
/// [`Member::give_back`].
pub trait Member: Owner {
    /// A message, which lives as long as its client.
    type Message<'a>: Message
    where
        Self: 'a;

    /// Adds messages to a batch, `room` at most: those that are there, and where none is, those that come in so long, or until the
    /// group speaks. Gives what went wrong.
    fn take<'a>(&'a self, batch: &mut Vec<Self::Message<'a>>, room: usize, wait: Duration) -> Vec<ClientError>;

    /// The next event that has no answer yet.
    fn next_event(&self) -> Option<Event>;

    /// Whether an event waits for an answer.
    fn has_event(&self) -> bool;

    /// What the client has seen of its partitions since this was last called, if it has looked since.
    fn seen(&self) -> Option<BTreeMap<u32, Seen>>;

    /// Takes partitions without reading them yet.
    ///
    /// # Errors
    /// Where the client does not take them.
    fn hold(&self, topic: &str, numbers: &[u32]) -> Result<(), KafkaError>;

    /// Begins to read partitions that were held, at these offsets; gives those that the client was ready for.
    ///
    /// # Errors
    /// Where the client does not go there.
    fn start(&self, topic: &str, starts: &[(u32, i64)]) -> Result<Vec<u32>, KafkaError>;

    /// Stops reading partitions that stay ours.
    ///
    /// # Errors
    /// Where the client does not take it.
    fn pause(&self, topic: &str, numbers: &[u32]) -> Result<(), KafkaError>;

    /// Ends reading partitions, which is the answer to their revocation.
    ///
    /// # Errors
    /// Where the client does not take it.
    fn give_back(&self, list: &TopicPartitionList) -> Result<(), KafkaError>;

    /// Leaves the group.
    fn leave(&self);
}

/// A record that was not taken, and why.
pub type Refused<'r> = (ClientError, BaseRecord<'r, [u8], [u8]>);

/// What takes records.
pub trait Intake {
    /// Hands a record over; gives it back where it is not taken.
    ///
    /// # Errors
    /// Where the queue is full, or the record is not one for its topic.
    #[allow(clippy::result_large_err, reason = "it is the client's own, and gives the record back")]
    fn send<'r>(&self, record: BaseRecord<'r, [u8], [u8]>) -> Result<(), Refused<'r>>;

    /// The same of a record whose value is a part of `memory`, where it may be left until it is acknowledged.
    ///
    /// # Errors
    /// As [`Intake::send`].
    #[allow(clippy::result_large_err, reason = "it is the client's own, and gives the record back")]
    fn send_part<'r>(&self, record: BaseRecord<'r, [u8], [u8]>, _memory: &Bytes) -> Result<(), Refused<'r>> {
        self.send(record)
    }

    /// Serves reports for so long.
    fn serve(&self, wait: Duration);
}

/// A producer whose records count once its transaction is committed.
pub trait Producer<M: Owner> {
    /// What its records are handed to.
    type Intake: Intake;

    /// What records are handed to.
    fn client(&self) -> &Self::Intake;

    /// Begins a transaction.
    ///
    /// # Errors
    /// Where the producer cannot go on.
    fn begin(&self) -> Result<(), KafkaError>;

    /// Waits until everything that was handed over has been acknowledged.
    ///
    /// # Errors
    /// Where that takes longer than `limit`.
    fn flush(&self, limit: Duration) -> Result<(), KafkaError>;

    /// Adds the offsets that the group of `member` has come to by the open transaction.
    ///
    /// # Errors
    /// Where the group does not count the member as one, or the cluster does not answer in time.
    fn add_offsets(&self, member: &M, offsets: TopicPartitionList, limit: Duration) -> Result<(), KafkaError>;

    /// Ends the open transaction so that it counts.
    ///
    /// # Errors
    /// Where it was given up by the cluster, or its outcome is not known in time.
    fn end(&self, limit: Duration) -> Result<(), KafkaError>;

    /// Gives the open transaction up.
    ///
    /// # Errors
    /// Where the cluster does not answer in time.
    fn abort(&self) -> Result<(), KafkaError>;

    /// Commits the open transaction with the offsets that the group of `member` has come to by it.
    ///
    /// # Errors
    /// As the parts of it.
    fn commit_offsets(&self, clock: &impl Clock, member: &M, offsets: TopicPartitionList) -> Result<(), KafkaError> {
        let end = clock.now() + END_MAX;
        self.flush(END_MAX)?;
        if Mutant::OffsetsAfterCommit.is_chosen() {
            self.end(END_MAX)?;
            self.begin()?;
        }
        // A member that the group has given up has no name any more, and a commit in nobody's name is not fenced.
        if member.assignment_lost() && !Mutant::LostPartitionKept.is_chosen() {
            let source = ClientError::Global(RDKafkaErrorCode::AssignmentLost);
            return Err(KafkaError::Aborted { what: "adding offsets to a transaction", source });
        }
        let added = self.add_offsets(member, offsets, end.saturating_duration_since(clock.now()));
        added.or_else(|error| if Mutant::OffsetsIgnored.is_chosen() { Ok(()) } else { Err(error) })?;
        self.end(end.saturating_duration_since(clock.now()))
    }
}

/// How far topics and groups have come; see [`broker::Offsets`].
pub trait Positions {
    /// How many partitions a topic has; 0 where it does not exist.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    fn partitions(&self, topic: &str) -> Result<u32, BrokerError>;

    /// The first offset that is still there, and the one that the next record will have, committed or not.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    fn range(&self, topic: &str, partition: u32) -> Result<(i64, i64), BrokerError>;

    /// The offset before which every transaction is decided.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    fn stable_end(&self, topic: &str, partition: u32) -> Result<i64, BrokerError>;

    /// The first offset whose record is not older than `time`, in milliseconds since 1970.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    fn at_time(&self, topic: &str, partition: u32, time: i64) -> Result<i64, BrokerError>;

    /// What a group has committed of a partition, open transactions aside.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    fn committed(&self, group: &str, topic: &str, partition: u32) -> Result<Option<Committed>, BrokerError>;

    /// The same, once no transaction is open that may change it.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it, or a transaction stays open.
    fn decided(&self, group: &str, topic: &str, partition: u32) -> Result<Option<Committed>, BrokerError>;
}

/// Reads what is committed of one partition after the other.
pub trait Reader {
    /// A message, which lives as long as its client.
    type Message<'a>: Message
    where
        Self: 'a;

    /// Begins to read a partition.
    ///
    /// # Errors
    /// Where the client does not take it.
    fn assign(&self, topic: &str, partition: u32, from: Offset) -> Result<(), ClientError>;

    /// Reads nothing more.
    ///
    /// # Errors
    /// Where the client does not take it.
    fn unassign(&self) -> Result<(), ClientError>;

    /// The next message. The end of the partition is an error, [`ClientError::PartitionEOF`].
    fn poll(&self, wait: Duration) -> Option<Result<Self::Message<'_>, ClientError>>;
}
