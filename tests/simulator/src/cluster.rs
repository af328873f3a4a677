//! The cluster in memory as the workers see it: what `kafka::Cluster` asks for.

mod member;
mod producer;
mod reader;

use std::{
    cell::Cell,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use ::broker::BrokerError;
use kafka::{Clock, Cluster, KafkaError, Task};
use rdkafka::{ClientConfig, error::KafkaError as ClientError, types::RDKafkaErrorCode};

use self::{
    member::Joined,
    producer::Sending,
    reader::{Asked, Reading},
};
use crate::{
    broker::{group::Client, transactions::Outcome},
    scenario::BEGUN_MILLIS,
    trouble::Trouble,
    world::{Guard, State, World},
};

thread_local! {
    /// Whether this thread polls for a member of a group.
    static POLLS: Cell<bool> = const { Cell::new(false) };
}

/// How often it is looked whether something is decided.
const LOOK: Duration = Duration::from_millis(100);

/// A history's cluster, as one of its processes sees it.
#[derive(Clone)]
pub(crate) struct Simulated {
    world: Arc<World>,
    process: usize,
}

impl Simulated {
    pub(crate) fn new(world: &Arc<World>, process: usize) -> Self {
        Self { world: world.clone(), process }
    }

    fn call(&self, what: &str) -> Guard<'_> {
        self.world.call(self.process, what)
    }

    fn wait<'w>(&'w self, state: Guard<'w>, wait: Duration) -> Guard<'w> {
        self.world.sleep(state, self.process, wait)
    }

    /// Partitions are read for their state: whoever does that polls no group meanwhile, and would lose its partitions.
    fn reads(&self, state: &mut State) {
        if POLLS.get() {
            state.fail("heartbeats: state is read by the thread that has to poll".to_owned());
        }
    }

    fn is_gone(&self) -> bool {
        self.world.is_gone(self.process)
    }

    /// A question to the cluster, which may stay without an answer.
    fn ask(&self, what: &str) -> Result<Guard<'_>, BrokerError> {
        let mut state = self.call(what);
        match state.trouble(|trouble| *trouble == Trouble::Unanswered) {
            None => Ok(state),
            Some(_) => Err(BrokerError::client(what, ClientError::Global(RDKafkaErrorCode::RequestTimedOut))),
        }
    }
}

impl Clock for Simulated {
    fn now(&self) -> Instant {
        self.world.now()
    }

    fn millis(&self) -> i64 {
        BEGUN_MILLIS + (self.world.micros() / 1000) as i64
    }

    fn seed(&self) -> Option<u64> {
        Some(self.process as u64)
    }

    fn sleep(&self, wait: Duration) {
        drop(self.wait(self.call("sleep"), wait));
    }
}

impl Cluster for Simulated {
    type Member = Joined;
    type Producer = Sending;
    type Positions = Asked;
    type Reader = Reading;

    fn member(&self, settings: &dyn Fn(&mut ClientConfig), topic: &str) -> Result<Joined, KafkaError> {
        let mut config = ClientConfig::new();
        settings(&mut config);
        let group = config.get("group.id").unwrap_or_default().to_owned();
        POLLS.set(true);
        let mut state = self.call("join");
        let partitions = state.broker.partitions(topic);
        state.broker.groups.entry(group.clone()).or_default().partitions = partitions;
        state.broker.clients.push(Client {
            process: self.process,
            group,
            topic: topic.to_owned(),
            identity: None,
            lost: false,
            assigned: Default::default(),
            wishes: Default::default(),
            owes: false,
            has_left: false,
        });
        let number = state.broker.clients.len() - 1;
        drop(state);
        Ok(Joined::new(self.clone(), number))
    }

    fn producer(&self, id: &str, _: Duration, _: usize) -> Result<Sending, KafkaError> {
        let mut state = self.call("begin with transactions");
        loop {
            let epoch = match state.broker.register(id) {
                Ok(epoch) => {
                    drop(state);
                    return Ok(Sending::new(self.clone(), id, epoch));
                }
                Err(_) => state.broker.producers.get(id).map_or(0, |registered| registered.epoch),
            };
            // Nobody else of this name is heard from now on.
            if let Ok(Some(transaction)) = state.broker.decide(id, epoch, Outcome::Aborted) {
                state.decided(transaction);
            }
            state = self.wait(state, LOOK);
        }
    }

    fn positions(&self) -> Result<Asked, BrokerError> {
        Ok(Asked(self.clone()))
    }

    fn reader(&self, _: &str) -> Result<Reading, BrokerError> {
        Ok(Reading::new(self.clone()))
    }

    fn spawn(&self, _: String, task: Task) -> io::Result<()> {
        drop(self.call("begin a thread"));
        self.world.spawn(self.process, task)
    }
}
