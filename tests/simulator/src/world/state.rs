//! What there is at a moment of a history, and what happens by itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, atomic::AtomicBool},
};

use fixtures::Random;

use crate::{
    broker::{Broker, transactions::Outcome},
    trouble::Trouble,
};

/// After how long a member that is silent is none any more, in microseconds: `kafka::Options::new` says so.
pub(crate) const SESSION: u64 = 10_000_000;
/// How long a transaction may stay open, by the same.
pub(crate) const TRANSACTION: u64 = 10_000_000;

/// Who says what is done to the workers.
pub(crate) trait Director: Send {
    /// The processes that there are at the beginning: the step of each, and its name.
    fn starts(&mut self) -> Vec<(usize, String)>;

    /// A process calls the cluster.
    fn called(&mut self, state: &mut State, process: usize);

    /// Nobody has anything to do at this moment: says whether that has changed.
    fn idle(&mut self, state: &mut State) -> bool;

    /// Something happens that the director has asked for.
    fn happened(&mut self, state: &mut State, happening: &Happening);

    /// Whether the workers have been told to leave.
    fn is_leaving(&self) -> bool;
}

/// What there is at a moment.
pub(crate) struct State {
    /// Microseconds since the history began.
    pub now: u64,
    pub random: Random,
    pub broker: Broker,
    director: Option<Box<dyn Director>>,
    /// What the next calls are to suffer.
    pub armed: Vec<Trouble>,
    pub processes: Vec<Process>,
    pub(super) tasks: Vec<Task>,
    pub(super) running: Option<usize>,
    pub(super) timers: BTreeMap<(u64, u64), Happening>,
    timed: u64,
    pub calls: u64,
    pub(super) said: Option<Vec<String>>,
    pub(super) failure: Option<String>,
    pub(super) is_over: bool,
}

/// A worker's process.
pub(crate) struct Process {
    /// Which step of the plan it runs, and under which name.
    pub step: usize,
    pub instance: String,
    pub stop: Arc<AtomicBool>,
    /// Until when it stands still.
    pub frozen: u64,
    pub is_gone: bool,
    /// Whether it has ended by itself.
    pub has_ended: bool,
}

impl Process {
    pub(crate) fn is_alive(&self) -> bool {
        !self.is_gone && !self.has_ended
    }
}

/// A thread of a process.
pub(super) struct Task {
    pub process: usize,
    pub wakes: u64,
    pub is_done: bool,
    pub turn: Arc<Condvar>,
}

/// What happens at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happening {
    /// A process of a step starts under this name.
    Start { step: usize, instance: String },
    /// A process that has been silent since is not a member any more.
    Expire { process: usize },
    /// A transaction has been open for too long.
    TimeOut { transaction: usize },
    /// The markers of a transaction are written.
    Mark { transaction: usize },
    /// A commit arrives late.
    Decide { id: String, epoch: u64 },
    /// The offsets of a step's group are gone, of these partitions.
    Lose { step: usize, partitions: u64 },
}

impl State {
    /// When a thread can go on, if it ever can.
    pub(super) fn wakes(&self, task: &Task) -> Option<u64> {
        let process = &self.processes[task.process];
        (!task.is_done && !process.is_gone).then(|| task.wakes.max(process.frozen))
    }

    /// Has something happen later.
    pub(crate) fn at(&mut self, at: u64, happening: Happening) {
        self.timed += 1;
        self.timers.insert((at, self.timed), happening);
    }

    /// Whether a process is yet to start, or offsets are yet to be lost.
    pub(crate) fn is_to_come(&self) -> bool {
        let of_plan = |happening: &Happening| matches!(happening, Happening::Start { .. } | Happening::Lose { .. });
        self.timers.values().any(of_plan)
    }

    /// Notes a line of the history, where it is recorded.
    pub(crate) fn say(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(said) = &mut self.said {
            said.push(format!("{:>9.3} ms  {}", now as f64 / 1e3, line()));
        }
    }

    /// Ends the history as one that has failed.
    pub(crate) fn fail(&mut self, reason: String) {
        self.failure.get_or_insert(reason);
    }

    /// A process is gone, without a word.
    pub(crate) fn kill(&mut self, process: usize) {
        self.processes[process].is_gone = true;
        self.at(self.now + SESSION, Happening::Expire { process });
        let of = self.tasks.iter().filter(|task| task.process == process);
        of.for_each(|task| task.turn.notify_one());
    }

    pub(super) fn new(random: Random, broker: Broker, director: Box<dyn Director>, record: bool) -> Self {
        Self {
            now: 0,
            random,
            broker,
            director: Some(director),
            armed: Vec::new(),
            processes: Vec::new(),
            tasks: Vec::new(),
            running: None,
            timers: BTreeMap::new(),
            timed: 0,
            calls: 0,
            said: record.then(Vec::new),
            failure: None,
            is_over: false,
        }
    }

    /// Asks the director.
    pub(super) fn direct<T: Default>(&mut self, ask: impl FnOnce(&mut dyn Director, &mut Self) -> T) -> T {
        let Some(mut director) = self.director.take() else { return T::default() };
        let answer = ask(director.as_mut(), self);
        self.director = Some(director);
        answer
    }

    /// The trouble that the next call of a kind is to have, where there is one.
    pub(crate) fn trouble(&mut self, of: impl Fn(&Trouble) -> bool) -> Option<Trouble> {
        let index = self.armed.iter().position(of)?;
        let trouble = self.armed.remove(index);
        self.say(|| format!("{trouble:?}"));
        Some(trouble)
    }

    /// What happens by itself.
    pub(super) fn happened(&mut self, happening: Happening) {
        match happening.clone() {
            Happening::Expire { process } => {
                if self.processes[process].is_gone || self.processes[process].frozen >= self.now {
                    self.broker.groups.values_mut().for_each(|group| group.expire(process));
                }
            }
            Happening::TimeOut { transaction } => {
                if self.broker.time_out(transaction) {
                    self.decided(transaction);
                }
            }
            Happening::Mark { transaction } => self.broker.mark(transaction),
            Happening::Decide { id, epoch } => {
                if let Ok(Some(transaction)) = self.broker.decide(&id, epoch, Outcome::Committed) {
                    self.decided(transaction);
                }
            }
            // A process is started by the world.
            Happening::Start { .. } => {}
            Happening::Lose { .. } => self.direct(|director, state| director.happened(state, &happening)),
        }
    }

    /// The markers of a transaction that is decided come at once, or a little later.
    pub(crate) fn decided(&mut self, transaction: usize) {
        match self.random.below(4) {
            when @ 0..=1 => {
                if when == 0 {
                    self.broker.mark_offsets(transaction);
                }
                let longest = if self.random.one_in(4) { 4_000_000 } else { 60_000 };
                let at = self.now + self.random.below(longest);
                self.at(at, Happening::Mark { transaction });
            }
            _ => self.broker.mark(transaction),
        }
    }
}
