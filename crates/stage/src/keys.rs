//! The detector's states, one a key: which of them are in memory, and which have changed since they were last written down.

use std::{collections::VecDeque, io};

use bytes::Bytes;
use compact_str::CompactString;
use detect::{Detector, Episode, KeyState};
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
/// Where memory has a limit, what was learned of a key that was not used lately makes room for one that is needed (second chance: a hand goes
/// around the slots, and passes over those used since it came by last). Where a state is makes no difference to its bits.
#[derive(Debug)]
pub(crate) struct KeyStates {
    /// Short keys stand in the map itself, so that looking one up does not wait for another cache line.
    slots: HashMap<CompactString, u32>,
    states: Vec<Entry>,
    /// Slots that changed since their last snapshot, with the position of the first change: ascending.
    dirty: VecDeque<(u64, u32)>,
    keys_max: usize,
    memory: MemoryShare,
    spill: Option<Box<dyn Spill>>,
    /// Of how many keys what was learned is in memory.
    held: usize,
    /// The slot that is looked at next when room is needed.
    hand: usize,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    /// What its layers learned; `None` where that was spilled, and where no learned layer is on.
    learned: Option<KeyState>,
    episode: Episode,
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
        detector: Option<&Detector>,
        key: &str,
        position: u64,
    ) -> Result<Option<u32>, StageError> {
        let slot = match self.slots.get(key) {
            Some(slot) => *slot,
            None if self.states.len() >= self.keys_max => return Ok(None),
            None => {
                let learned = detector.map(|detector| detector.fresh(key.as_bytes()));
                self.insert(detector, key.into(), learned, Episode::default())?
            }
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

    /// Of how many keys what was learned is in memory.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// What was learned of the key in a slot, brought into memory.
    pub(crate) fn learned_mut(&mut self, detector: &Detector, slot: u32) -> Result<&mut KeyState, StageError> {
        let index = slot as usize;
        if self.states[index].learned.is_none() {
            self.make_room(Some(detector), 1)?;
            let learned = self.spilled(slot)?;
            self.put(index, restored(detector, &self.states[index].key, &learned)?);
        }
        let entry = &mut self.states[index];
        entry.used = true;
        // It was put there above.
        entry.learned.as_mut().ok_or_else(nowhere)
    }

    /// The same, and what was learned of the key in the slot that is needed next, where that is in memory.
    pub(crate) fn learned_before(
        &mut self,
        detector: &Detector,
        slot: u32,
        next: Option<u32>,
    ) -> Result<(&mut KeyState, Option<&KeyState>), StageError> {
        self.learned_mut(detector, slot)?;
        let Some(next) = next.filter(|next| *next != slot) else {
            return Ok((self.learned_mut(detector, slot)?, None));
        };
        let Ok([entry, next]) = self.states.get_disjoint_mut([slot, next].map(|slot| slot as usize)) else {
            return Err(nowhere());
        };
        Ok((entry.learned.as_mut().ok_or_else(nowhere)?, next.learned.as_ref()))
    }

    /// The episode of the key in a slot.
    pub(crate) fn episode_mut(&mut self, slot: u32) -> &mut Episode {
        &mut self.states[slot as usize].episode
    }

    /// Puts a state back as a snapshot has it; it counts as unchanged.
    pub(crate) fn restore(&mut self, detector: Option<&Detector>, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        let in_snapshot = |source| StageError::Snapshot { key: key.clone(), source };
        let (learned, episode) = Episode::restore(snapshot).map_err(in_snapshot)?;
        let learned = detector.map(|detector| restored(detector, &key, learned)).transpose()?;
        let Some(slot) = self.slots.get(&*key).copied() else {
            return self.insert(detector, key, learned, episode).map(drop);
        };
        if let Some((detector, learned)) = detector.zip(learned) {
            *self.learned_mut(detector, slot)? = learned;
        }
        *self.episode_mut(slot) = episode;
        Ok(())
    }

    /// Position of the oldest change that no snapshot covers.
    pub(crate) fn horizon(&self) -> Option<u64> {
        self.dirty.front().map(|(position, _)| *position)
    }

    /// A snapshot of the state that has been changed longest, with its episode where there are `episodes`; it counts as
    /// unchanged from now on.
    pub(crate) fn take_dirty(
        &mut self,
        detector: Option<&Detector>,
        episodes: bool,
    ) -> Result<Option<(Key, Bytes)>, StageError> {
        let Some((_, slot)) = self.dirty.pop_front() else { return Ok(None) };
        let entry = &mut self.states[slot as usize];
        entry.dirty = false;
        let (key, episode) = (entry.key.clone(), episodes.then(|| entry.episode.snapshot()));
        let mut snapshot = match (detector, &entry.learned) {
            (None, _) => Vec::new(),
            (Some(detector), Some(learned)) => detector.packed(learned),
            (Some(detector), None) => {
                let spilled = self.spilled(slot)?;
                detector.packed(&restored(detector, &key, &spilled)?)
            }
        };
        snapshot.extend(episode.into_iter().flatten());
        Ok(Some((key, snapshot.into())))
    }

    /// Spills what was learned of keys until there is room in memory for so many more, at most one. The share of memory, which
    /// has room for one always, gets smaller where other partitions come.
    pub(crate) fn make_room(&mut self, detector: Option<&Detector>, more: usize) -> Result<(), StageError> {
        let Some(detector) = detector else { return Ok(()) };
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
            if let Some(learned) = &entry.learned {
                spill.write(index as u32, &detector.snapshot(learned)).map_err(StageError::Spill)?;
                entry.learned = None;
                self.held -= 1;
            }
        }
        Ok(())
    }

    /// The bytes of what was spilled.
    fn spilled(&mut self, slot: u32) -> Result<Vec<u8>, StageError> {
        self.spill.as_mut().ok_or_else(nowhere)?.read(slot).map_err(StageError::Spill)
    }

    fn insert(
        &mut self,
        detector: Option<&Detector>,
        key: Key,
        learned: Option<KeyState>,
        episode: Episode,
    ) -> Result<u32, StageError> {
        self.make_room(detector, 1)?;
        let slot = self.states.len();
        self.slots.insert(CompactString::new(&key), slot as u32);
        self.states.push(Entry { key, learned: None, episode, dirty: false, used: true });
        if let Some(learned) = learned {
            self.put(slot, learned);
        }
        Ok(slot as u32)
    }

    fn put(&mut self, index: usize, learned: KeyState) {
        self.states[index].learned = Some(learned);
        self.held += 1;
    }
}

