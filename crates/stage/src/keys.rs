//! The detector's states, one a key: which of them are in memory, and which have changed since they were last written down.

use std::{collections::VecDeque, io};

use bytes::Bytes;
use detect::{Detector, KeyState};
use hashbrown::HashMap;

use crate::{
    Key, StageError,
    memory::{MemoryShare, Spill, StateMemory},
};

/// How many keys of a partition keep a state; events of later keys pass the rules only. At 8 KiB a key this is
/// half a gibibyte a partition, in memory or outside of it.
pub(crate) const KEYS_MAX: usize = 65_536;

/// States by key, in slots that never move, and the slots that changed, oldest change first.
///
/// Where memory has a limit, a state that was not used lately makes room for one that is needed (second chance: a hand goes
/// around the slots, and passes over those used since it came by last). Where a state is makes no difference to its bits.
#[derive(Debug)]
pub(crate) struct KeyStates {
    slots: HashMap<Key, u32>,
    states: Vec<Entry>,
    /// Slots that changed since their last snapshot, with the position of the first change: ascending.
    dirty: VecDeque<(u64, u32)>,
    keys_max: usize,
    memory: MemoryShare,
    spill: Option<Box<dyn Spill>>,
    /// How many states are in memory.
    held: usize,
    /// The slot that is looked at next when room is needed.
    hand: usize,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    /// `None` where the state was spilled.
    state: Option<KeyState>,
    dirty: bool,
    used: bool,
}

impl KeyStates {
    pub(crate) fn new(keys_max: usize, memory: &StateMemory) -> Self {
        Self {
            slots: HashMap::new(),
            states: Vec::new(),
            dirty: VecDeque::new(),
            keys_max,
            memory: memory.share(),
            spill: None,
            held: 0,
            hand: 0,
        }
    }

    /// The slot of `key`, with a fresh state where it is new; `None` where there are too many keys already.
    /// The slot counts as changed at `position`.
    pub(crate) fn touch(
        &mut self,
        detector: &Detector,
        key: &str,
        position: u64,
    ) -> Result<Option<u32>, StageError> {
        let slot = match self.slots.get(key) {
            Some(slot) => *slot,
            None if self.states.len() >= self.keys_max => return Ok(None),
            None => self.insert(detector, key.into(), detector.fresh(key.as_bytes()))?,
        };
        let entry = &mut self.states[slot as usize];
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push_back((position, slot));
        }
        Ok(Some(slot))
    }

    /// How many keys have a state.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// How many states are in memory.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// The state in a slot, brought into memory.
    pub(crate) fn state_mut(&mut self, detector: &Detector, slot: u32) -> Result<&mut KeyState, StageError> {
        let index = slot as usize;
        if self.states[index].state.is_none() {
            self.make_room(detector, 1)?;
            let state = self.spilled(slot)?;
            self.put(index, restored(detector, &self.states[index].key, &state)?);
        }
        let entry = &mut self.states[index];
        entry.used = true;
        // It was put there above.
        entry.state.as_mut().ok_or_else(|| StageError::Spill(io::ErrorKind::NotFound.into()))
    }

    /// Puts a state back as a snapshot has it; it counts as unchanged.
    pub(crate) fn restore(&mut self, detector: &Detector, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        let state = restored(detector, &key, snapshot)?;
        match self.slots.get(&key) {
            Some(slot) => *self.state_mut(detector, *slot)? = state,
            None => drop(self.insert(detector, key, state)?),
        }
        Ok(())
    }

    /// Position of the oldest change that no snapshot covers.
    pub(crate) fn horizon(&self) -> Option<u64> {
        self.dirty.front().map(|(position, _)| *position)
    }

    /// A snapshot of the state that has been changed longest; it counts as unchanged from now on.
    pub(crate) fn take_dirty(&mut self, detector: &Detector) -> Result<Option<(Key, Bytes)>, StageError> {
        let Some((_, slot)) = self.dirty.pop_front() else { return Ok(None) };
        let entry = &mut self.states[slot as usize];
        entry.dirty = false;
        let key = entry.key.clone();
        let snapshot = match &entry.state {
            Some(state) => detector.snapshot(state),
            None => self.spilled(slot)?,
        };
        Ok(Some((key, snapshot.into())))
    }

    /// Spills states until there is room in memory for so many more. The share of memory gets smaller where other partitions
    /// come.
    pub(crate) fn make_room(&mut self, detector: &Detector, more: usize) -> Result<(), StageError> {
        let most = self.memory.states(detector.state_bytes());
        while self.held + more > most {
            if self.spill.is_none() {
                self.spill = self.memory.open().map_err(StageError::Spill)?;
            }
            let Some(spill) = &mut self.spill else { return Ok(()) };
            let index = self.hand;
            self.hand = (self.hand + 1) % self.states.len();
            let entry = &mut self.states[index];
            if std::mem::take(&mut entry.used) {
                continue;
            }
            if let Some(state) = &entry.state {
                spill.write(index as u32, &detector.snapshot(state)).map_err(StageError::Spill)?;
                entry.state = None;
                self.held -= 1;
            }
        }
        Ok(())
    }

    /// The bytes of a state that was spilled.
    fn spilled(&mut self, slot: u32) -> Result<Vec<u8>, StageError> {
        let spill = self.spill.as_mut().ok_or_else(|| StageError::Spill(io::ErrorKind::NotFound.into()))?;
        spill.read(slot).map_err(StageError::Spill)
    }

    fn insert(&mut self, detector: &Detector, key: Key, state: KeyState) -> Result<u32, StageError> {
        self.make_room(detector, 1)?;
        let slot = self.states.len();
        self.slots.insert(key.clone(), slot as u32);
        self.states.push(Entry { key, state: None, dirty: false, used: true });
        self.put(slot, state);
        Ok(slot as u32)
    }

    fn put(&mut self, index: usize, state: KeyState) {
        self.states[index].state = Some(state);
        self.held += 1;
    }
}

