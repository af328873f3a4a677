//! One history: threads of which one runs at a time, a clock that goes on when nobody has anything to do, and what happens
//! to the workers meanwhile.
//!
//! Each call of the cluster is a point at which another thread may go on, a process may be gone or stand still, and time
//! passes. Who goes on is drawn from the seed, so a history is the same every time.

mod state;

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fixtures::Random;

pub(crate) use self::state::{Director, Happening, SESSION, State, TRANSACTION};
use self::state::{Process, Task};
use crate::{broker::Broker, outside::Outside};

/// A history that has not come to its end by then never will, in microseconds.
const TIME_MAX: u64 = 900_000_000;
/// The same in calls.
const CALLS_MAX: u64 = 400_000;

thread_local! {
    /// Which of a history's threads this is.
    static CURRENT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// What a thread of a process that is gone ends with.
struct Gone;

/// A history.
pub(crate) struct World {
    state: Mutex<State>,
    now: AtomicU64,
    begun: Instant,
    over: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
    work: Work,
    /// The states that its workers have no room for.
    pub outside: Outside,
}

/// Makes what a process does: its number, its step and name, and what tells it to stop.
pub(crate) type Work =
    Box<dyn Fn(&Arc<World>, usize, (usize, &str), &Arc<AtomicBool>) -> Box<dyn FnOnce() + Send> + Send + Sync>;

pub(crate) type Guard<'w> = MutexGuard<'w, State>;

impl World {
    /// A history by this seed on a cluster.
    pub(crate) fn new(
        random: Random,
        broker: Broker,
        director: Box<dyn Director>,
        work: Work,
        record: bool,
    ) -> Arc<Self> {
        let state = State::new(random, broker, director, record);
        Arc::new(Self {
            state: Mutex::new(state),
            now: AtomicU64::new(0),
            begun: Instant::now(),
            over: Condvar::new(),
            threads: Mutex::new(Vec::new()),
            work,
            outside: Outside::default(),
        })
    }

    /// Runs the history to its end. Gives what there is then, and what was recorded.
    pub(crate) fn run(self: &Arc<Self>) -> (Result<Broker, String>, Vec<String>) {
        let mut state = self.lock();
        for (step, instance) in state.direct(|director, _| director.starts()) {
            state.at(0, Happening::Start { step, instance });
        }
        self.dispatch(&mut state);
        while !state.is_over {
            state = self.over.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        threads.into_iter().for_each(|thread| drop(thread.join()));
        let mut state = self.lock();
        let said = state.said.take().unwrap_or_default();
        let broker = std::mem::take(&mut state.broker);
        (state.failure.take().map_or(Ok(broker), Err), said)
    }

    pub(crate) fn lock(&self) -> Guard<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Instant {
        self.begun + Duration::from_micros(self.now.load(Ordering::Relaxed))
    }

    pub(crate) fn micros(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// Begins a thread of a process.
    pub(crate) fn spawn(self: &Arc<Self>, process: usize, work: Box<dyn FnOnce() + Send>) -> std::io::Result<()> {
        let mut state = self.lock();
        self.begin(&mut state, process, work)
    }

    fn begin(
        self: &Arc<Self>,
        state: &mut State,
        process: usize,
        work: Box<dyn FnOnce() + Send>,
    ) -> std::io::Result<()> {
        let number = state.tasks.len();
        let wakes = state.now;
        state.tasks.push(Task { process, wakes, is_done: false, turn: Arc::new(Condvar::new()) });
        let world = self.clone();
        let thread = thread::Builder::new().spawn(move || world.task(number, process, work))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    fn task(self: &Arc<Self>, number: usize, process: usize, work: Box<dyn FnOnce() + Send>) {
        CURRENT.set(number);
        let done = catch_unwind(AssertUnwindSafe(|| {
            drop(self.wait(self.lock(), number));
            work();
        }));
        let mut state = self.lock();
        if let Err(panic) = done
            && !panic.is::<Gone>()
        {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            state.fail(format!("progress: a worker panicked: {}", text.unwrap_or_default()));
        }
        state.tasks[number].is_done = true;
        if !state.processes[process].is_gone || state.running == Some(number) {
            self.dispatch(&mut state);
        }
    }

    /// A call of the cluster by a process: time passes, and others may go on.
    pub(crate) fn call(self: &Arc<Self>, process: usize, what: &str) -> Guard<'_> {
        let mut state = self.lock();
        let me = self.check(&state, process);
        state.calls += 1;
        state.now += state.random.below(300);
        self.now.store(state.now, Ordering::Relaxed);
        state.say(|| format!("{process} {what}"));
        state.direct(|director, state| director.called(state, process));
        self.check_gone(&mut state, process);
        if state.random.one_in(6) || state.processes[process].frozen > state.now {
            return self.pass(state, me, 0);
        }
        self.happen(&mut state);
        self.check_gone(&mut state, process);
        state
    }

    /// Waits, while others go on.
    pub(crate) fn sleep<'w>(self: &'w Arc<Self>, state: Guard<'w>, process: usize, wait: Duration) -> Guard<'w> {
        let me = self.check(&state, process);
        self.pass(state, me, wait.as_micros() as u64)
    }

    /// Whether a process is there; what it drops while it goes must not look at the cluster any more.
    pub(crate) fn is_gone(&self, process: usize) -> bool {
        let state = self.lock();
        state.is_over || state.processes[process].is_gone
    }

    fn check(&self, state: &State, process: usize) -> usize {
        if state.is_over || state.processes[process].is_gone {
            resume_unwind(Box::new(Gone));
        }
        CURRENT.get()
    }

    /// Ends this thread where something that happened has ended its process.
    fn check_gone(self: &Arc<Self>, state: &mut State, process: usize) {
        if state.is_over || state.processes[process].is_gone {
            self.dispatch(state);
            resume_unwind(Box::new(Gone));
        }
    }

    fn pass<'w>(self: &'w Arc<Self>, mut state: Guard<'w>, me: usize, wait: u64) -> Guard<'w> {
        state.tasks[me].wakes = state.now + wait;
        self.dispatch(&mut state);
        self.wait(state, me)
    }

    fn wait<'w>(&'w self, mut state: Guard<'w>, me: usize) -> Guard<'w> {
        let turn = state.tasks[me].turn.clone();
        while !state.is_over && state.running != Some(me) && !state.processes[state.tasks[me].process].is_gone {
            state = turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_over || state.processes[state.tasks[me].process].is_gone {
            drop(state);
            resume_unwind(Box::new(Gone));
        }
        state
    }

    /// Everything whose time has come happens.
    fn happen(self: &Arc<Self>, state: &mut State) {
        while let Some(entry) = state.timers.first_entry().filter(|entry| entry.key().0 <= state.now) {
            let happening = entry.remove();
            state.say(|| format!("{happening:?}"));
            match happening {
                Happening::Start { step, instance } => self.start(state, step, instance),
                other => state.happened(other),
            }
        }
    }

    fn start(self: &Arc<Self>, state: &mut State, step: usize, instance: String) {
        let (number, stop) = (state.processes.len(), Arc::new(AtomicBool::new(false)));
        let work = (self.work)(self, number, (step, &instance), &stop);
        let (is_gone, has_ended) = (false, false);
        state.processes.push(Process { step, instance, stop, frozen: 0, is_gone, has_ended });
        if let Err(error) = self.begin(state, number, work) {
            state.fail(format!("no thread: {error}"));
        }
    }

    /// Gives the turn to a thread, once there is one that can go on.
    fn dispatch(self: &Arc<Self>, state: &mut State) {
        loop {
            self.happen(state);
            if state.now > TIME_MAX || state.calls > CALLS_MAX {
                state.fail("progress: the input is not done in a quarter of an hour".to_owned());
            }
            if state.is_over || state.failure.is_some() {
                return self.end(state);
            }
            let able: Vec<usize> = (0..state.tasks.len())
                .filter(|task| state.wakes(&state.tasks[*task]).is_some_and(|at| at <= state.now))
                .collect();
            if !able.is_empty() {
                let next = able[state.random.below(able.len() as u64) as usize];
                state.running = Some(next);
                state.tasks[next].turn.notify_one();
                return;
            }
            if state.direct(|director, state| director.idle(state)) {
                continue;
            }
            let wakes = state.tasks.iter().filter_map(|task| state.wakes(task));
            match wakes.chain(state.timers.keys().map(|(at, _)| *at)).min() {
                Some(at) => {
                    state.now = at;
                    self.now.store(at, Ordering::Relaxed);
                }
                None => {
                    if !state.direct(|director, _| director.is_leaving()) {
                        state.fail("progress: nobody is left, and the input is not done".to_owned());
                    }
                    return self.end(state);
                }
            }
        }
    }

    fn end(&self, state: &mut State) {
        state.is_over = true;
        state.running = None;
        state.tasks.iter().for_each(|task| task.turn.notify_one());
        self.over.notify_all();
    }
}
