//! Puts together what the partitions have of groups that are in several of them.
//!
//! A result is there from its first part on, and exact for what has come. It is `final` once every partition that has
//! had events is past the window's end by the lateness, but for those that have been quiet for [`IDLE`] of event time: a
//! quiet partition holds nothing back. Should one wake up with events that are in time for it, the result changes once
//! more. To be able to, a window is kept until all partitions are past it, or [`KEPT_MAX`] newer ones are there; events
//! that come even later are counted.

use std::{collections::BTreeMap, mem, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use stream::{Stream, WindowedAggregate};

use crate::{
    Snapshot, WindowError,
    bytes::{Reader, put_bytes},
    calls::Calls,
    groups::Groups,
    results::{Wanted, rows, together},
    slots::WHOLE,
    state::{State, parse_key, single_key},
};

/// A partition whose clock is so far behind the latest one is quiet, in microseconds.
const IDLE: i64 = 3_600_000_000;

/// How many windows and groups of an aggregate are kept.
const KEPT_MAX: usize = 65_536;

/// The key of the clocks among the snapshots: no aggregate is called so.
const CLOCKS: &str = "/clocks";

/// The windows and groups of all partitions, for aggregates whose groups do not contain the stream's key.
#[derive(Debug)]
pub struct Merge {
    schema: SchemaRef,
    partitions: usize,
    clocks: BTreeMap<u32, i64>,
    clocks_changed: bool,
    merged: Vec<Merged>,
}

/// One aggregate.
#[derive(Debug)]
struct Merged {
    aggregate: Arc<WindowedAggregate>,
    groups: Groups,
    calls: Calls,
    kept: BTreeMap<(i64, Box<[u8]>), Entry>,
    /// Windows that end until here are no longer kept.
    settled: i64,
    settled_changed: bool,
    gone: Vec<Box<str>>,
}

/// What is known of a window and group.
#[derive(Debug, Default)]
struct Entry {
    end: i64,
    /// The states of the calls, by partition.
    parts: BTreeMap<u32, Box<[u8]>>,
    /// Whether it changed since its row was given.
    changed: bool,
    /// Whether its row was given as final.
    given_final: bool,
    /// Whether it changed since the last snapshot.
    dirty: bool,
}

impl Merge {
    /// The aggregates of `stream` that need it.
    ///
    /// # Errors
    /// Where they cannot be computed, which loading the stream has ruled out.
    pub fn new(stream: &Stream) -> Result<Self, WindowError> {
        let schema = stream.aggregates.schema.clone();
        let merged = stream.aggregates.list.iter().filter(|aggregate| !aggregate.keyed);
        let merged = merged.map(|aggregate| Merged::new(aggregate, &schema)).collect::<Result<_, _>>()?;
        let partitions = stream.definition.spec.partitions as usize;
        Ok(Self { schema, partitions, clocks: BTreeMap::new(), clocks_changed: false, merged })
    }

    /// Takes what a partition has of a window and group; it takes the place of what it had before. Gives how many events
    /// came so late that the window is no longer kept.
    ///
    /// # Errors
    /// Where it is damaged, or of another version or definition.
    pub fn apply(&mut self, partition: u32, state: &[u8]) -> Result<u64, WindowError> {
        let state = State::decode(state)?;
        let merged = self.merged.iter_mut().find(|merged| merged.aggregate.name == state.aggregate);
        Ok(merged.ok_or(WindowError::State("there is no such aggregate"))?.apply(partition, &state))
    }

    /// Takes a partition's clock: its latest event time, in microseconds since 1970.
    pub fn clock(&mut self, partition: u32, clock: i64) {
        self.clocks_changed |= self.clocks.insert(partition, clock) != Some(clock);
    }

    /// Results that changed, or became final, since the last call.
    ///
    /// # Errors
    /// Where a result cannot be put together.
    pub fn changed(&mut self) -> Result<Option<RecordBatch>, WindowError> {
        let clock = self.clock_of_the_awake();
        let mut results = Vec::new();
        for merged in &mut self.merged {
            let watermark = clock.saturating_sub(merged.aggregate.lateness);
            let wanted = |entry: &Entry| entry.changed || (entry.end <= watermark && !entry.given_final);
            results.push(merged.results(&self.schema, watermark, false, wanted)?);
            for entry in merged.kept.values_mut() {
                entry.changed = false;
                entry.given_final |= entry.end <= watermark;
            }
        }
        together(&self.schema, results)
    }

    /// Results as they stand of all windows that are kept. Where the stream is `over` they are final.
    ///
    /// # Errors
    /// Where a result cannot be put together.
    pub fn kept(&mut self, over: bool) -> Result<Option<RecordBatch>, WindowError> {
        let clock = self.clock_of_the_awake();
        let mut results = Vec::new();
        for merged in &mut self.merged {
            let watermark = clock.saturating_sub(merged.aggregate.lateness);
            results.push(merged.results(&self.schema, watermark, over, |_| true)?);
        }
        together(&self.schema, results)
    }

    /// Forgets windows that no event in time can change any more, and the oldest where there are too many; gives their
    /// results, which are final.
    ///
    /// # Errors
    /// Where a result cannot be put together.
    pub fn settle(&mut self) -> Result<Option<RecordBatch>, WindowError> {
        let all = self.clocks.len() >= self.partitions;
        let clock = self.clocks.values().copied().min().filter(|_| all).unwrap_or(i64::MIN);
        let mut results = Vec::new();
        for merged in &mut self.merged {
            results.extend(merged.settle(&self.schema, clock.saturating_sub(merged.aggregate.lateness))?);
        }
        together(&self.schema, results)
    }

    /// States that changed since the last call, by key; an empty one says that there is none of this key any more.
    ///
    /// # Errors
    /// None today.
    pub fn snapshots(&mut self) -> Result<Vec<Snapshot>, WindowError> {
        let mut snapshots = Vec::new();
        for merged in &mut self.merged {
            merged.snapshots(&mut snapshots);
        }
        if mem::take(&mut self.clocks_changed) {
            let mut bytes = Vec::new();
            for (partition, clock) in &self.clocks {
                bytes.extend_from_slice(&partition.to_le_bytes());
                bytes.extend_from_slice(&clock.to_le_bytes());
            }
            snapshots.push((single_key(CLOCKS), bytes));
        }
        Ok(snapshots)
    }

    /// Puts a state back as a snapshot has it.
    ///
    /// # Errors
    /// Where it is damaged, or of another version or definition.
    pub fn restore(&mut self, key: &str, snapshot: &[u8]) -> Result<(), WindowError> {
        let mut reader = Reader(snapshot);
        if *key == *single_key(CLOCKS) {
            while !reader.0.is_empty() {
                self.clocks.insert(reader.u32()?, reader.i64()?);
            }
            return Ok(());
        }
        for merged in &mut self.merged {
            if *key == *single_key(&merged.aggregate.name) {
                merged.settled = reader.i64()?;
                return Ok(());
            }
        }
        if snapshot.is_empty() {
            for merged in &mut self.merged {
                merged.forget(key);
            }
            return Ok(());
        }
        let state = State::decode(reader.bytes()?)?;
        let merged = self.merged.iter_mut().find(|merged| merged.aggregate.name == state.aggregate);
        merged.ok_or(WindowError::State("there is no such aggregate"))?.restore(&state, &mut reader)
    }

    /// The earliest clock of the partitions that are not quiet; the least number where there are none.
    fn clock_of_the_awake(&self) -> i64 {
        let latest = self.clocks.values().copied().max().unwrap_or(i64::MIN);
        let awake = self.clocks.values().copied().filter(|clock| latest.saturating_sub(*clock) <= IDLE);
        awake.min().unwrap_or(i64::MIN)
    }
}

impl Merged {
    fn new(aggregate: &Arc<WindowedAggregate>, schema: &SchemaRef) -> Result<Self, WindowError> {
        Ok(Self {
            aggregate: aggregate.clone(),
            groups: Groups::new(aggregate, schema)?,
            calls: Calls::new(aggregate)?,
            kept: BTreeMap::new(),
            settled: i64::MIN,
            settled_changed: false,
            gone: Vec::new(),
        })
    }

    fn apply(&mut self, partition: u32, state: &State<'_>) -> u64 {
        if state.end <= self.settled {
            return state.added;
        }
        let entry = self.kept.entry((state.start, state.group.into())).or_default();
        entry.end = state.end;
        entry.parts.insert(partition, state.calls.into());
        (entry.changed, entry.dirty) = (true, true);
        0
    }

    fn results(
        &mut self,
        schema: &SchemaRef,
        watermark: i64,
        over: bool,
        pick: impl Fn(&Entry) -> bool,
    ) -> Result<RecordBatch, WindowError> {
        let picked: Vec<_> = self.kept.iter().filter(|(_, entry)| pick(entry)).collect();
        self.calls.resize(picked.len());
        let mut wanted = Vec::with_capacity(picked.len());
        for (slot, ((start, group), entry)) in picked.into_iter().enumerate() {
            let slot = slot as u32;
            self.calls.clear(slot);
            // In the order of the partitions: a sketch may depend on it.
            for part in entry.parts.values() {
                self.calls.merge(slot, part)?;
            }
            wanted.push(Wanted { slot, start: *start, end: entry.end, group, last: over || entry.end <= watermark });
        }
        rows(&self.aggregate, schema, &self.groups, &mut self.calls, &wanted)
    }

    fn settle(&mut self, schema: &SchemaRef, watermark: i64) -> Result<Option<RecordBatch>, WindowError> {
        let mut until = watermark.max(self.settled);
        if let Some(excess) = self.kept.len().checked_sub(KEPT_MAX) {
            let oldest = self.kept.values().take(excess).map(|entry| entry.end).filter(|end| *end != WHOLE.1);
            until = oldest.max().unwrap_or(until).max(until);
        }
        if !self.kept.values().any(|entry| entry.end <= until) {
            return Ok(None);
        }
        self.settled = until;
        self.settled_changed = true;
        let results = self.results(schema, until, true, |entry| entry.end <= until)?;
        let name = self.aggregate.name.clone();
        let gone = self.kept.extract_if(.., |_, entry| entry.end <= until);
        self.gone.extend(gone.map(|((start, group), _)| crate::state::key(&name, start, &group)));
        Ok(Some(results))
    }

    fn snapshots(&mut self, snapshots: &mut Vec<(Box<str>, Vec<u8>)>) {
        snapshots.extend(mem::take(&mut self.gone).into_iter().map(|key| (key, Vec::new())));
        for ((start, group), entry) in self.kept.iter_mut().filter(|(_, entry)| entry.dirty) {
            entry.dirty = false;
            let mut head = Vec::new();
            let name = &self.aggregate.name;
            State { aggregate: name, start: *start, end: entry.end, group, events: 0, added: 0, calls: &[] }
                .encode_head(&mut head);
            let mut bytes = Vec::new();
            put_bytes(&mut bytes, &head);
            for (partition, part) in &entry.parts {
                bytes.extend_from_slice(&partition.to_le_bytes());
                put_bytes(&mut bytes, part);
            }
            snapshots.push((crate::state::key(name, *start, group), bytes));
        }
        if mem::take(&mut self.settled_changed) {
            snapshots.push((single_key(&self.aggregate.name), self.settled.to_le_bytes().to_vec()));
        }
    }

    fn restore(&mut self, state: &State<'_>, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        let mut entry = Entry { end: state.end, ..Entry::default() };
        while !reader.0.is_empty() {
            let partition = reader.u32()?;
            entry.parts.insert(partition, reader.bytes()?.into());
        }
        self.kept.insert((state.start, state.group.into()), entry);
        Ok(())
    }

    fn forget(&mut self, key: &str) {
        if let Some((_, start, group)) = parse_key(key).filter(|(name, ..)| *name == self.aggregate.name) {
            self.kept.remove(&(start, group));
        }
    }
}
