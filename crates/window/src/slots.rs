//! The windows and groups of one aggregate that are open in one partition, each with a slot in the accumulators.

use std::mem;

use hashbrown::{Equivalent, HashMap};

/// How many windows and groups of an aggregate may be open in a partition.
pub(crate) const SLOTS_MAX: usize = 1 << 20;

/// The window over the whole stream.
pub(crate) const WHOLE: (i64, i64) = (i64::MIN, i64::MAX);

/// A window and group.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) group: Box<[u8]>,
    /// How many events it holds.
    pub(crate) events: u64,
    /// How many of them came since the last flush.
    pub(crate) added: u64,
    /// Whether it changed since the last flush.
    pub(crate) changed: bool,
    /// Whether it changed since the last snapshot.
    pub(crate) dirty: bool,
    /// The key it was written down under.
    pub(crate) stored: Option<Box<str>>,
}

/// The open windows and groups.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    windows: HashMap<(i64, Box<[u8]>), u32>,
    /// The sessions of each group, where windows are sessions.
    sessions: HashMap<Box<[u8]>, Vec<u32>>,
    keys: HashMap<Box<str>, u32>,
    /// Those that changed since the last flush, and since the last snapshot: what a commit does is by what changed, and not
    /// by how many are open.
    changed: Noted,
    dirty: Noted,
    /// No open window ends earlier.
    first_end: Option<i64>,
}

/// Slots, each once however often it is noted, and also where it was closed and used again: no more than there are.
#[derive(Debug, Default)]
struct Noted {
    slots: Vec<u32>,
    is_noted: Vec<bool>,
}

impl Noted {
    fn note(&mut self, slot: u32) {
        let index = slot as usize;
        if index >= self.is_noted.len() {
            self.is_noted.resize(index + 1, false);
        }
        if !mem::replace(&mut self.is_noted[index], true) {
            self.slots.push(slot);
        }
    }

    fn take(&mut self) -> Vec<u32> {
        let slots = mem::take(&mut self.slots);
        slots.iter().for_each(|slot| self.is_noted[*slot as usize] = false);
        slots
    }
}

/// Looks up a window without owning its group.
#[derive(Hash)]
struct Lookup<'a>(i64, &'a [u8]);

impl Equivalent<(i64, Box<[u8]>)> for Lookup<'_> {
    fn equivalent(&self, key: &(i64, Box<[u8]>)) -> bool {
        self.0 == key.0 && self.1 == &*key.1
    }
}

impl Slots {
    /// How many slots there are, open or free.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Slot> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// Counts an event in.
    pub(crate) fn count_event(&mut self, slot: u32) {
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        entry.events += 1;
        entry.added += 1;
        if !mem::replace(&mut entry.changed, true) {
            self.changed.note(slot);
        }
        if !mem::replace(&mut entry.dirty, true) {
            self.dirty.note(slot);
        }
    }

    /// The open ones; these and the next are in the order of their windows and groups.
    pub(crate) fn open(&self) -> Vec<(u32, &Slot)> {
        self.ordered(0..self.slots.len() as u32, |_| true)
    }

    /// Those whose window has ended by then.
    pub(crate) fn closed(&self, watermark: i64) -> Vec<(u32, &Slot)> {
        if self.first_end.is_none_or(|end| end > watermark) {
            return Vec::new();
        }
        self.ordered(0..self.slots.len() as u32, |slot| slot.end <= watermark)
    }

    /// Those that changed since the last flush.
    pub(crate) fn changed(&self) -> Vec<(u32, &Slot)> {
        self.ordered(self.changed.slots.iter().copied(), |slot| slot.changed)
    }

    /// Those that changed since the last snapshot.
    pub(crate) fn dirty(&self) -> Vec<(u32, &Slot)> {
        self.ordered(self.dirty.slots.iter().copied(), |slot| slot.dirty)
    }

