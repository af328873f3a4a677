//! Taking partitions: how far each was committed, and the state that goes with it.
//!
//! Reading state may take long, and the group must hear of its member meanwhile: so it is done by threads of its own. The
//! worker goes on polling, with these partitions paused, and takes each when it is ready.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use broker::Committed;
use stage::StateMemory;

use crate::{
    KafkaError, Note, Options, Step,
    clock::rest_by,
    cluster::{Cluster, Positions},
    messages::{meaning::Meanings, place::Place},
    mutant::Mutant,
    runtime::{
        partition::Partition,
        places::{Known, Places, Sought},
        restore::Restorer,
    },
};

/// How many threads of a worker read state side by side.
const THREADS_MAX: usize = 4;

/// The partitions that a worker is taking.
pub(crate) struct Loads<C: Cluster> {
    cluster: C,
    options: Arc<Options>,
    loaded: mpsc::Sender<Loaded>,
    ready: mpsc::Receiver<Loaded>,
    /// Which attempt is the current one of each partition, and what ends it early.
    running: BTreeMap<u32, (u64, Arc<AtomicBool>)>,
    attempts: u64,
}

/// What came of an attempt to take a partition.
struct Loaded {
    attempt: u64,
    number: u32,
    partition: Result<Partition, KafkaError>,
}

impl<C: Cluster> Loads<C> {
    pub(crate) fn new(cluster: &C, options: &Arc<Options>) -> Self {
        let (loaded, ready) = mpsc::channel();
        Self {
            cluster: cluster.clone(),
            options: options.clone(),
            loaded,
            ready,
            running: BTreeMap::new(),
            attempts: 0,
        }
    }

    /// Begins to take partitions.
    pub(crate) fn begin(&mut self, numbers: &[u32]) -> Result<(), KafkaError> {
        self.forget(numbers);
        self.attempts += 1;
        let (attempt, stop) = (self.attempts, Arc::new(AtomicBool::new(false)));
        self.running.extend(numbers.iter().map(|number| (*number, (attempt, stop.clone()))));
        let Some(first) = numbers.first().copied() else { return Ok(()) };
        let queue = Arc::new(Mutex::new(numbers.iter().copied().collect::<VecDeque<u32>>()));
        for _ in 0..numbers.len().min(THREADS_MAX) {
            let (options, loaded, stop) = (self.options.clone(), self.loaded.clone(), stop.clone());
            let (queue, cluster) = (queue.clone(), self.cluster.clone());
            let name = format!("{}-load", options.step.name());
            let task = move || {
                let report = |number: u32, partition: Result<Partition, KafkaError>| {
                    // A worker that has ended does not listen any more.
                    let _ = loaded.send(Loaded { attempt, number, partition });
                };
                let done = catch_unwind(AssertUnwindSafe(|| load_all(&cluster, &options, &queue, &stop, &report)));
                let worker = || format!("{} loading", options.step.name());
                if let Err(error) = done.unwrap_or_else(|_| Err(KafkaError::Panicked { worker: worker() })) {
                    report(first, Err(error));
                }
            };
            match Mutant::LoadInline.is_chosen() {
                true => task(),
                false => self.cluster.spawn(name, Box::new(task))?,
            }
        }
        Ok(())
    }

    /// Ends taking these partitions.
    pub(crate) fn forget(&mut self, numbers: &[u32]) {
        let ended: Vec<_> = numbers.iter().filter_map(|number| self.running.remove(number)).collect();
        for (attempt, stop) in ended {
            // A thread that still has other partitions to read goes on with those.
            if !self.running.values().any(|(other, _)| *other == attempt) {
                stop.store(true, Ordering::Relaxed);
            }
        }
    }

    /// The partitions that are being taken.
    pub(crate) fn running(&self) -> Vec<u32> {
        self.running.keys().copied().collect()
    }

    /// A partition that is ready.
    pub(crate) fn next(&mut self) -> Option<(u32, Result<Partition, KafkaError>)> {
        while let Ok(Loaded { attempt, number, partition }) = self.ready.try_recv() {
            let is_current = match &partition {
                Ok(_) => self.running.get(&number).is_some_and(|(current, _)| *current == attempt),
                // Whatever it was about, the others of this attempt may not come either.
                Err(_) => self.running.values().any(|(current, _)| *current == attempt),
            };
            if is_current {
                self.running.remove(&number);
                return Some((number, partition));
            }
        }
        None
    }
}

impl<C: Cluster> Drop for Loads<C> {
    fn drop(&mut self) {
        self.forget(&self.running());
    }
}

/// Takes partitions of a queue until it is empty, and reports each.
fn load_all<C: Cluster>(
    cluster: &C,
    options: &Options,
    queue: &Mutex<VecDeque<u32>>,
    stop: &AtomicBool,
    report: &dyn Fn(u32, Result<Partition, KafkaError>),
) -> Result<(), KafkaError> {
    let (step, group) = (options.step, &options.group);
    let positions = cluster.positions()?;
    let mut restorer = match step.state(&options.topics) {
        Some(topic) => Some(Restorer::new(cluster, &options.registry, topic, group)?),
        None => None,
    };
    // Nothing that holds the lock can panic half-way.
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    while let Some(number) = next().filter(|_| !stop.load(Ordering::Relaxed)) {
        report(number, load((cluster, &positions), options, number, restorer.as_mut(), stop));
    }
    Ok(())
}

