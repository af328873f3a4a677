//! The detector's states, one a key, and which of them have changed since they were last written down.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::Key;

/// How many keys of a partition keep a state; events of later keys pass the rules only. At 8 KiB a key this is
/// half a gibibyte a partition.
pub(crate) const KEYS_MAX: usize = 65_536;

/// States by key, in slots that never move, and the slots that changed, oldest change first.
#[derive(Debug)]
pub(crate) struct KeyStates<S> {
    slots: HashMap<Key, u32>,
    states: Vec<Entry<S>>,
    /// Slots that changed since their last snapshot, with the position of the first change: ascending.
    dirty: VecDeque<(u64, u32)>,
    keys_max: usize,
}

#[derive(Debug)]
struct Entry<S> {
    key: Key,
    state: S,
    dirty: bool,
}

impl<S> KeyStates<S> {
    pub(crate) fn new(keys_max: usize) -> Self {
        Self { slots: HashMap::new(), states: Vec::new(), dirty: VecDeque::new(), keys_max }
    }

    /// The slot of `key`, made with `fresh` where it is new; `None` where there are too many keys already.
    /// The slot counts as changed at `position`.
    pub(crate) fn touch(&mut self, key: &str, position: u64, fresh: impl FnOnce() -> S) -> Option<u32> {
        let slot = match self.slots.get(key) {
            Some(slot) => *slot,
            None if self.states.len() >= self.keys_max => return None,
            None => self.insert(key.into(), fresh()),
        };
        let entry = &mut self.states[slot as usize];
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push_back((position, slot));
        }
        Some(slot)
    }

    /// How many keys have a state.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    pub(crate) fn state_mut(&mut self, slot: u32) -> &mut S {
        &mut self.states[slot as usize].state
    }

    /// Puts a state back as a snapshot has it; it counts as unchanged.
    pub(crate) fn restore(&mut self, key: Key, state: S) {
        match self.slots.get(&key) {
            Some(slot) => self.states[*slot as usize].state = state,
            None => {
                self.insert(key, state);
            }
        }
    }

    /// Position of the oldest change that no snapshot covers.
    pub(crate) fn horizon(&self) -> Option<u64> {
        self.dirty.front().map(|(position, _)| *position)
    }

    /// The state that has been changed longest; it counts as unchanged from now on.
    pub(crate) fn take_dirty(&mut self) -> Option<(&Key, &S)> {
        let (_, slot) = self.dirty.pop_front()?;
        let entry = &mut self.states[slot as usize];
        entry.dirty = false;
        Some((&entry.key, &entry.state))
    }

    fn insert(&mut self, key: Key, state: S) -> u32 {
        let slot = self.states.len() as u32;
        self.slots.insert(key.clone(), slot);
        self.states.push(Entry { key, state, dirty: false });
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_change_comes_first_and_only_once() {
        let mut states = KeyStates::new(8);
        for (position, key) in [(1, "a"), (2, "b"), (3, "a"), (4, "c")] {
            states.touch(key, position, || 0u8);
        }
        assert_eq!(states.horizon(), Some(1));
        assert_eq!(states.take_dirty().map(|(key, _)| key.to_string()), Some("a".into()));
        states.touch("a", 5, || 0);
        assert_eq!(states.horizon(), Some(2));
        let rest: Vec<String> = std::iter::from_fn(|| states.take_dirty().map(|(key, _)| key.to_string())).collect();
        assert_eq!(rest, ["b", "c", "a"]);
        assert_eq!(states.horizon(), None);
    }

    #[test]
    fn keys_beyond_the_limit_get_no_state() {
        let mut states = KeyStates::new(1);
        assert_eq!(states.touch("a", 0, || 0u8), Some(0));
        assert_eq!(states.touch("b", 1, || 0), None);
        assert_eq!(states.touch("a", 2, || 0), Some(0));
    }
}