    fn ordered(&self, slots: impl Iterator<Item = u32>, pick: impl Fn(&Slot) -> bool) -> Vec<(u32, &Slot)> {
        let open = slots.filter_map(|index| Some((index, self.slots[index as usize].as_ref()?)));
        let mut picked: Vec<(u32, &Slot)> = open.filter(|(_, slot)| pick(slot)).collect();
        picked.sort_unstable_by(|a, b| (a.1.start, &a.1.group).cmp(&(b.1.start, &b.1.group)));
        picked
    }

    /// Forgets that anything has changed since the last flush.
    pub(crate) fn flushed(&mut self) {
        for slot in self.changed.take() {
            if let Some(slot) = self.get_mut(slot) {
                (slot.changed, slot.added) = (false, 0);
            }
        }
    }

    /// Forgets that anything has changed since the last snapshot.
    pub(crate) fn written(&mut self) {
        for slot in self.dirty.take() {
            if let Some(slot) = self.get_mut(slot) {
                slot.dirty = false;
            }
        }
    }

    /// Those that had ended by then are closed: which ends first now?
    pub(crate) fn settled(&mut self, watermark: i64) {
        if self.first_end.is_some_and(|end| end <= watermark) {
            self.first_end = self.slots.iter().flatten().map(|slot| slot.end).min();
        }
    }

    /// The slot of a window and group; `None` where there are too many.
    pub(crate) fn window(&mut self, start: i64, end: i64, group: &[u8]) -> Option<u32> {
        if let Some(slot) = self.windows.get(&Lookup(start, group)) {
            return Some(*slot);
        }
        let slot = self.open_slot(start, end, group)?;
        self.windows.insert((start, group.into()), slot);
        Some(slot)
    }

    /// The sessions of a group.
    pub(crate) fn sessions(&self, group: &[u8]) -> impl Iterator<Item = (u32, &Slot)> {
        let slots = self.sessions.get(group).into_iter().flatten();
        slots.filter_map(|slot| Some((*slot, self.slots[*slot as usize].as_ref()?)))
    }

    /// A new session; `None` where there are too many.
    pub(crate) fn session(&mut self, start: i64, end: i64, group: &[u8]) -> Option<u32> {
        let slot = self.open_slot(start, end, group)?;
        self.sessions.entry(group.into()).or_default().push(slot);
        Some(slot)
    }

    /// The slot that was written down under a key.
    pub(crate) fn by_key(&self, key: &str) -> Option<u32> {
        self.keys.get(key).copied()
    }

    /// Notes the key that a slot is written down under, and gives the one it had, where that is another.
    pub(crate) fn store(&mut self, slot: u32, key: Box<str>) -> Option<Box<str>> {
        let entry = self.slots[slot as usize].as_mut()?;
        if entry.stored.as_ref() == Some(&key) {
            return None;
        }
        let old = entry.stored.replace(key.clone());
        if let Some(old) = &old {
            self.keys.remove(old);
        }
        self.keys.insert(key, slot);
        old
    }

    /// Gives up a slot, and gives the key it was written down under.
    pub(crate) fn close(&mut self, slot: u32) -> Option<Box<str>> {
        let entry = self.slots[slot as usize].take()?;
        self.free.push(slot);
        if self.windows.get(&Lookup(entry.start, &entry.group)) == Some(&slot) {
            self.windows.remove(&Lookup(entry.start, &entry.group));
        }
        if let Some(sessions) = self.sessions.get_mut(&entry.group) {
            sessions.retain(|session| *session != slot);
            if sessions.is_empty() {
                self.sessions.remove(&entry.group);
            }
        }
        if let Some(key) = &entry.stored {
            self.keys.remove(key);
        }
        entry.stored
    }

    fn open_slot(&mut self, start: i64, end: i64, group: &[u8]) -> Option<u32> {
        if self.free.is_empty() && self.slots.len() >= SLOTS_MAX {
            return None;
        }
        let entry =
            Slot { start, end, group: group.into(), events: 0, added: 0, changed: false, dirty: false, stored: None };
        // A session may end later than it did when it began, and no earlier.
        self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(entry);
            return Some(slot);
        }
        self.slots.push(Some(entry));
        Some(self.slots.len() as u32 - 1)
    }
}