/// The state that a snapshot has.
fn restored(detector: &Detector, key: &Key, snapshot: &[u8]) -> Result<KeyState, StageError> {
    detector.restore(snapshot).map_err(|source| StageError::Snapshot { key: key.clone(), source })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use detect::Settings;

    use super::*;
    use crate::memory::Spills;

    fn detector() -> Detector {
        Detector::new(Settings { chains: None, mahalanobis: None, ..Settings::with_features(1) }).unwrap()
    }

    fn states(keys_max: usize) -> KeyStates {
        KeyStates::new(keys_max, &StateMemory::unbounded())
    }

    fn next(states: &mut KeyStates, detector: &Detector) -> Option<String> {
        states.take_dirty(detector).unwrap().map(|(key, _)| key.to_string())
    }

    #[test]
    fn the_oldest_change_comes_first_and_only_once() {
        let (detector, mut states) = (detector(), states(8));
        for (position, key) in [(1, "a"), (2, "b"), (3, "a"), (4, "c")] {
            states.touch(&detector, key, position).unwrap();
        }
        assert_eq!(states.horizon(), Some(1));
        assert_eq!(next(&mut states, &detector), Some("a".into()));
        states.touch(&detector, "a", 5).unwrap();
        assert_eq!(states.horizon(), Some(2));
        let rest: Vec<String> = std::iter::from_fn(|| next(&mut states, &detector)).collect();
        assert_eq!(rest, ["b", "c", "a"]);
        assert_eq!(states.horizon(), None);
    }

    #[test]
    fn keys_beyond_the_limit_get_no_state() {
        let (detector, mut states) = (detector(), states(1));
        assert_eq!(states.touch(&detector, "a", 0).unwrap(), Some(0));
        assert_eq!(states.touch(&detector, "b", 1).unwrap(), None);
        assert_eq!(states.touch(&detector, "a", 2).unwrap(), Some(0));
    }

    /// States outside of memory, and the numbers of those written, in order.
    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<HashMap<u32, Vec<u8>>>>, Arc<Mutex<Vec<u32>>>);

    impl Spills for Kept {
        fn open(&self) -> io::Result<Box<dyn Spill>> {
            Ok(Box::new(self.clone()))
        }
    }

    impl Spill for Kept {
        fn write(&mut self, number: u32, state: &[u8]) -> io::Result<()> {
            self.0.lock().unwrap().insert(number, state.to_vec());
            self.1.lock().unwrap().push(number);
            Ok(())
        }

        fn read(&mut self, number: u32) -> io::Result<Vec<u8>> {
            self.0.lock().unwrap().get(&number).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
        }
    }

    #[test]
    fn a_state_that_was_not_used_lately_makes_room_and_comes_back_as_it_was() {
        let (detector, kept) = (detector(), Kept::default());
        let memory = StateMemory::bounded(2 * detector.state_bytes(), kept.clone());
        let mut states = KeyStates::new(8, &memory);
        let mut score = |states: &mut KeyStates, key: &str, position: u64| {
            let slot = states.touch(&detector, key, position).unwrap().unwrap();
            detector.score(states.state_mut(&detector, slot).unwrap(), &[position as f64]);
            assert!(states.held() <= 2);
        };
        let mut all = self::states(8);
        for (position, key) in ["a", "b", "c", "a", "c", "a", "b", "d", "a"].into_iter().enumerate() {
            score(&mut states, key, position as u64);
            score(&mut all, key, position as u64);
        }
        assert_eq!((states.len(), states.held(), all.held()), (4, 2, 4));
        assert!(!kept.1.lock().unwrap().is_empty());
        for _ in 0..4 {
            assert_eq!(states.take_dirty(&detector).unwrap(), all.take_dirty(&detector).unwrap());
        }
    }

    #[test]
    fn a_state_that_cannot_be_kept_outside_of_memory_is_an_error() {
        #[derive(Debug)]
        struct Full;
        impl Spills for Full {
            fn open(&self) -> io::Result<Box<dyn Spill>> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }
        let detector = detector();
        let mut states = KeyStates::new(8, &StateMemory::bounded(1, Full));
        states.touch(&detector, "a", 0).unwrap();
        assert!(matches!(states.touch(&detector, "b", 1), Err(StageError::Spill(_))));
    }
}
