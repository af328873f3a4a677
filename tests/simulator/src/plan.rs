//! What is done to the workers of a history, drawn from its seed, and when it has come to its end.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
};

use fixtures::Random;
use kafka::{Options, run_worker};

use crate::{
    broker::Broker,
    cluster::Simulated,
    fault::Fault,
    scenario::Scenario,
    world::{Director, Happening, SESSION, State, Work},
};

/// Workers of a step at a time.
const WORKERS_MAX: usize = 3;
/// Calls between two faults at most.
const GAP: u64 = 200;

/// How far a history has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Faults are still to come.
    Faults,
    /// No more of them; the last of the input.
    Tail,
    /// The workers leave.
    Leaving,
}

/// What is done to the workers of a history.
pub(crate) struct Plan {
    scenario: Arc<Scenario>,
    faults: VecDeque<(u64, Fault)>,
    phase: Phase,
    /// Workers of each step at the beginning.
    workers: u64,
    named: u64,
}

impl Plan {
    /// Nothing is done to a worker a step.
    pub(crate) fn undisturbed(scenario: &Arc<Scenario>) -> Self {
        Self { scenario: scenario.clone(), faults: VecDeque::new(), phase: Phase::Faults, workers: 1, named: 0 }
    }

    /// Faults that are drawn.
    pub(crate) fn drawn(scenario: &Arc<Scenario>, random: &mut Random) -> Self {
        let (count, mut at) = (1 + random.below(6), 0);
        let faults = (0..count).map(|_| {
            at += random.below(GAP);
            (at, Fault::drawn(random))
        });
        let faults = faults.collect();
        Self { faults, workers: 1 + random.below(2), ..Self::undisturbed(scenario) }
    }

    fn name(&mut self) -> String {
        self.named += 1;
        self.named.to_string()
    }

    /// Whether everything that is there has been read and is committed.
    fn is_done(&self, broker: &Broker) -> bool {
        self.scenario.groups.iter().zip(self.scenario.inputs()).all(|(group, input)| {
            (0..broker.partitions(input)).all(|partition| {
                let Some(log) = broker.log(input, partition) else { return false };
                let lost = broker.groups.get(group).is_some_and(|group| group.lost.contains(&partition));
                let next = match broker.offset(group, input, partition) {
                    Some((next, _)) => *next,
                    // It is found when there is more to read.
                    None if lost && self.phase == Phase::Faults => i64::MAX,
                    None => 0,
                };
                log.stable_end() == log.end() && broker.next(input, partition, next).is_none()
            })
        })
    }

    fn apply(&mut self, state: &mut State, fault: Fault, caller: Option<usize>) {
        state.say(|| format!("{fault:?}"));
        let all: Vec<usize> =
            (0..state.processes.len()).filter(|process| state.processes[*process].is_alive()).collect();
        let Some(victim) = caller.filter(|_| state.random.one_in(2)).or_else(|| one_of(state, &all)) else { return };
        let (now, step) = (state.now, state.processes[victim].step);
        match fault {
            Fault::Crash { back, same } => {
                state.kill(victim);
                let instance = if same { state.processes[victim].instance.clone() } else { self.name() };
                state.at(now + back, Happening::Start { step, instance });
            }
            Fault::Freeze(time) => {
                state.processes[victim].frozen = now + time;
                state.at(now + SESSION, Happening::Expire { process: victim });
            }
            Fault::Join if alive(state, step).len() < WORKERS_MAX => {
                let instance = self.name();
                state.at(now, Happening::Start { step, instance });
            }
            Fault::Join => {}
            Fault::Leave => self.leave(state),
            Fault::Shuffle => {
                let State { broker, random, .. } = state;
                if let Some(group) = broker.groups.get_mut(&self.scenario.groups[step]) {
                    group.shuffle(|end| random.below(end));
                }
            }
            Fault::Trouble(trouble) => state.armed.push(trouble),
            Fault::Lose { partitions } => {
                alive(state, step).into_iter().for_each(|process| state.kill(process));
                let later = now + SESSION + 1;
                state.at(later, Happening::Lose { step, partitions });
                let (back, instance) = (state.random.below(15_000_000), self.name());
                state.at(later + 1 + back, Happening::Start { step, instance });
            }
        }
    }