/// Takes one partition.
fn load<C: Cluster>(
    (cluster, positions): (&C, &C::Positions),
    options: &Options,
    number: u32,
    restorer: Option<&mut Restorer<C>>,
    stop: &AtomicBool,
) -> Result<Partition, KafkaError> {
    let (input, group) = (options.step.input(&options.topics), &options.group);
    let committed = match Mutant::UndecidedOffsets.is_chosen() {
        true => positions.committed(group, input, number)?,
        false => positions.decided(group, input, number)?,
    };
    let (first, _) = positions.range(input, number)?;
    let known = match committed {
        Some(Committed { offset, metadata }) => {
            let fail = |reason| KafkaError::Note { group: group.clone(), partition: number, reason };
            Some((offset, Note::parse(&metadata).map_err(fail)?))
        }
        None if Mutant::LostOffsetsFromStart.is_chosen() => None,
        None => look_for_place(cluster, options, number, stop)?.map(|place| (place.next, place.note)),
    };
    let meanings = Meanings::noted(known.as_ref().map(|(_, note)| note.schemas.clone()).unwrap_or_default());
    let mut partition = take(cluster, options, (number, first), known, restorer, stop)?;
    partition.meanings = meanings;
    Ok(partition)
}

/// The place of a partition whose group has no offset; nothing where the step has never committed anything of it.
fn look_for_place(
    cluster: &impl Cluster,
    options: &Options,
    number: u32,
    stop: &AtomicBool,
) -> Result<Option<Place>, KafkaError> {
    let (step, group) = (options.step, &options.group);
    let sought = Sought::of(step, &options.topics, group, number);
    match Places::connect(cluster, stop)?.find(&sought)? {
        Known::At(place) => {
            let (topic, offset) = (sought.input, place.next);
            tracing::warn!(
                group,
                topic,
                partition = number,
                offset,
                "the group has no offset; its outputs say where to go on"
            );
            Ok(Some(*place))
        }
        Known::Nothing => Ok(None),
        Known::Lost(holder) => Err(KafkaError::PlaceUnknown {
            group: group.clone(),
            topic: sought.input.to_owned(),
            partition: number,
            holder,
            step: step.name(),
        }),
    }
}

/// Puts a partition together: where it goes on, and the state that goes with it.
fn take<C: Cluster>(
    cluster: &C,
    options: &Options,
    (number, first): (u32, i64),
    known: Option<(i64, Note)>,
    restorer: Option<&mut Restorer<C>>,
    stop: &AtomicBool,
) -> Result<Partition, KafkaError> {
    let (step, stream) = (options.step, &options.stream);
    let stage = match Mutant::StatesUnbounded.is_chosen() {
        true => step.stage(stream, &StateMemory::unbounded())?,
        false => step.stage(stream, &options.state_memory)?,
    };
    let of = step.state_of(stream);
    let offset = known.as_ref().map_or(first, |(offset, _)| *offset);
    let note = known.map(|(_, note)| note);
    let (ledger, since) =
        note.as_ref().map_or_else(|| (Default::default(), cluster.millis()), |note| (note.ledger(), note.since));
    let lost = |needed| Err(horizon_lost(step, options, number, needed, first));
    let same = note.as_ref().filter(|note| note.state.rsplit_once('@').is_some_and(|(other, _)| other == of));
    let Some((restorer, note)) = restorer.zip(same) else {
        if note.is_some() && step.state(&options.topics).is_some() {
            tracing::info!(partition = number, offset, "the definition has changed: the state begins again here");
        }
        if offset < first {
            return lost(offset);
        }
        // Another state than any before, also where a topic of the same name begins at the same offset again.
        let state = format!("{of}@{offset}.{:x}", cluster.millis());
        return Ok(Partition::new(stage, state, (offset, offset), (ledger, since), cluster.now()));
    };
    let horizon = note.horizon.min(offset);
    if horizon < first {
        return lost(horizon);
    }
    let mut partition = Partition::new(stage, note.state.clone(), (horizon, offset), (ledger, since), cluster.now());
    restorer.restore(number, &mut partition, stop)?;
    tracing::info!(
        partition = number,
        committed = offset,
        horizon,
        keys = partition.restored_keys(),
        "state put back; the input is read again from the horizon"
    );
    Ok(partition)
}

fn horizon_lost(step: Step, options: &Options, partition: u32, needed: i64, first: i64) -> KafkaError {
    KafkaError::HorizonLost { topic: step.input(&options.topics).to_owned(), partition, needed, first }
}

/// Waits until somebody has placed the group of `options` in a partition.
pub(crate) fn wait_until_placed(
    cluster: &impl Cluster,
    options: &Options,
    partition: u32,
    stop: &AtomicBool,
    beat: &dyn Fn(),
) {
    let input = options.step.input(&options.topics);
    while !stop.load(Ordering::Relaxed) {
        let placed = cluster.positions().and_then(|positions| positions.committed(&options.group, input, partition));
        match placed {
            Ok(Some(_)) => return,
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "looking whether the group was placed"),
        }
        rest_by(cluster, PLACED_LOOK, stop, beat);
    }
}

/// How often it is looked whether a group was placed.
const PLACED_LOOK: Duration = Duration::from_secs(2);
