//! A producer whose records count once its transaction is committed.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use broker::{BrokerError, Connection, Reports};
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError as ClientError, RDKafkaErrorCode},
    producer::{BaseProducer, Producer},
};

use crate::{KafkaError, cluster::END_MAX};

/// How long the coordinator may take to end what an earlier producer of the same name left open.
const BEGINNING_MAX: Duration = Duration::from_secs(30);
/// How much later than it was told to a call of the client may return.
const GRACE: Duration = Duration::from_secs(1);
/// How long to wait between two looks at the producer's reports, where there is something to wait for.
pub(crate) const LOOK: Duration = Duration::from_millis(1);

/// A producer of transactions, by a handle of its client.
pub(crate) struct TransactionalProducer<H = Arc<BaseProducer<Reports>>> {
    // Shared with a call that does not return, see `add_offsets`.
    client: H,
}

impl TransactionalProducer {
    /// Connects, and ends what an earlier producer of the same name left open: from now on that one is fenced.
    /// `message_bytes` is what a message may have.
    pub(crate) fn connect(
        connection: &Connection,
        id: &str,
        timeout: Duration,
        message_bytes: usize,
    ) -> Result<Self, KafkaError> {
        Ok(Self { client: Arc::new(connected(connection, id, timeout, message_bytes)?) })
    }
}

impl<H: Deref<Target = BaseProducer<Reports>> + Clone + Send + 'static> TransactionalProducer<H> {
    /// The same of a client that is connected.
    pub(crate) fn of(client: H) -> Self {
        Self { client }
    }

    /// What records are handed to.
    pub(crate) fn client(&self) -> &BaseProducer<Reports> {
        &self.client
    }

    /// Serves the producer's reports; they are many.
    pub(crate) fn poll(&self) {
        serve(&self.client, Duration::ZERO);
    }

    /// Begins a transaction.
    pub(crate) fn begin(&self) -> Result<(), KafkaError> {
        self.client.begin_transaction().map_err(|source| trouble("beginning a transaction", source))
    }

    /// Commits the open transaction.
    pub(crate) fn commit(&self) -> Result<(), KafkaError> {
        let end = Instant::now() + END_MAX;
        self.flush(END_MAX)?;
        self.end(end.saturating_duration_since(Instant::now()))
    }

    /// Adds the offsets that the group of `member` has come to. In a thread of its own: where the group's coordinator goes away
    /// meanwhile, the call may not return for minutes, whatever time it was given (librdkafka#5456, #5511). The thread and its
    /// producer are then left to themselves; what they may still send is fenced by the producer that takes their place.
    pub(crate) fn add_offsets<C: ConsumerContext>(
        &self,
        member: &BaseConsumer<C>,
        offsets: TopicPartitionList,
        limit: Duration,
    ) -> Result<(), KafkaError> {
        let what = "adding offsets to a transaction";
        let group = member.group_metadata().ok_or(KafkaError::Client {
            what: "asking for the group",
            source: ClientError::Global(RDKafkaErrorCode::UnknownGroup),
        })?;
        let (done, answer) = mpsc::channel();
        let client = self.client.clone();
        thread::Builder::new().name("add-offsets".into()).spawn(move || {
            // Nobody listens any more where it took too long.
            let _ = done.send(client.send_offsets_to_transaction(&offsets, &group, limit));
        })?;
        match answer.recv_timeout(limit + GRACE) {
            Ok(done) => done.map_err(|source| trouble(what, source)),
            Err(_) => {
                let source = ClientError::Global(RDKafkaErrorCode::OperationTimedOut);
                Err(KafkaError::Client { what, source })
            }
        }
    }

    /// Ends the open transaction so that it counts.
    pub(crate) fn end(&self, limit: Duration) -> Result<(), KafkaError> {
        self.client.commit_transaction(limit).map_err(|source| trouble("committing a transaction", source))
    }

    /// Gives the open transaction up.
    pub(crate) fn abort(&self) -> Result<(), KafkaError> {
        // An abort before the first acknowledgement can find the broker without the transaction (librdkafka#4849).
        let flushed = self.flush(Duration::from_secs(1));
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            if flushed.is_err() {
                // The abort drops what was not sent, and waits until somebody has taken the reports of that.
                let (client, over) = (self.client.clone(), &over);
                thread::Builder::new().name("reports".into()).spawn_scoped(scope, move || {
                    while !over.load(Ordering::Relaxed) {
                        serve(&client, LOOK);
                    }
                })?;
            }
            let aborted = self.client.abort_transaction(END_MAX);
            over.store(true, Ordering::Relaxed);
            aborted.map_err(|source| KafkaError::Client { what: "aborting a transaction", source })
        })
    }

    /// Waits until everything that was handed over has been acknowledged. The client's own flush looks only ten times a
    /// second, which is longer than a commit may take.
    pub(crate) fn flush(&self, limit: Duration) -> Result<(), KafkaError> {
        let begun = Instant::now();
        while self.client.in_flight_count() > 0 {
            if begun.elapsed() > limit {
                let source = ClientError::Flush(RDKafkaErrorCode::OperationTimedOut);
                return Err(KafkaError::Aborted { what: "waiting for acknowledgements", source });
            }
            serve(&self.client, LOOK);
        }
        Ok(())
    }
}

/// A client that can begin with transactions: what an earlier one of its name left open is ended.
pub(crate) fn connected(
    connection: &Connection,
    id: &str,
    timeout: Duration,
    message_bytes: usize,
) -> Result<BaseProducer<Reports>, KafkaError> {
    let client: BaseProducer<Reports> = connection.client(Reports::default(), |config| {
        config
            .set("transactional.id", id)
            .set("transaction.timeout.ms", timeout.as_millis().to_string())
            .set("message.timeout.ms", timeout.as_millis().to_string())
            .set("message.max.bytes", message_bytes.to_string())
            .set("compression.type", "lz4")
            .set("linger.ms", "2")
            // A record that was not delivered fails its transaction; reports of the others are not used.
            .set("delivery.report.only.error", "true")
            .set("batch.num.messages", "10000")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "65536");
    })?;
    client.init_transactions(BEGINNING_MAX).map_err(beginning)?;
    Ok(client)
}

/// Serves a producer's reports, and waits for so long where there were none. Asleep: the client's own wait counts in whole
/// milliseconds, and asks without a pause during the last of them.
pub(crate) fn serve(client: &BaseProducer<Reports>, wait: Duration) {
    let before = client.in_flight_count();
    client.poll(Duration::ZERO);
    if !wait.is_zero() && client.in_flight_count() == before {
        thread::sleep(wait);
    }
}

/// Why a producer cannot begin with transactions.
fn beginning(source: ClientError) -> KafkaError {
    let what = "beginning with transactions";
    match BrokerError::client(what, source) {
        BrokerError::Client { source, .. } => KafkaError::Client { what, source },
        // Will not pass.
        error => error.into(),
    }
}

/// Whether a failed call of the producer ends the transaction only, or the producer.
fn trouble(what: &'static str, source: ClientError) -> KafkaError {
    match &source {
        ClientError::Transaction(error) if error.txn_requires_abort() && !error.is_fatal() => {
            KafkaError::Aborted { what, source }
        }
        // A call that timed out may still be carried out, in the middle of the next transaction (librdkafka#5423):
        // only a new producer is safe.
        _ => KafkaError::Client { what, source },
    }
}