    /// A process leaves, where another one of its step stays.
    fn leave(&self, state: &mut State) {
        let stays = |process: &usize| !state.processes[*process].stop.load(Ordering::Relaxed);
        let staying: Vec<Vec<usize>> = (0..self.scenario.steps.len())
            .map(|step| alive(state, step).into_iter().filter(stays).collect())
            .filter(|staying: &Vec<usize>| staying.len() > 1)
            .collect();
        if let Some(process) = one_of(state, &staying.concat()) {
            state.processes[process].stop.store(true, Ordering::Relaxed);
        }
    }
}

impl Director for Plan {
    fn starts(&mut self) -> Vec<(usize, String)> {
        let steps = 0..self.scenario.steps.len();
        let all: Vec<usize> = steps.flat_map(|step| (0..self.workers).map(move |_| step)).collect();
        all.into_iter().map(|step| (step, self.name())).collect()
    }

    fn called(&mut self, state: &mut State, process: usize) {
        while let Some((_, fault)) = self.faults.pop_front_if(|(at, _)| *at <= state.calls) {
            self.apply(state, fault, Some(process));
        }
    }

    fn idle(&mut self, state: &mut State) -> bool {
        if self.phase == Phase::Leaving || state.is_to_come() || !self.is_done(&state.broker) {
            return false;
        }
        match (self.phase, self.faults.pop_front()) {
            (Phase::Faults, Some((_, fault))) => self.apply(state, fault, None),
            (Phase::Faults, None) => {
                state.say(|| "the last of the input".to_owned());
                self.scenario.write(&self.scenario.tail, &mut state.broker);
                self.phase = Phase::Tail;
            }
            _ => {
                state.say(|| "all are told to stop".to_owned());
                self.phase = Phase::Leaving;
                state.armed.clear();
                state.processes.iter().for_each(|process| process.stop.store(true, Ordering::Relaxed));
            }
        }
        true
    }

    /// Nobody can lose the offsets of a group that has members.
    fn happened(&mut self, state: &mut State, happening: &Happening) {
        let Happening::Lose { step, partitions } = happening else { return };
        let group = state.broker.groups.get_mut(&self.scenario.groups[*step]);
        let Some(group) = group.filter(|group| group.members.is_empty()) else { return };
        group.offsets.retain(|(_, partition), _| partitions >> partition & 1 == 0);
        let lost = (0..group.partitions).filter(|partition| partitions >> partition & 1 == 1);
        group.lost.extend(lost);
    }

    fn is_leaving(&self) -> bool {
        self.phase == Phase::Leaving
    }
}

/// Makes the processes of a scenario's workers.
pub(crate) fn workers(scenario: &Arc<Scenario>) -> Work {
    let scenario = scenario.clone();
    Box::new(move |world, process, (step, instance), stop| {
        let options = scenario.options(step, world.outside.clone());
        let options = Options { instance: instance.to_owned(), ..options };
        let (world, stop) = (world.clone(), stop.clone());
        Box::new(move || {
            let cluster = Simulated::new(&world, process);
            let done = run_worker(&cluster, options, 0, &(), &stop);
            let mut state = world.lock();
            state.processes[process].has_ended = true;
            if let Err(error) = done
                && !state.processes[process].is_gone
            {
                state.fail(format!("progress: a worker has given up: {error}"));
            }
        })
    })
}

fn alive(state: &State, step: usize) -> Vec<usize> {
    (0..state.processes.len())
        .filter(|process| state.processes[*process].step == step && state.processes[*process].is_alive())
        .collect()
}

fn one_of(state: &mut State, of: &[usize]) -> Option<usize> {
    (!of.is_empty()).then(|| of[state.random.below(of.len() as u64) as usize])
}
