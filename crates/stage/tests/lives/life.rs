//! The life of a detector: rows in any cut, commits with states of any size, and crashes after which it goes on from what is
//! committed.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use proptest::prelude::*;
use stage::{Detect, Key, Outputs, Resumed, Rows, Stage};
use stream::Stream;

/// What is committed, and a stage that goes on from it.
struct Life {
    stream: Arc<Stream>,
    snapshots: BTreeMap<Key, (u64, Bytes)>,
    /// All that was ever written, as a topic has it before it is compacted.
    log: Vec<(Key, u64, Bytes)>,
    from_log: bool,
    horizon: u64,
    committed: u64,
    stage: Resumed<Detect>,
}

impl Life {
    fn new(stream: &Arc<Stream>, from_log: bool) -> Self {
        let stage = Resumed::new(Detect::new(stream.clone()).unwrap().unwrap(), 0);
        Self {
            stream: stream.clone(),
            snapshots: BTreeMap::new(),
            log: Vec::new(),
            from_log,
            horizon: 0,
            committed: 0,
            stage,
        }
    }

    /// Commits all before the position `next`, with about so many bytes of states.
    fn commit(&mut self, next: u64, bytes: usize) {
        for (key, snapshot) in self.stage.stage_mut().snapshots(bytes).unwrap() {
            self.log.push((key.clone(), if snapshot.is_empty() { 0 } else { next }, snapshot.clone()));
            match snapshot.is_empty() {
                true => drop(self.snapshots.remove(&key).unwrap()),
                false => drop(self.snapshots.insert(key, (next, snapshot))),
            }
        }
        (self.committed, self.horizon) = (next, self.stage.stage().horizon().unwrap_or(next));
    }

    /// Loses what is not committed.
    fn crash(&mut self) {
        self.stage = Resumed::new(Detect::new(self.stream.clone()).unwrap().unwrap(), self.committed);
        let kept = self.snapshots.iter().map(|(key, (position, snapshot))| (key, *position, snapshot));
        let written = self.log.iter().map(|(key, position, snapshot)| (key, *position, snapshot));
        let snapshots: Vec<_> = if self.from_log { written.collect() } else { kept.collect() };
        for (key, position, snapshot) in snapshots {
            self.stage.restore(key.clone(), position, snapshot).unwrap();
        }
    }
}

/// Rows that are taken, then what is done: nothing, a commit with so many bytes, or a crash.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    rows: usize,
    then: Then,
}

#[derive(Debug, Clone)]
pub(crate) enum Then {
    Nothing,
    Commit(usize),
    Crash,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let then = prop_oneof![
        2 => Just(Then::Nothing),
        3 => prop_oneof![Just(0), 0..6_000usize, Just(1 << 20)].prop_map(Then::Commit),
        1 => Just(Then::Crash),
    ];
    (0..40usize, then).prop_map(|(rows, then)| Step { rows, then })
}

/// What is kept of the outputs of rows, whatever happens on the way.
pub(crate) fn lived(stream: &Arc<Stream>, rows: &Rows, steps: Vec<Step>, from_log: bool) -> Outputs {
    let positions = rows.positions.values().to_vec();
    let (mut life, mut kept, mut open) = (Life::new(stream, from_log), Outputs::default(), Outputs::default());
    let mut at = 0;
    for Step { rows: wanted, then } in steps.into_iter().chain([Step { rows: usize::MAX, then: Then::Commit(0) }]) {
        let taken = wanted.min(rows.len() - at);
        life.stage.process(rows.slice(at, taken), &mut open).unwrap();
        at += taken;
        let next = at.checked_sub(1).map_or(0, |last| positions[last] + 1);
        match then {
            // Nothing is committed before all that was committed is read again.
            Then::Commit(bytes) if next > life.committed => {
                life.commit(next, bytes);
                kept.rows.append(&mut open.rows);
                kept.alarms.append(&mut open.alarms);
            }
            Then::Crash => {
                life.crash();
                open = Outputs::default();
                at = positions.partition_point(|position| *position < life.horizon);
            }
            Then::Commit(_) | Then::Nothing => {}
        }
    }
    assert_eq!(at, rows.len());
    kept
}

/// Positions of so many rows, with gaps between them.
pub(crate) fn positions(gaps: &[u64], rows: usize) -> Vec<u64> {
    let ascending = gaps.iter().scan(0, |at, gap| {
        *at += gap;
        Some(*at)
    });
    ascending.take(rows).collect()
}
