//! Histories, one seed each.

use std::{
    fmt,
    num::NonZero,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use fixtures::Random;
use kafka::Step;
use registry::{Registry, Settings};

use crate::{
    outcome::Outcome,
    plan::{Plan, workers},
    registry::serve,
    scenario::Scenario,
    world::World,
};

/// Inputs of each scenario: the first has nothing that is bad or large.
const INPUTS: u64 = 4;
/// What the workers do: one step alone, two in one, two after one another, and windows behind them.
const STEPS: [&[Step]; 4] =
    [&[Step::Enrich], &[Step::Fused], &[Step::Enrich, Step::Detect], &[Step::Fused, Step::Aggregate, Step::Merge]];
/// Of how many histories one is of a scenario with windows or long input, which take three times as long as the others.
const LENGTHY_ONE_IN: u64 = 4;
/// Lines of a history that are shown at most.
const LINES_MAX: usize = 2000;

/// Runs histories.
pub struct Simulator {
    /// Scenarios, and what each comes to where nothing is done to its workers: the short ones,
    short: Vec<(Arc<Scenario>, Outcome)>,
    /// and those with windows or long input.
    lengthy: Vec<(Arc<Scenario>, Outcome)>,
}

/// A history that did not come to what it should.
#[derive(Debug)]
pub struct Failure {
    /// The seed, which repeats it.
    pub seed: u64,
    /// What was done there.
    pub scenario: String,
    /// What is wrong: a word for which promise was broken, and a sentence.
    pub reason: String,
    /// What happened, line by line.
    pub steps: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, scenario, reason, steps } = self;
        let left_out = steps.len().saturating_sub(LINES_MAX);
        if left_out > 0 {
            writeln!(formatter, "({left_out} earlier lines are left out)")?;
        }
        steps[left_out..].iter().try_for_each(|step| writeln!(formatter, "{step}"))?;
        write!(formatter, "seed {seed} ({scenario}): {reason}")
    }
}

/// What histories came to in all.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many there were.
    pub histories: u64,
    /// Calls of the cluster.
    pub calls: u64,
    /// Workers that were started.
    pub workers: u64,
}

impl Simulator {
    /// Prepares the scenarios, and what each comes to where nothing is done to its workers.
    ///
    /// # Errors
    /// A sentence, where even that goes wrong.
    pub fn new() -> Result<Self, String> {
        let url = serve().map_err(|error| error.to_string())?;
        let registry = Registry::new(&Settings::new(url)).map_err(|error| error.to_string())?;
        let stream = Scenario::stream()?;
        let (mut short, mut lengthy) = (Vec::new(), Vec::new());
        for steps in STEPS {
            for input in 0..INPUTS {
                let scenario = Arc::new(Scenario::new(&stream, &registry, steps, input)?);
                let world = world(&scenario, Random::seeded(input), Plan::undisturbed(&scenario), true);
                let (broker, said) = world.run();
                let fail = |reason| format!("{}\nundisturbed, {}: {reason}", said.join("\n"), scenario.name);
                let outcome = broker.and_then(|broker| Outcome::of(&scenario, &broker)).map_err(fail)?;
                outcome.is_whole(&scenario).map_err(fail)?;
                let like = if scenario.is_lengthy() { &mut lengthy } else { &mut short };
                like.push((scenario, outcome));
            }
        }
        Ok(Self { short, lengthy })
    }

    /// Runs the history of a seed.
    ///
    /// # Errors
    /// Where it does not come to what it should.
    pub fn history(&self, seed: u64, tally: &mut Tally) -> Result<(), Failure> {
        let (result, _) = self.once(seed, tally, false);
        let Err(reason) = result else { return Ok(()) };
        // Once more, to write down what happens: it is the same.
        let (again, steps) = self.once(seed, &mut Tally::default(), true);
        let reason = match again {
            Err(other) if other == reason => reason,
            other => format!("{reason}; it was not the same when it was repeated: {other:?}"),
        };
        Err(Failure { seed, scenario: self.of(seed).0.name.clone(), reason, steps })
    }

    /// What happens in the history of a seed, line by line.
    pub fn steps(&self, seed: u64) -> Vec<String> {
        self.once(seed, &mut Tally::default(), true).1
    }

    /// Runs the scenarios without bad or large events, with nothing done to the workers.
    ///
    /// # Errors
    /// A sentence, where one does not come to what it should.
    pub fn undisturbed(&self) -> Result<(), String> {
        for (scenario, expected) in self.short.iter().chain(&self.lengthy).filter(|(scenario, _)| scenario.is_plain()) {
            let world = world(scenario, Random::seeded(0), Plan::undisturbed(scenario), false);
            Outcome::of(scenario, &world.run().0?)?.is(expected)?;
        }
        Ok(())
    }

    fn of(&self, seed: u64) -> &(Arc<Scenario>, Outcome) {
        let (scenarios, number) = match seed % LENGTHY_ONE_IN {
            0 => (&self.lengthy, seed / LENGTHY_ONE_IN),
            _ => (&self.short, seed - seed / LENGTHY_ONE_IN),
        };
        &scenarios[(number % scenarios.len() as u64) as usize]
    }

    fn once(&self, seed: u64, tally: &mut Tally, record: bool) -> (Result<(), String>, Vec<String>) {
        let (scenario, expected) = self.of(seed);
        let mut random = Random::seeded(seed);
        let plan = Plan::drawn(scenario, &mut random);
        let world = self::world(scenario, random, plan, record);
        let (broker, said) = world.run();
        let state = world.lock();
        tally.histories += 1;
        tally.calls += state.calls;
        tally.workers += state.processes.len() as u64;
        let outcome = broker.and_then(|broker| Outcome::of(scenario, &broker));
        let outcome = outcome.and_then(|outcome| outcome.is(expected)).and_then(|()| match world.outside.count() {
            0 if scenario.spills() => Err("memory: every state was kept there, and there is room for one".to_owned()),
            _ => Ok(()),
        });
        (outcome, said)
    }

    /// Runs so many histories from a seed on, on all processors, until one fails.
    ///
    /// # Errors
    /// The first failure.
    pub fn histories(&self, first: u64, count: u64) -> Result<Tally, Failure> {
        let next = AtomicU64::new(0);
        let done = Mutex::new((Tally::default(), None::<Failure>));
        // A history's threads wait for one another between two turns; another history uses the processor meanwhile.
        let lanes = 2 * thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 0..lanes {
                scope.spawn(|| {
                    let mut tally = Tally::default();
                    let failure = loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            break None;
                        }
                        if let Err(failure) = self.history(first.wrapping_add(number), &mut tally) {
                            next.store(count, Ordering::Relaxed);
                            break Some(failure);
                        }
                    };
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.0.histories += tally.histories;
                    done.0.calls += tally.calls;
                    done.0.workers += tally.workers;
                    done.1 = done.1.take().or(failure);
                });
            }
        });
        match done.into_inner().unwrap_or_else(PoisonError::into_inner) {
            (tally, None) => Ok(tally),
            (_, Some(failure)) => Err(failure),
        }
    }
}

fn world(scenario: &Arc<Scenario>, random: Random, plan: Plan, record: bool) -> Arc<World> {
    World::new(random, scenario.broker(), Box::new(plan), workers(scenario), record)
}