/// A state is neither in memory nor outside of it.
fn nowhere() -> StageError {
    StageError::Spill(io::ErrorKind::NotFound.into())
}

/// What was learned, as a snapshot has it.
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
        states.take_dirty(Some(detector), false).unwrap().map(|(key, _)| key.to_string())
    }

    #[test]
    fn the_oldest_change_comes_first_and_only_once() {
        let (detector, mut states) = (detector(), states(8));
        for (position, key) in [(1, "a"), (2, "b"), (3, "a"), (4, "c")] {
            states.touch(Some(&detector), key, position).unwrap();
        }
        assert_eq!(states.horizon(), Some(1));
        assert_eq!(next(&mut states, &detector), Some("a".into()));
        states.touch(Some(&detector), "a", 5).unwrap();
        assert_eq!(states.horizon(), Some(2));
        let rest: Vec<String> = std::iter::from_fn(|| next(&mut states, &detector)).collect();
        assert_eq!(rest, ["b", "c", "a"]);
        assert_eq!(states.horizon(), None);
    }

    #[test]
    fn keys_beyond_the_limit_get_no_state() {
        let (detector, mut states) = (detector(), states(1));
        assert_eq!(states.touch(Some(&detector), "a", 0).unwrap(), Some(0));
        assert_eq!(states.touch(Some(&detector), "b", 1).unwrap(), None);
        assert_eq!(states.touch(Some(&detector), "a", 2).unwrap(), Some(0));
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
        let score = |states: &mut KeyStates, key: &str, position: u64| {
            let slot = states.touch(Some(&detector), key, position).unwrap().unwrap();
            detector.score(states.learned_mut(&detector, slot).unwrap(), &[position as f64]);
        };
        let mut all = self::states(8);
        for (position, key) in ["a", "b", "c", "a", "c", "a", "b", "d", "a"].into_iter().enumerate() {
            score(&mut states, key, position as u64);
            assert!(states.held() <= 2);
            score(&mut all, key, position as u64);
        }
        assert_eq!((states.len(), states.held(), all.held()), (4, 2, 4));
        assert!(!kept.1.lock().unwrap().is_empty());
        for _ in 0..4 {
            assert_eq!(
                states.take_dirty(Some(&detector), true).unwrap(),
                all.take_dirty(Some(&detector), true).unwrap()
            );
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
        states.touch(Some(&detector), "a", 0).unwrap();
        assert!(matches!(states.touch(Some(&detector), "b", 1), Err(StageError::Spill(_))));
    }
}
