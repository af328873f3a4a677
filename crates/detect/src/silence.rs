//! Keys of a partition that fall silent, noticed from the events of the others.
//!
//! Time is a watermark: what at least two keys have reached, each with two events in a row, so that no single event and no single
//! key moves it. Of each key the waits are learned ([`waits`]), and a key is silent once the watermark is further
//! beyond its last event than all but the asked share of its waits were long. What is learned is what is tested: how far the watermark had
//! come when the key's next event arrived, so that keys whose events arrive behind those of others have longer waits.
//!
//! A step of the watermark that is longer than nearly all before it is a pause of the whole partition and no wait of any key, unless
//! a third one follows in a row: then few keys are left, and their steps are the time that there is.
//!
//! Everything is in integers and follows from the order of events alone. When a key has to be looked at stands in a list that may
//! be early and is never late, so that an event costs a look-up and a count.

mod stored;
mod waits;

use std::collections::BTreeSet;

use compact_str::CompactString;
use hashbrown::HashMap;

use self::waits::{NEVER, Waits};

/// How many keys of a partition are watched; those that come later are, once others are forgotten.
pub const SILENCE_KEYS_MAX: usize = 65_536;

/// Keys with longer names are not watched.
pub const SILENCE_KEY_BYTES_MAX: usize = 256;

/// Times beyond this leave no room for lengths of time to be added.
const TIME_MAX: i64 = i64::MAX / 4;

/// More silent keys than one in so many are one alarm for the partition,
pub const SILENCE_TOGETHER_ONE_IN: usize = 3;
/// where there are at least so many.
const TOGETHER_MIN: usize = 3;

/// Long steps of the watermark in a row that are taken for pauses.
const PAUSES_MAX: u32 = 2;

/// What is asked of the layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SilenceSettings {
    /// The share of ordinary waits that may alarm.
    pub false_alarm_rate: f64,
    /// Waits of a key before it may alarm.
    pub warm_up: u32,
    /// Microseconds after which a key that does not come back is forgotten.
    pub forget_after: i64,
}

/// A key, or many at once, that fell silent.
#[derive(Debug, Clone, PartialEq)]
pub struct Silent {
    /// The key; of many the one that has been silent for longest.
    pub key: Box<str>,
    /// The watermark at which it was noticed, in microseconds since 1970.
    pub watermark: i64,
    /// How long the key has been silent, in microseconds.
    pub waited: i64,
    /// The longest wait that would not alarm, in microseconds.
    pub expected: i64,
    /// How rare so long a wait is, in bits.
    pub bits: f64,
    /// How many keys of how many are silent, where it is one alarm for the partition.
    pub keys: Option<(usize, usize)>,
}

/// The keys of a partition and when they came last.
#[derive(Debug)]
pub struct Silence {
    settings: SilenceSettings,
    /// The bits of the asked share.
    bits: f64,
    keys: Vec<Option<Key>>,
    slots: HashMap<CompactString, u32>,
    /// Slots below the length of `keys` that no key has.
    free: BTreeSet<u32>,
    /// When each key has to be looked at, at the latest.
    due: BTreeSet<(i64, u32)>,
    /// In microseconds since 1970; the least number before there is one.
    watermark: i64,
    /// The one key that is beyond the watermark, and how far.
    ahead: Option<(u32, i64)>,
    /// The steps of the watermark.
    steps: Waits,
    /// How much of the watermark's way was pauses, and how many of the last steps in a row were long.
    paused: i64,
    long_steps: u32,
    /// How many keys are silent and told, and whether that was told of the partition.
    told: usize,
    all_told: bool,
    /// Which groups of slots have changed since they were written, and those that were written.
    changed: Vec<bool>,
    written: BTreeSet<u32>,
    any_change: bool,
}

#[derive(Debug)]
struct Key {
    name: Box<str>,
    /// The times of its last two events; the least number where there was one.
    times: [i64; 2],
    /// How much of the watermark's way was pauses when it came last.
    paused: i64,
    waits: Waits,
    /// Whether its silence was told.
    told: bool,
    /// Where it stands in the list of those that are due.
    filed: i64,
}

impl Key {
    /// When it came last: one event with a wrong time is forgotten after two more.
    fn last(&self) -> i64 {
        self.times[0].max(self.times[1])
    }

    /// How far it says that time has come.
    fn clock(&self) -> i64 {
        self.times[0].min(self.times[1])
    }

