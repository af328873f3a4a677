//! One aggregate in one partition: which windows an event belongs to, and which of them are open.

use std::{mem, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use stream::{WindowedAggregate, Windows};

use crate::{
    Events, LeftOut, Partial, WindowError,
    calls::Calls,
    clock::is_time,
    groups::Groups,
    results::{Wanted, rows},
    slots::{SLOTS_MAX, Slot, Slots, WHOLE},
    state::{State, key},
};

/// The state of an aggregate in a partition.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) aggregate: Arc<WindowedAggregate>,
    schema: SchemaRef,
    groups: Groups,
    calls: Calls,
    slots: Slots,
    /// Keys of states that are gone.
    gone: Vec<Box<str>>,
}

/// Of which windows results are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    /// Those that the watermark has passed.
    Closed,
    /// Of the others, those that changed since the last flush.
    Changed,
    /// All of the others.
    Unclosed,
}

/// What became of an event in a window.
enum Fate {
    Taken,
    /// The watermark was so far past the window's end.
    Late(i64),
    TooMany,
    /// Its time cannot be reckoned with.
    Beyond,
}

impl Open {
    pub(crate) fn new(aggregate: &Arc<WindowedAggregate>, schema: &SchemaRef) -> Result<Self, WindowError> {
        Ok(Self {
            aggregate: aggregate.clone(),
            schema: schema.clone(),
            groups: Groups::new(aggregate, schema)?,
            calls: Calls::new(aggregate)?,
            slots: Slots::default(),
            gone: Vec::new(),
        })
    }

    /// Takes events; `clocks` has the latest time before each. Gives those that it left out.
    pub(crate) fn process(&mut self, events: &Events<'_>, clocks: &[i64]) -> Result<Vec<LeftOut>, WindowError> {
        let arguments = self.calls.arguments(events.batch)?;
        let groups = self.groups.of(events.batch)?;
        let mut left_out = Vec::new();
        let (mut rows, mut slots) = (Vec::with_capacity(clocks.len()), Vec::with_capacity(clocks.len()));
        let mut failed = arguments.failed.iter().peekable();
        for (row, time) in events.times.iter().enumerate() {
            if let Some((_, reason)) = failed.next_if(|failed| failed.0 == row) {
                left_out.push(self.left_out(row, None, format!("it cannot be computed: {reason}")));
                continue;
            }
            let group = groups.as_ref().map_or(&[][..], |groups| groups.row(row).data());
            let watermark = clocks[row].saturating_sub(self.aggregate.lateness);
            let taken = slots.len();
            let fate = self.place(*time, group, watermark, &mut slots)?;
            rows.resize(slots.len(), row as u32);
            slots[taken..].iter().for_each(|slot| self.slots.count_event(*slot));
            match fate {
                Fate::Taken => {}
                Fate::Late(by) => {
                    let by = by as f64 / 1e6;
                    left_out.push(self.left_out(row, Some(by), format!("its window had closed {by} s before")));
                }
                Fate::TooMany => {
                    let reason = format!("{SLOTS_MAX} windows and groups of the partition were open already");
                    left_out.push(self.left_out(row, None, reason));
                }
                Fate::Beyond => left_out.push(self.left_out(row, None, "its time is beyond all bounds".to_owned())),
            }
        }
        self.calls.resize(self.slots.len());
        self.calls.update(&arguments, &rows, &slots, events.times, events.ids)?;
        Ok(left_out)
    }

    fn left_out(&self, row: usize, late_by_seconds: Option<f64>, reason: String) -> LeftOut {
        LeftOut { aggregate: self.aggregate.clone(), row, late_by_seconds, reason }
    }

    /// Adds the slots that an event goes to.
    fn place(&mut self, time: i64, group: &[u8], watermark: i64, slots: &mut Vec<u32>) -> Result<Fate, WindowError> {
        if !is_time(time) {
            return Ok(Fate::Beyond);
        }
        Ok(match self.aggregate.windows {
            Windows::Whole => match self.slots.window(WHOLE.0, WHOLE.1, group) {
                Some(slot) => {
                    slots.push(slot);
                    Fate::Taken
                }
                None => Fate::TooMany,
            },
            Windows::Sliding { length, slide } => {
                let mut fate = Fate::Taken;
                let mut start = time.div_euclid(slide) * slide;
                while start + length > time {
                    if start + length <= watermark {
                        // The earliest window is the one that has been closed longest, and comes last here.
                        fate = Fate::Late(watermark - start - length);
                    } else {
                        match self.slots.window(start, start + length, group) {
                            Some(slot) => slots.push(slot),
                            None => fate = Fate::TooMany,
                        }
                    }
                    start -= slide;
                }
                fate
            }
            Windows::Session { gap } => match self.session(time, gap, group, watermark, slots)? {
                Ok(slot) => {
                    slots.push(slot);
                    Fate::Taken
                }
                Err(fate) => fate,
            },
        })
    }

    /// The session that an event belongs to: one that it extends, one that it makes of two, or a new one.
    fn session(
        &mut self,
        time: i64,
        gap: i64,
        group: &[u8],
        watermark: i64,
        slots: &mut [u32],
    ) -> Result<Result<u32, Fate>, WindowError> {
        let joins = |slot: &Slot| slot.end > watermark && time < slot.end && slot.start < time + gap;
        let mut joined: Vec<u32> =
            self.slots.sessions(group).filter(|(_, slot)| joins(slot)).map(|(index, _)| index).collect();
        joined.sort_unstable_by_key(|index| self.slots.get_mut(*index).map(|slot| slot.start));
        let Some((first, others)) = joined.split_first() else {
            if time + gap <= watermark {
                return Ok(Err(Fate::Late(watermark - time - gap)));
            }
            return Ok(self.slots.session(time, time + gap, group).ok_or(Fate::TooMany));
        };
        for other in others {
            self.absorb(*first, *other)?;
            // Events of this batch that went to it and are not counted yet.
            slots.iter_mut().filter(|slot| **slot == *other).for_each(|slot| *slot = *first);
        }
        if let Some(slot) = self.slots.get_mut(*first) {
            slot.start = slot.start.min(time);
            slot.end = slot.end.max(time + gap);
        }
        Ok(Ok(*first))
    }

