//! What the keys of a partition share: read only as it was frozen when the last block of events was complete, so that the order
//! between keys changes nothing within a block.
//!
//! A block is so many events of the partition, whatever their positions are, so that one process and a cluster cut the same blocks.
//! Within a block events are counted and nothing else. What was frozen is kept back to the horizon: an event that is taken again reads what it read at
//! first, and is not counted a second time.

use std::collections::VecDeque;

use bytes::Bytes;
use detect::{Common, DetectError, Detector, Sharing};

use crate::Key;

/// The key of its snapshots, and what those of frozen blocks begin with: no event has such keys.
const KEY: &str = "\u{0}shared";

/// Frozen blocks that are kept: a key whose first change since its snapshot is older is written down.
const FROZEN_MAX: usize = 256;

/// Bytes of a number in front of a snapshot.
const NUMBER_BYTES: usize = size_of::<u64>();

/// What all keys of a partition share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Events of a block.
    every: u64,
    /// The position of the first event that was not counted.
    next: u64,
    /// Events of the open block.
    taken: u64,
    open: Common,
    changed: bool,
    /// By number, none missing. The last is what the open block reads. That of the first block, of which nothing was known, has
    /// number 0 and is never written.
    frozen: VecDeque<Frozen>,
}

/// What was frozen for a block to read.
#[derive(Debug)]
struct Frozen {
    number: u64,
    /// The position from which on it is read.
    begin: u64,
    common: Common,
    written: bool,
}

/// Events that read the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) events: usize,
    /// Which of what was frozen they read.
    reads: usize,
    /// Whether they were not counted before.
    new: bool,
}

impl Shared {
    /// `None` where keys share nothing.
    pub(super) fn new(detector: &Detector, every: Option<u32>) -> Option<Self> {
        let (every, nothing) = (every?, detector.nothing_in_common()?);
        let frozen = VecDeque::from([Frozen { number: 0, begin: 0, common: nothing.clone(), written: true }]);
        Some(Self { every: u64::from(every), next: 0, taken: 0, open: nothing, changed: false, frozen })
    }

    /// The first of events at these positions, and how many after it read the same.
    pub(super) fn span(&self, positions: &[u64]) -> Span {
        let first = positions.first().copied().unwrap_or(self.next);
        if first >= self.next {
            let left = usize::try_from(self.every - self.taken).unwrap_or(usize::MAX);
            return Span { events: positions.len().min(left), reads: self.frozen.len() - 1, new: true };
        }
        let reads = self.frozen.partition_point(|frozen| frozen.begin <= first).saturating_sub(1);
        let end = self.frozen.get(reads + 1).map_or(self.next, |frozen| frozen.begin);
        Span { events: positions.partition_point(|position| *position < end), reads, new: false }
    }

    /// What an event of a span reads, and where it is counted.
    pub(super) fn of(&mut self, span: Span) -> Sharing<'_> {
        let counted = span.new.then_some(&mut self.open);
        Sharing { frozen: &self.frozen[span.reads].common, counted }
    }

    /// The events of a span were taken, the last of them at `position`.
    pub(super) fn took(&mut self, detector: &Detector, span: Span, position: u64) {
        if !span.new {
            return;
        }
        (self.next, self.changed) = (position + 1, true);
        self.taken += span.events as u64;
        if self.taken < self.every {
            return;
        }
        if let (Some(last), Some(nothing)) = (self.frozen.back(), detector.nothing_in_common()) {
            let (number, mut common) = (last.number + 1, last.common.clone());
            common.add(&self.open);
            self.frozen.push_back(Frozen { number, begin: self.next, common, written: false });
            (self.taken, self.open) = (0, nothing);
        }
    }

    /// The position before which no key may have to read again.
    pub(super) fn oldest(&self) -> u64 {
        let oldest = self.frozen.len().saturating_sub(FROZEN_MAX);
        self.frozen.get(oldest).map_or(0, |frozen| frozen.begin)
    }

    /// Snapshots of what has changed since the last call, where nothing before `horizon` will be read again.
    pub(super) fn snapshots(&mut self, detector: &Detector, horizon: Option<u64>) -> Vec<(Key, Bytes)> {
        let (mut snapshots, horizon) = (Vec::new(), horizon.unwrap_or(self.next));
        while self.frozen.get(1).is_some_and(|after| after.begin <= horizon) {
            if let Some(gone) = self.frozen.pop_front().filter(|gone| gone.written && gone.number > 0) {
                snapshots.push((key_of(gone.number), Bytes::new()));
            }
        }
        for frozen in self.frozen.iter_mut().filter(|frozen| !frozen.written) {
            frozen.written = true;
            let common = detector.snapshot_common(&frozen.common);
            snapshots.push((key_of(frozen.number), with_numbers([frozen.number, frozen.begin], &common)));
        }
        if std::mem::take(&mut self.changed) {
            let open = detector.snapshot_common(&self.open);
            snapshots.push((KEY.into(), with_numbers([self.next, self.taken], &open)));
        }
        snapshots
    }

    /// Whether a snapshot with this key is of what keys share.
    pub(super) fn owns(key: &str) -> bool {
        key.starts_with(KEY)
    }

    /// Puts back what a snapshot has. They come in any order of numbers; of a key that has several, the last one stays, and an
    /// empty one says that what was frozen was let go of.
    pub(super) fn restore(&mut self, detector: &Detector, key: &str, snapshot: &[u8]) -> Result<(), DetectError> {
        if snapshot.is_empty() {
            self.frozen.retain(|frozen| frozen.number == 0 || *key_of(frozen.number) != *key);
            return Ok(());
        }
        let ([first, second], snapshot) = numbers(snapshot)?;
        let common = detector.restore_common(snapshot)?;
        if key == KEY {
            (self.next, self.taken, self.open) = (first, second, common);
            return Ok(());
        }
        let frozen = Frozen { number: first, begin: second, common, written: true };
        match self.frozen.binary_search_by_key(&frozen.number, |other| other.number) {
            Ok(at) => self.frozen[at] = frozen,
            Err(at) => self.frozen.insert(at, frozen),
        }
        Ok(())
    }
}

fn key_of(number: u64) -> Key {
    format!("{KEY} {number}").into()
}

fn with_numbers(numbers: [u64; 2], snapshot: &[u8]) -> Bytes {
    let mut bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
    bytes.extend(snapshot);
    bytes.into()
}

fn numbers(snapshot: &[u8]) -> Result<([u64; 2], &[u8]), DetectError> {
    let not_a_snapshot = DetectError::NotASnapshot { length: snapshot.len() };
    let Some((first, rest)) = snapshot.split_first_chunk::<NUMBER_BYTES>() else { return Err(not_a_snapshot) };
    let Some((second, rest)) = rest.split_first_chunk::<NUMBER_BYTES>() else { return Err(not_a_snapshot) };
    Ok(([u64::from_le_bytes(*first), u64::from_le_bytes(*second)], rest))
}
