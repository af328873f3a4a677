//! A store that is away: the writer holds so many bytes and no more, keeps its place in its group, and goes on.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::{Duration, Instant},
};

use servers::Cassandra;
use sink::{Batch, Positions, TopicPartition};
use writer::{Feed, FeedError, KafkaFeed, Limits, drive};

use crate::{cluster::Cluster, faults::check, sinks::Store};

const HELD_BYTES: usize = 4 << 20;

/// A feed that counts what it has given and nobody has committed.
struct Counted {
    feed: KafkaFeed,
    /// Partition, the position behind, bytes.
    given: Vec<(TopicPartition, u64, usize)>,
    most: usize,
    largest: usize,
    pauses: u32,
}

impl Feed for Counted {
    fn next(&mut self, wait: Duration) -> Result<Vec<Batch>, FeedError> {
        let batches = self.feed.next(wait)?;
        let bytes = |batch: &Batch| batch.rows.get_array_memory_size();
        self.largest = batches.iter().map(bytes).sum::<usize>().max(self.largest);
        let places = batches.iter().map(|batch| ((batch.topic.clone(), batch.partition), batch.next, bytes(batch)));
        self.given.extend(places);
        self.most = self.given.iter().map(|(_, _, bytes)| bytes).sum::<usize>().max(self.most);
        Ok(batches)
    }

    fn moved(&mut self) -> BTreeSet<TopicPartition> {
        let moved = self.feed.moved();
        self.given.retain(|(place, _, _)| !moved.contains(place));
        moved
    }

    fn is_waiting(&self) -> bool {
        self.feed.is_waiting()
    }

    fn begin(&mut self, stored: &Positions) -> Result<(), FeedError> {
        self.feed.begin(stored)
    }

    fn pause(&mut self, paused: bool) -> Result<(), FeedError> {
        self.pauses += u32::from(paused);
        self.feed.pause(paused)
    }

    fn confirm(&mut self, held: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError> {
        self.feed.confirm(held)
    }

    fn is_assigned(&self) -> bool {
        self.feed.is_assigned()
    }

    fn commit(&mut self, next: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError> {
        self.given.retain(|(place, behind, _)| next.get(place).is_none_or(|next| behind > next));
        self.feed.commit(next)
    }
}

#[test]
fn while_a_store_is_away_the_writer_holds_what_it_may_and_no_more() {
    let (cluster, cassandra) = (Cluster::start(), Cassandra::start().unwrap());
    let store = Store::new("cql", cassandra.contact_point());
    store.prepare();
    let events = 40_000;
    let mut feed = Counted { feed: cluster.feed("cql"), given: Vec::new(), most: 0, largest: 0, pauses: 0 };
    let second = Duration::from_secs(1);
    let limits = Limits { rows: 1_000_000, bytes: 2 << 20, linger: second, held_bytes: HELD_BYTES };
    let settings = store.settings();
    let layouts = crate::sinks::layouts();
    let mut sink = cql::CqlSink::new(settings, layouts).unwrap().with_write_limit(second);
    let done = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let begun = Instant::now();
            let is_stopping = || cluster.committed("cql") >= events || begun.elapsed() > Duration::from_secs(150);
            drive(&mut feed, &mut sink, &limits, (&(), &()), &is_stopping).unwrap()
        });
        cluster.send(0, 4_000, 4_000).join().unwrap();
        cluster.wait_until_stored("cql", 4_000, &[]);
        cassandra.node().pause().unwrap();
        cluster.send(4_000, events, 6_000).join().unwrap();
        thread::sleep(Duration::from_secs(10));
        cassandra.node().resume().unwrap();
        writer.join().unwrap()
    });
    println!("{} bytes at most, {} pauses, {done:?}", feed.most, feed.pauses);
    assert!(feed.pauses > 0, "the partitions were not paused");
    assert!(feed.most <= HELD_BYTES + feed.largest, "{} bytes were held", feed.most);
    assert_eq!((done.rows, done.given_up), (events, 0), "the writer kept its partitions");
    check(&store, events);
}
