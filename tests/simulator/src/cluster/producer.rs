//! A producer of transactions.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use kafka::{Intake, KafkaError, Producer, Refused};
use rdkafka::{
    TopicPartitionList, error::KafkaError as ClientError, message::Headers, producer::BaseRecord,
    types::RDKafkaErrorCode as Code,
};

use super::{
    LOOK, Simulated,
    member::{Joined, offsets},
};
use crate::{
    broker::{log::Record, transactions::Outcome},
    trouble::{Fate, Trouble},
    world::{Guard, Happening, TRANSACTION},
};

/// A producer of transactions.
pub(crate) struct Sending {
    cluster: Simulated,
    id: String,
    epoch: u64,
    is_open: Cell<bool>,
    /// What was handed over and has not reached the cluster yet.
    waiting: RefCell<Vec<(String, u32, Record)>>,
    /// Whether the cluster has said that it does not hear this producer any more.
    is_fenced: Cell<bool>,
}

/// The producer cannot be used any more.
fn over(what: &'static str, code: Code) -> KafkaError {
    KafkaError::Client { what, source: ClientError::Global(code) }
}

/// The transaction cannot be committed.
fn given_up(what: &'static str, code: Code) -> KafkaError {
    KafkaError::Aborted { what, source: ClientError::Global(code) }
}

impl Sending {
    pub(super) fn new(cluster: Simulated, id: &str, epoch: u64) -> Self {
        let (is_open, waiting, is_fenced) = (Cell::new(false), RefCell::default(), Cell::new(false));
        Self { cluster, id: id.to_owned(), epoch, is_open, waiting, is_fenced }
    }

    /// What was handed over reaches the cluster.
    fn deliver<'w>(&'w self, mut state: Guard<'w>) -> Guard<'w> {
        if self.waiting.borrow().is_empty() {
            return state;
        }
        state = self.after_markers(state);
        for (topic, partition, record) in self.waiting.take() {
            let known = state.broker.transactions.len();
            match state.broker.produce((&self.id, self.epoch), (&topic, partition), record) {
                Ok(transaction) if transaction >= known => self.begun(&mut state, transaction),
                Ok(_) => {}
                Err(_) => self.is_fenced.set(true),
            }
        }
        state
    }

    /// The next transaction begins when the markers of the last one are written.
    fn after_markers<'w>(&'w self, mut state: Guard<'w>) -> Guard<'w> {
        while state.broker.unmarked(&self.id).is_some() {
            state = self.cluster.wait(state, LOOK);
        }
        state
    }

    fn begun(&self, state: &mut Guard<'_>, transaction: usize) {
        let at = state.now + TRANSACTION;
        state.at(at, Happening::TimeOut { transaction });
    }

    fn check(&self, what: &'static str) -> Result<(), KafkaError> {
        if self.is_fenced.get() { Err(over(what, Code::ProducerFenced)) } else { Ok(()) }
    }
}

impl Intake for Sending {
    fn send<'r>(&self, record: BaseRecord<'r, [u8], [u8]>) -> Result<(), Refused<'r>> {
        let mut state = self.cluster.call("send");
        let refused = |code, record| (ClientError::MessageProduction(code), record);
        if state.trouble(|trouble| *trouble == Trouble::QueueFull).is_some() {
            return Err(refused(Code::QueueFull, record));
        }
        let is_refused = state.trouble(|trouble| *trouble == Trouble::SendRefused).is_some();
        if is_refused || !self.is_open.get() {
            return Err(refused(Code::State, record));
        }
        let headers = record.headers.as_ref().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
        });
        let kept = Record {
            key: record.key.map(<[u8]>::to_vec),
            value: record.payload.map(<[u8]>::to_vec),
            time: record.timestamp.unwrap_or_default(),
            headers: headers.unwrap_or_default(),
        };
        if kept.bytes() > state.broker.record_bytes_max {
            return Err(refused(Code::MessageSizeTooLarge, record));
        }
        let partition = record.partition.unwrap_or_default() as u32;
        self.waiting.borrow_mut().push((record.topic.to_owned(), partition, kept));
        if state.random.one_in(4) {
            drop(self.deliver(state));
        }
        Ok(())
    }

    fn serve(&self, _: Duration) {
        let mut state = self.cluster.call("serve");
        if state.random.one_in(2) {
            drop(self.deliver(state));
        }
    }
}

impl Producer<Joined> for Sending {
    type Intake = Self;

    fn client(&self) -> &Self {
        self
    }

