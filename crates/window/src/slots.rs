//! The windows and groups of one aggregate that are open in one partition, each with a slot in the accumulators.

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

    /// The open ones, in the order of their windows and groups.
    pub(crate) fn open(&self) -> Vec<(u32, &Slot)> {
        let slots = self.slots.iter().enumerate();
        let mut open: Vec<(u32, &Slot)> =
            slots.filter_map(|(index, slot)| Some((index as u32, slot.as_ref()?))).collect();
        open.sort_unstable_by(|a, b| (a.1.start, &a.1.group).cmp(&(b.1.start, &b.1.group)));
        open
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
        let entry =
            Slot { start, end, group: group.into(), events: 0, added: 0, changed: false, dirty: false, stored: None };
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(entry);
            return Some(slot);
        }
        if self.slots.len() >= SLOTS_MAX {
            return None;
        }
        self.slots.push(Some(entry));
        Some(self.slots.len() as u32 - 1)
    }
}