    /// How long it has been silent when time has come so far, pauses left out.
    fn waited(&self, now: i64, paused: i64) -> i64 {
        (now - self.last() - (paused - self.paused)).max(0)
    }

    /// From which watermark on it has to be looked at.
    fn due(&self, paused: i64, forget_after: i64) -> i64 {
        let forgotten = self.last() + forget_after;
        match self.told || self.waits.limit == NEVER {
            true => forgotten,
            false => forgotten.min(self.last() + self.waits.limit + (paused - self.paused)),
        }
    }
}

impl Silence {
    /// Before any event.
    #[must_use]
    pub fn new(settings: SilenceSettings) -> Self {
        let settings = SilenceSettings { forget_after: settings.forget_after.clamp(0, TIME_MAX), ..settings };
        Self {
            settings,
            bits: -libm::log2(settings.false_alarm_rate),
            keys: Vec::new(),
            slots: HashMap::new(),
            free: BTreeSet::new(),
            due: BTreeSet::new(),
            watermark: i64::MIN,
            ahead: None,
            steps: Waits::default(),
            paused: 0,
            long_steps: 0,
            told: 0,
            all_told: false,
            changed: vec![false; stored::GROUPS],
            written: BTreeSet::new(),
            any_change: false,
        }
    }

    /// How many keys are watched.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.slots.len()
    }

    /// How rare a wait has to be, in bits.
    #[must_use]
    pub fn alarm_bits(&self) -> f64 {
        self.bits
    }

    /// Takes an event of the partition, in their order, and says which keys are silent by it: in the order of their names.
    pub fn take(&mut self, key: &str, time: i64, silent: &mut Vec<Silent>) {
        if !(-TIME_MAX..=TIME_MAX).contains(&time) {
            return;
        }
        let Some(slot) = self.came(key, time) else { return };
        self.any_change = true;
        self.changed[stored::group_of(slot) as usize] = true;
        let before = self.watermark;
        if !self.advance(slot) {
            return;
        }
        if before != i64::MIN {
            self.step(self.watermark - before);
        }
        if self.steps.limit != NEVER {
            self.look(silent);
        }
    }

    /// Notes that a key came; `None` where it is not watched.
    fn came(&mut self, name: &str, time: i64) -> Option<u32> {
        let Some(slot) = self.slots.get(name).copied() else { return self.begin(name, time) };
        let key = self.keys[slot as usize].as_mut()?;
        let wait = key.waited(self.watermark.max(time), self.paused);
        key.waits.learn(wait, self.bits, self.settings.warm_up);
        (key.times, key.paused) = ([key.times[1], time], self.paused);
        self.told -= usize::from(std::mem::take(&mut key.told));
        let due = key.due(self.paused, self.settings.forget_after);
        if due < key.filed {
            self.file(slot, due);
        }
        Some(slot)
    }

    fn begin(&mut self, name: &str, time: i64) -> Option<u32> {
        if name.len() > SILENCE_KEY_BYTES_MAX || self.slots.len() >= SILENCE_KEYS_MAX {
            return None;
        }
        let slot = self.free.pop_first().unwrap_or(self.keys.len() as u32);
        let (times, waits) = ([i64::MIN, time], Waits::default());
        self.put(slot, Key { name: name.into(), times, paused: self.paused, waits, told: false, filed: NEVER });
        Some(slot)
    }

    /// Puts a key into a slot that is free.
    fn put(&mut self, slot: u32, key: Key) {
        let due = key.due(self.paused, self.settings.forget_after);
        self.slots.insert(CompactString::from(&*key.name), slot);
        self.told += usize::from(key.told);
        while self.keys.len() <= slot as usize {
            self.free.insert(self.keys.len() as u32);
            self.keys.push(None);
        }
        self.free.remove(&slot);
        self.keys[slot as usize] = Some(key);
        self.file(slot, due);
    }

    /// Takes the key out of a slot.
    fn forget(&mut self, slot: u32) {
        let Some(key) = self.keys[slot as usize].take() else { return };
        self.due.remove(&(key.filed, slot));
        self.slots.remove(&*key.name);
        self.free.insert(slot);
        self.told -= usize::from(key.told);
        self.changed[stored::group_of(slot) as usize] = true;
    }

    /// Notes when a key has to be looked at.
    fn file(&mut self, slot: u32, due: i64) {
        let Some(key) = self.keys[slot as usize].as_mut() else { return };
        self.due.remove(&(key.filed, slot));
        key.filed = due;
        self.due.insert((due, slot));
    }

    /// Moves the watermark to what two keys have reached, where a key came; says whether it moved.
    fn advance(&mut self, slot: u32) -> bool {
        let clock = self.keys[slot as usize].as_ref().map_or(i64::MIN, Key::clock);
        let before = self.watermark;
        match self.ahead {
            Some((other, theirs)) if other != slot => {
                if clock > before {
                    self.watermark = clock.min(theirs);
                    let further = if clock > theirs { (slot, clock) } else { (other, theirs) };
                    self.ahead = Some(further).filter(|(_, clock)| *clock > self.watermark);
                }
            }
            _ => self.ahead = Some((slot, clock)).filter(|_| clock > before),
        }
        self.watermark > before
    }

    /// Learns a step of the watermark, and leaves it out where it is a pause.
    fn step(&mut self, step: i64) {
        self.long_steps = if step > self.steps.limit { self.long_steps.saturating_add(1) } else { 0 };
        if (1..=PAUSES_MAX).contains(&self.long_steps) {
            self.paused += step;
        }
        self.steps.learn(step, self.bits, self.settings.warm_up);
    }

    /// Looks at the keys that are due.
    fn look(&mut self, silent: &mut Vec<Silent>) {
        let mut crossed = Vec::new();
        while let Some((_, slot)) = self.due.first().copied().filter(|(due, _)| *due < self.watermark) {
            self.due.pop_first();
            let Some(key) = self.keys[slot as usize].as_ref() else { continue };
            let due = key.due(self.paused, self.settings.forget_after);
            if self.watermark - key.last() > self.settings.forget_after {
                self.forget(slot);
            } else if due >= self.watermark {
                self.file(slot, due);
            } else {
                crossed.push(slot);
            }
        }
        if crossed.is_empty() {
            return;
        }
        let all = self.slots.len();
        self.all_told &= self.told * SILENCE_TOGETHER_ONE_IN > all;
        if self.all_told {
            crossed.into_iter().for_each(|slot| self.tell(slot));
            return;
        }
        let overdue = self.overdue();
        if overdue.len() >= TOGETHER_MIN && overdue.len() * SILENCE_TOGETHER_ONE_IN > all {
            let first = crossed.iter().filter_map(|slot| self.silent(*slot, Some((overdue.len(), all))));
            silent.extend(first.min_by(|a, b| b.waited.cmp(&a.waited).then_with(|| a.key.cmp(&b.key))));
            // Those that crossed are overdue as well, unless the layer knows next to nothing of them.
            overdue.into_iter().chain(crossed).for_each(|slot| self.tell(slot));
            self.all_told = true;
            return;
        }
        let before = silent.len();
        silent.extend(crossed.iter().filter_map(|slot| self.silent(*slot, None)));
        silent[before..].sort_by(|a, b| a.key.cmp(&b.key));
        crossed.into_iter().for_each(|slot| self.tell(slot));
    }

    /// The keys that have been silent for longer than is usual, and for half as long as would alarm: of heavy-tailed waits the first
    /// alone is true for much of the time, of regular ones the second.
    fn overdue(&self) -> Vec<u32> {
        let is_overdue = |key: &Key| {
            let waited = key.waited(self.watermark, self.paused);
            key.waits.limit != NEVER && waited > key.waits.usual.max(key.waits.limit / 2)
        };
        let keys = self.keys.iter().enumerate();
        keys.filter(|(_, key)| key.as_ref().is_some_and(is_overdue)).map(|(slot, _)| slot as u32).collect()
    }

    fn silent(&self, slot: u32, keys: Option<(usize, usize)>) -> Option<Silent> {
        let key = self.keys[slot as usize].as_ref()?;
        let waited = key.waited(self.watermark, self.paused);
        Some(Silent {
            key: key.name.clone(),
            watermark: self.watermark,
            waited,
            expected: key.waits.limit,
            bits: key.waits.bits(waited).max(self.bits),
            keys,
        })
    }

    /// Notes that the silence of a key was told.
    fn tell(&mut self, slot: u32) {
        let Some(key) = self.keys[slot as usize].as_mut() else { return };
        self.told += usize::from(!std::mem::replace(&mut key.told, true));
        let due = key.due(self.paused, self.settings.forget_after);
        self.changed[stored::group_of(slot) as usize] = true;
        self.file(slot, due);
    }
}

#[cfg(test)]
mod tests;