    /// Makes one session of two.
    fn absorb(&mut self, first: u32, other: u32) -> Result<(), WindowError> {
        let Some(absorbed) = self.slots.get_mut(other).cloned() else { return Ok(()) };
        let mut state = Vec::new();
        self.calls.resize(self.slots.len());
        self.calls.encode(other, &mut state)?;
        self.calls.merge(first, &state)?;
        if let Some(slot) = self.slots.get_mut(first) {
            slot.end = slot.end.max(absorbed.end);
            slot.events += absorbed.events;
            slot.added += absorbed.added;
        }
        self.close(other);
        Ok(())
    }

    fn close(&mut self, slot: u32) {
        self.gone.extend(self.slots.close(slot));
        self.calls.clear(slot);
    }

    /// The states that changed since the last flush.
    pub(crate) fn partials(&mut self) -> Result<Vec<Partial>, WindowError> {
        let changed = self.slots.changed().into_iter();
        let changed: Vec<(u32, Slot)> = changed.map(|(index, slot)| (index, slot.clone())).collect();
        let mut partials = Vec::with_capacity(changed.len());
        for (index, slot) in changed {
            let state = encode(&self.aggregate, &mut self.calls, index, &slot)?;
            partials.push(Partial { key: key(&self.aggregate.name, slot.start, &slot.group), state: state.into() });
        }
        Ok(partials)
    }

    /// The results of these windows; they are final where they are closed, or where `over` says so.
    pub(crate) fn results(&mut self, watermark: i64, over: bool, which: Which) -> Result<RecordBatch, WindowError> {
        let closed = |slot: &Slot| slot.end <= watermark;
        let picked = match which {
            Which::Closed => self.slots.closed(watermark),
            Which::Changed => self.slots.changed(),
            Which::Unclosed => self.slots.open(),
        };
        let wanted: Vec<Wanted<'_>> = picked
            .iter()
            .filter(|(_, slot)| closed(slot) == matches!(which, Which::Closed))
            .map(|(index, slot)| Wanted {
                slot: *index,
                start: slot.start,
                end: slot.end,
                group: &slot.group,
                last: over || closed(slot),
            })
            .collect();
        rows(&self.aggregate, &self.schema, &self.groups, &mut self.calls, &wanted)
    }

    /// Forgets the windows that are closed, and that anything has changed.
    pub(crate) fn flushed(&mut self, watermark: i64) {
        self.slots.flushed();
        let closed: Vec<u32> = self.slots.closed(watermark).into_iter().map(|(index, _)| index).collect();
        closed.into_iter().for_each(|slot| self.close(slot));
        self.slots.settled(watermark);
    }

    /// The states that changed since the last snapshot; an empty one says that there is none any more.
    pub(crate) fn snapshots(&mut self, snapshots: &mut Vec<(Box<str>, Vec<u8>)>) -> Result<(), WindowError> {
        let dirty = self.slots.dirty().into_iter();
        let dirty: Vec<(u32, Slot)> = dirty.map(|(index, slot)| (index, slot.clone())).collect();
        let mut written = Vec::with_capacity(dirty.len());
        for (index, slot) in dirty {
            let state = encode(&self.aggregate, &mut self.calls, index, &slot)?;
            let key = key(&self.aggregate.name, slot.start, &slot.group);
            self.gone.extend(self.slots.store(index, key.clone()));
            written.push((key, state));
        }
        self.slots.written();
        snapshots.extend(mem::take(&mut self.gone).into_iter().map(|key| (key, Vec::new())));
        snapshots.extend(written);
        Ok(())
    }

    /// Puts a state back; an empty one is none.
    pub(crate) fn restore(&mut self, key: &str, state: Option<&State<'_>>) -> Result<(), WindowError> {
        if let Some(slot) = self.slots.by_key(key) {
            self.slots.close(slot);
            self.calls.clear(slot);
        }
        let Some(state) = state else { return Ok(()) };
        let slot = match self.aggregate.windows {
            Windows::Session { .. } => self.slots.session(state.start, state.end, state.group),
            _ => self.slots.window(state.start, state.end, state.group),
        };
        let slot = slot.ok_or(WindowError::State("there are more than can be open"))?;
        self.calls.resize(self.slots.len());
        self.calls.merge(slot, state.calls)?;
        self.slots.store(slot, key.into());
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.events = state.events;
        }
        Ok(())
    }

    /// How many windows and groups are open.
    pub(crate) fn count(&self) -> usize {
        self.slots.count()
    }
}

fn encode(aggregate: &WindowedAggregate, calls: &mut Calls, index: u32, slot: &Slot) -> Result<Vec<u8>, WindowError> {
    let mut out = Vec::new();
    State {
        aggregate: &aggregate.name,
        start: slot.start,
        end: slot.end,
        group: &slot.group,
        events: slot.events,
        added: slot.added,
        calls: &[],
    }
    .encode_head(&mut out);
    calls.encode(index, &mut out)?;
    Ok(out)
}
