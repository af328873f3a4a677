//! The loop with feeds and stores that misbehave.

use std::{
    cell::Cell,
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use arrow::{
    array::{RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use sink::{Batch, Positions, Table, TopicPartition};

use super::*;

/// Bytes of a large value.
const LARGE: usize = 100_000;

/// A store that is away at first.
struct Late(u32);

impl Sink for Late {
    fn positions(&mut self) -> Result<Positions, SinkError> {
        Ok(Positions::default())
    }

    fn reach(&mut self) -> Result<(), SinkError> {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                Err(SinkError::Away { store: "late".to_owned(), message: "starting".to_owned() })
            }
            None => Ok(()),
        }
    }

    fn write(&mut self, _: Vec<Batch>) -> Result<(), SinkError> {
        Ok(())
    }

    fn name(&self) -> &str {
        "late"
    }
}

/// A feed without rows, whose partitions come with the third look.
struct Idle(u32);

impl Feed for Idle {
    fn next(&mut self, _: Duration) -> Result<Vec<Batch>, FeedError> {
        self.0 += 1;
        Ok(Vec::new())
    }

    fn is_assigned(&self) -> bool {
        self.0 > 2
    }

    fn pause(&mut self, _: bool) -> Result<(), FeedError> {
        Ok(())
    }

    fn commit(&mut self, _: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError> {
        Ok(())
    }
}

/// What was said, where it was news.
#[derive(Default)]
struct Said(Mutex<Vec<(String, bool)>>);

impl Health for Said {
    fn beat(&self, _: &str) {}

    fn done(&self, _: &str) {}

    fn ready(&self, part: &str, is: bool) {
        let mut said = self.0.lock().unwrap();
        if said.iter().rev().find(|(other, _)| other == part) != Some(&(part.to_owned(), is)) {
            said.push((part.to_owned(), is));
        }
    }
}

#[test]
fn is_ready_when_the_store_answers_and_there_are_partitions() {
    let limits = Limits { rows: 1, bytes: 1, linger: Duration::ZERO, held_bytes: 1 };
    let said = Said::default();
    let looks = Cell::new(0);
    let is_stopping = || {
        looks.set(looks.get() + 1);
        looks.get() > 3 && said.0.lock().unwrap().len() == 4
    };
    drive(&mut Idle(0), &mut Late(1), &limits, (&said, &()), &is_stopping).unwrap();
    let said: Vec<(String, bool)> = said.0.into_inner().unwrap();
    let of = |part: &str| said.iter().filter(|(other, _)| other == part).map(|(_, is)| *is).collect::<Vec<_>>();
    assert_eq!((of(STORE), of(ASSIGNMENT)), (vec![false, true], vec![false, true]));
}

/// Rows of one partition, each of about a hundred kilobytes, with positions from `first` on.
fn rows(partition: u32, first: u64, count: u64) -> Batch {
    let text = "x".repeat(LARGE);
    let values = StringArray::from_iter_values((0..count).map(|_| text.as_str()));
    let schema = Arc::new(Schema::new(vec![Field::new("value", DataType::Utf8, false)]));
    Batch {
        table: Table::ProcessedData,
        topic: "t".to_owned(),
        partition,
        rows: RecordBatch::try_new(schema, vec![Arc::new(values)]).unwrap(),
        positions: (first..first + count).collect(),
        times: (0..count).map(|_| 0).collect(),
        probes: Vec::new(),
        keys: None,
        next: first + count,
    }
}

/// A store that is away for its first writes, and remembers the positions of the others.
#[derive(Default)]
struct Store {
    away: u32,
    stored: Vec<(u32, u64)>,
}

impl Sink for Store {
    fn positions(&mut self) -> Result<Positions, SinkError> {
        Ok(Positions::default())
    }

    fn write(&mut self, batches: Vec<Batch>) -> Result<(), SinkError> {
        if let Some(left) = self.away.checked_sub(1) {
            self.away = left;
            return Err(SinkError::Away { store: "store".to_owned(), message: "away".to_owned() });
        }
        for batch in batches {
            self.stored.extend(batch.positions.values().iter().map(|position| (batch.partition, *position)));
        }
        Ok(())
    }

    fn name(&self) -> &str {
        "store"
    }
}

/// A feed that gives ten rows of partitions 0 and 1 at each look, until it is paused.
#[derive(Default)]
struct Busy {
    looks: u64,
    given: u64,
    paused: bool,
    /// At which look partition 1 moves.
    moves_at: Option<u64>,
    /// How often the group refuses before it confirms.
    refusals: u32,
    committed: BTreeMap<TopicPartition, u64>,
    /// What had been given when it was first paused.
    given_at_pause: Option<u64>,
}

impl Feed for Busy {
    fn next(&mut self, wait: Duration) -> Result<Vec<Batch>, FeedError> {
        self.looks += 1;
        if self.paused || self.looks > 20 {
            std::thread::sleep(wait);
            return Ok(Vec::new());
        }
        let first = self.given;
        self.given += 10;
        let partitions = if self.moves_at.is_some_and(|at| self.looks >= at) { 0..1 } else { 0..2 };
        Ok(partitions.map(|partition| rows(partition, first, 10)).collect())
    }

    fn moved(&mut self) -> BTreeSet<TopicPartition> {
        (self.moves_at == Some(self.looks)).then(|| ("t".to_owned(), 1)).into_iter().collect()
    }

    fn pause(&mut self, paused: bool) -> Result<(), FeedError> {
        self.paused = paused;
        self.given_at_pause.get_or_insert(self.given);
        Ok(())
    }

    fn confirm(&mut self, _: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError> {
        match self.refusals.checked_sub(1) {
            Some(left) => {
                self.refusals = left;
                Err(FeedError::Moved("not now".to_owned()))
            }
            None => Ok(()),
        }
    }

    fn commit(&mut self, next: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError> {
        self.committed.extend(next.iter().map(|(at, next)| (at.clone(), *next)));
        Ok(())
    }
}

/// Runs the loop for so many looks at the feed.
fn run(feed: &mut Busy, store: &mut Store, limits: &Limits, looks: u64) -> Done {
    let turns = Cell::new(0);
    let is_stopping = || {
        turns.set(turns.get() + 1);
        turns.get() > looks
    };
    drive(feed, store, limits, (&(), &()), &is_stopping).unwrap()
}

#[test]
fn rows_of_a_partition_that_moves_are_not_written() {
    let (mut feed, mut store) = (Busy { moves_at: Some(3), ..Busy::default() }, Store::default());
    let limits = Limits { rows: 1_000, bytes: usize::MAX, linger: Duration::from_secs(60), held_bytes: usize::MAX };
    let done = run(&mut feed, &mut store, &limits, 4);
    let wanted: Vec<(u32, u64)> = (0..40).map(|position| (0, position)).collect();
    assert_eq!(store.stored, wanted, "partition 1 is with another writer");
    assert_eq!(feed.committed, BTreeMap::from([(("t".to_owned(), 0), 40)]));
    assert_eq!((done.rows, done.given_up), (40, 20));
}

#[test]
fn nothing_is_written_before_the_group_confirms() {
    let (mut feed, mut store) = (Busy { refusals: 1, moves_at: Some(2), ..Busy::default() }, Store::default());
    let limits = Limits { rows: 10, bytes: usize::MAX, linger: Duration::ZERO, held_bytes: usize::MAX };
    run(&mut feed, &mut store, &limits, 3);
    assert!(store.stored.iter().all(|(partition, _)| *partition == 0), "{:?}", store.stored);
}

#[test]
fn a_store_that_is_away_bounds_the_bytes_that_are_held_and_gets_every_row_when_it_is_back() {
    let (mut feed, mut store) = (Busy::default(), Store { away: 2, ..Store::default() });
    let held_bytes = 60 * LARGE;
    let limits = Limits { rows: 10_000, bytes: 15 * LARGE, linger: Duration::ZERO, held_bytes };
    let done = run(&mut feed, &mut store, &limits, 40);
    // Two partitions; one look comes on top. None of them was stored yet.
    let held = feed.given_at_pause.expect("the feed was not paused") as usize * 2 * LARGE;
    assert!(held <= held_bytes + 20 * LARGE, "{held} bytes were held");
    let mut wanted: Vec<(u32, u64)> = (0..2).flat_map(|p| (0..feed.given).map(move |position| (p, position))).collect();
    wanted.sort_unstable();
    store.stored.sort_unstable();
    assert_eq!(store.stored, wanted, "every row once");
    assert!(!feed.paused && done.retries == 2, "{done:?}");
}
