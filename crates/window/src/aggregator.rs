//! All aggregates of a stream over one partition.

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use stream::{Stream, Windows};

use crate::{
    Events, LeftOut, Partial, Snapshot, WindowError,
    clock::Clock,
    open::{Open, Which},
    results::together,
    state::{State, is_ours, single_key},
};

/// The key of the partition's clock among the snapshots.
const CLOCK: &str = "/clock";

/// What has changed since the last flush.
#[derive(Debug, Default)]
pub struct Flushed {
    /// Results of groups that contain the stream's key, in windows that are closed now: final, and given once.
    pub closed: Option<RecordBatch>,
    /// Results of such groups that may change again. Sessions are not among them: their bounds may change too.
    pub changed: Option<RecordBatch>,
    /// Parts of all other groups.
    pub partials: Vec<Partial>,
}

/// The aggregates of a stream over one partition.
#[derive(Debug)]
pub struct Aggregator {
    schema: SchemaRef,
    open: Vec<Open>,
    clock: Clock,
}

impl Aggregator {
    /// The aggregates of `stream`.
    ///
    /// # Errors
    /// Where they cannot be computed, which loading the stream has ruled out.
    pub fn new(stream: &Stream) -> Result<Self, WindowError> {
        let schema = stream.aggregates.schema.clone();
        let open = stream.aggregates.list.iter().map(|aggregate| Open::new(aggregate, &schema));
        Ok(Self { open: open.collect::<Result<_, _>>()?, schema, clock: Clock::new(stream) })
    }

    /// Takes events, and gives those that an aggregate left out, in the order of their rows.
    ///
    /// # Errors
    /// Where the expressions do not fit the rows.
    pub fn process(&mut self, events: &Events<'_>) -> Result<Vec<LeftOut>, WindowError> {
        let mut clocks = Vec::with_capacity(events.times.len());
        for time in events.times {
            clocks.push(self.clock.latest());
            self.clock.take(*time);
        }
        let mut left_out = Vec::new();
        for open in &mut self.open {
            left_out.extend(open.process(events, &clocks)?);
        }
        left_out.sort_by_key(|left_out| left_out.row);
        Ok(left_out)
    }

    /// How many events since the last call had a time too far ahead of the others to close windows at once.
    pub fn doubted(&mut self) -> u64 {
        self.clock.doubted()
    }

    /// The latest event time that is believed, in microseconds since 1970; `None` before the first event.
    pub fn clock(&self) -> Option<i64> {
        Some(self.clock.latest()).filter(|latest| *latest != i64::MIN)
    }

    /// What has changed since the last flush. Windows that are closed are forgotten.
    ///
    /// # Errors
    /// Where a result cannot be put together.
    pub fn flush(&mut self) -> Result<Flushed, WindowError> {
        let mut flushed = Flushed::default();
        let (mut closed, mut changed) = (Vec::new(), Vec::new());
        for open in &mut self.open {
            let watermark = self.clock.latest().saturating_sub(open.aggregate.lateness);
            if open.aggregate.keyed {
                closed.push(open.results(watermark, false, Which::Closed)?);
                if !matches!(open.aggregate.windows, Windows::Session { .. }) {
                    changed.push(open.results(watermark, false, Which::Changed)?);
                }
            } else {
                flushed.partials.extend(open.partials()?);
            }
            open.flushed(watermark);
        }
        flushed.closed = together(&self.schema, closed)?;
        flushed.changed = together(&self.schema, changed)?;
        Ok(flushed)
    }

    /// Results as they stand of groups that contain the stream's key, in windows that are not closed yet. Where the
    /// stream is `over` they are final: nothing comes any more.
    ///
    /// # Errors
    /// Where a result cannot be put together.
    pub fn unclosed(&mut self, over: bool) -> Result<Option<RecordBatch>, WindowError> {
        let mut results = Vec::new();
        for open in self.open.iter_mut().filter(|open| open.aggregate.keyed) {
            let watermark = self.clock.latest().saturating_sub(open.aggregate.lateness);
            results.push(open.results(watermark, over, Which::Unclosed)?);
        }
        together(&self.schema, results)
    }

    /// States that changed since the last call, by key; an empty one says that there is none of this key any more. With
    /// all that were given before they are the whole state, so that nothing has to be read again.
    ///
    /// # Errors
    /// Where a state cannot be written down.
    pub fn snapshots(&mut self) -> Result<Vec<Snapshot>, WindowError> {
        let mut snapshots = Vec::new();
        for open in &mut self.open {
            open.snapshots(&mut snapshots)?;
        }
        snapshots.extend(self.clock.snapshot().map(|clock| (single_key(CLOCK), clock)));
        Ok(snapshots)
    }

    /// Whether a snapshot's key is one of an aggregator's: no event has such a key.
    pub fn owns(key: &str) -> bool {
        is_ours(key)
    }

    /// Puts a state back as a snapshot has it; an empty one takes it away.
    ///
    /// # Errors
    /// Where it is damaged, or of another version or definition.
    pub fn restore(&mut self, key: &str, snapshot: &[u8]) -> Result<(), WindowError> {
        if *key == *single_key(CLOCK) {
            return self.clock.restore(snapshot);
        }
        if snapshot.is_empty() {
            return self.open.iter_mut().try_for_each(|open| open.restore(key, None));
        }
        let state = State::decode(snapshot)?;
        let open = self.open.iter_mut().find(|open| open.aggregate.name == state.aggregate);
        open.ok_or(WindowError::State("there is no such aggregate"))?.restore(key, Some(&state))
    }

    /// How many windows and groups are open.
    pub fn open_windows(&self) -> usize {
        self.open.iter().map(Open::count).sum()
    }
}