    fn begin(&self) -> Result<(), KafkaError> {
        drop(self.cluster.call("begin"));
        self.check("beginning a transaction")?;
        match self.is_open.replace(true) {
            true => Err(over("beginning a transaction", Code::State)),
            false => Ok(()),
        }
    }

    fn flush(&self, limit: Duration) -> Result<(), KafkaError> {
        let mut state = self.cluster.call("flush");
        if state.trouble(|trouble| *trouble == Trouble::Unacknowledged).is_some() {
            drop(self.cluster.wait(state, limit));
            return Err(given_up("waiting for acknowledgements", Code::OperationTimedOut));
        }
        drop(self.deliver(state));
        Ok(())
    }

    fn add_offsets(&self, member: &Joined, list: TopicPartitionList, limit: Duration) -> Result<(), KafkaError> {
        let what = "adding offsets to a transaction";
        let mut state = self.cluster.call("add offsets");
        self.check(what)?;
        let trouble =
            state.trouble(|trouble| matches!(trouble, Trouble::OffsetsRefused | Trouble::OffsetsUnknown { .. }));
        match trouble {
            Some(Trouble::OffsetsRefused) => return Err(given_up(what, Code::RebalanceInProgress)),
            Some(Trouble::OffsetsUnknown { taken: false }) => {
                drop(self.cluster.wait(state, limit));
                return Err(over(what, Code::OperationTimedOut));
            }
            _ => {}
        }
        if !self.is_open.get() {
            return Err(over(what, Code::State));
        }
        state = self.after_markers(state);
        if !member.is_valid(&state) {
            return Err(given_up(what, Code::IllegalGeneration));
        }
        let (group, known) = (member.group(&state), state.broker.transactions.len());
        match state.broker.add_offsets((&self.id, self.epoch), offsets(&group, &list)) {
            Ok(transaction) if transaction >= known => self.begun(&mut state, transaction),
            Ok(_) => {}
            Err(_) => self.is_fenced.set(true),
        }
        self.check(what)?;
        match trouble {
            Some(_) => {
                drop(self.cluster.wait(state, limit));
                Err(over(what, Code::OperationTimedOut))
            }
            None => Ok(()),
        }
    }

    fn end(&self, limit: Duration) -> Result<(), KafkaError> {
        let what = "committing a transaction";
        let mut state = self.cluster.call("commit");
        self.check(what)?;
        let trouble = state.trouble(|trouble| matches!(trouble, Trouble::EndRefused | Trouble::EndUnknown(_)));
        match trouble {
            Some(Trouble::EndRefused) => return Err(given_up(what, Code::RequestTimedOut)),
            Some(Trouble::EndUnknown(fate @ (Fate::Lost | Fate::Late(_)))) => {
                if let Fate::Late(later) = fate {
                    let (at, id) = (state.now + later, self.id.clone());
                    state.at(at, Happening::Decide { id, epoch: self.epoch });
                }
                drop(self.cluster.wait(state, limit));
                return Err(over(what, Code::OperationTimedOut));
            }
            _ => {}
        }
        // The client sends what waits before it commits, whether it was asked to or not.
        state = self.deliver(state);
        self.check(what)?;
        match state.broker.decide(&self.id, self.epoch, Outcome::Committed) {
            Ok(transaction) => transaction.into_iter().for_each(|transaction| state.decided(transaction)),
            Err(_) => self.is_fenced.set(true),
        }
        self.check(what)?;
        self.is_open.set(false);
        match trouble {
            Some(_) => {
                drop(self.cluster.wait(state, limit));
                Err(over(what, Code::OperationTimedOut))
            }
            None => Ok(()),
        }
    }

    fn abort(&self) -> Result<(), KafkaError> {
        let what = "aborting a transaction";
        let mut state = self.cluster.call("abort");
        self.waiting.take();
        let trouble = state.trouble(|trouble| matches!(trouble, Trouble::AbortUnknown { .. }));
        if trouble != Some(Trouble::AbortUnknown { done: false }) {
            match state.broker.decide(&self.id, self.epoch, Outcome::Aborted) {
                Ok(transaction) => transaction.into_iter().for_each(|transaction| state.decided(transaction)),
                Err(_) => self.is_fenced.set(true),
            }
        }
        self.is_open.set(false);
        if trouble.is_some() {
            drop(self.cluster.wait(state, Duration::from_secs(10)));
            return Err(over(what, Code::OperationTimedOut));
        }
        self.check(what)
    }
}
