//! A Kafka cluster in memory: logs with the markers of transactions, producers with epochs, and groups.
//!
//! It does at once what the caller asks for, or refuses as a broker would. Waiting, failing and being late are the business of
//! whoever calls it.

pub(crate) mod group;
pub(crate) mod log;
pub(crate) mod transactions;

use std::collections::BTreeMap;

use self::{
    group::{Client, Group},
    log::{Log, Record},
    transactions::{Outcome, Registered, Transaction},
};

/// A Kafka cluster.
#[derive(Default)]
pub(crate) struct Broker {
    pub topics: BTreeMap<String, Vec<Log>>,
    pub transactions: Vec<Transaction>,
    pub producers: BTreeMap<String, Registered>,
    pub groups: BTreeMap<String, Group>,
    /// The members' clients, those of processes that are gone included.
    pub clients: Vec<Client>,
    /// Bytes of a record that a topic takes.
    pub record_bytes_max: usize,
}

impl Broker {
    /// Makes a topic.
    pub(crate) fn create(&mut self, topic: &str, partitions: u32) {
        self.topics.insert(topic.to_owned(), (0..partitions).map(|_| Log::default()).collect());
    }

    /// How many partitions a topic has.
    pub(crate) fn partitions(&self, topic: &str) -> u32 {
        self.topics.get(topic).map_or(0, Vec::len) as u32
    }

    pub(crate) fn log(&self, topic: &str, partition: u32) -> Option<&Log> {
        self.topics.get(topic)?.get(partition as usize)
    }

    pub(crate) fn log_mut(&mut self, topic: &str, partition: u32) -> Option<&mut Log> {
        self.topics.get_mut(topic)?.get_mut(partition as usize)
    }

    /// The first committed record from `position` on, with its offset.
    pub(crate) fn next(&self, topic: &str, partition: u32, position: i64) -> Option<(i64, &Record)> {
        self.log(topic, partition)?.committed(self.counts()).find(|(offset, _)| *offset >= position)
    }

    /// All committed records of a partition, with their offsets.
    pub(crate) fn committed(&self, topic: &str, partition: u32) -> Vec<(i64, &Record)> {
        self.log(topic, partition).map(|log| log.committed(self.counts()).collect()).unwrap_or_default()
    }

    /// Which transactions are committed.
    fn counts(&self) -> impl Fn(usize) -> bool + '_ {
        |number| self.transactions[number].outcome == Some(Outcome::Committed)
    }

    /// Where a group stands, transactions that are not decided aside.
    pub(crate) fn offset(&self, group: &str, topic: &str, partition: u32) -> Option<&(i64, String)> {
        self.groups.get(group)?.offsets.get(&(topic.to_owned(), partition))
    }
}

#[cfg(test)]
mod tests {
    use super::{group::Wish, *};

    fn broker() -> Broker {
        let mut broker = Broker::default();
        broker.create("t", 1);
        broker
    }

    fn seen(broker: &Broker) -> Vec<i64> {
        broker.committed("t", 0).into_iter().map(|(offset, _)| offset).collect()
    }

    #[test]
    fn what_is_not_committed_is_not_seen_and_holds_back_what_comes_after_it() {
        let mut broker = broker();
        let (first, second) = (broker.register("a"), broker.register("b"));
        assert_eq!((first, second), (Ok(1), Ok(1)));
        broker.produce(("a", 1), ("t", 0), Record::default()).unwrap();
        broker.produce(("b", 1), ("t", 0), Record::default()).unwrap();
        let done = broker.decide("b", 1, Outcome::Committed).unwrap().unwrap();
        broker.mark(done);
        assert_eq!(seen(&broker), [0; 0], "an earlier transaction is open");
        let given_up = broker.decide("a", 1, Outcome::Aborted).unwrap().unwrap();
        assert_eq!(seen(&broker), [0; 0], "its marker is not written");
        broker.mark(given_up);
        assert_eq!(seen(&broker), [1]);
    }

    #[test]
    fn a_new_epoch_and_a_time_out_fence_the_producer() {
        let mut broker = broker();
        broker.register("a").unwrap();
        let open = broker.produce(("a", 1), ("t", 0), Record::default()).unwrap();
        assert_eq!(broker.register("a"), Err(open), "what is open has to end first");
        assert!(broker.time_out(open));
        broker.mark(open);
        assert!(broker.produce(("a", 1), ("t", 0), Record::default()).is_err());
        let epoch = broker.register("a").unwrap();
        assert!(broker.produce(("a", epoch), ("t", 0), Record::default()).is_ok());
        assert!(broker.decide("a", 1, Outcome::Committed).is_err());
    }

    #[test]
    fn offsets_count_with_the_markers() {
        let mut broker = broker();
        broker.register("a").unwrap();
        let offset = ("g".to_owned(), "t".to_owned(), 0, 7, "note".to_owned());
        broker.add_offsets(("a", 1), vec![offset]).unwrap();
        let done = broker.decide("a", 1, Outcome::Committed).unwrap().unwrap();
        assert!(broker.is_pending("g", "t", 0) && broker.offset("g", "t", 0).is_none());
        broker.mark(done);
        assert!(!broker.is_pending("g", "t", 0));
        assert_eq!(broker.offset("g", "t", 0), Some(&(7, "note".to_owned())));
    }

    fn client(broker: &mut Broker, process: usize) -> usize {
        broker.groups.entry("g".to_owned()).or_default().partitions = 4;
        broker.clients.push(Client {
            process,
            group: "g".to_owned(),
            topic: "t".to_owned(),
            identity: None,
            lost: false,
            assigned: BTreeMap::new(),
            wishes: Default::default(),
            owes: false,
            has_left: false,
        });
        broker.clients.len() - 1
    }

    /// Does what the group wants until it wants nothing more.
    fn settle(broker: &mut Broker) {
        for number in (0..8).flat_map(|_| 0..broker.clients.len()).collect::<Vec<_>>() {
            broker.hear(number);
            match broker.clients[number].wishes.pop_front() {
                Some(Wish::Take(partitions)) => {
                    broker.clients[number].assigned.extend(partitions.into_iter().map(|partition| (partition, None)));
                }
                Some(Wish::GiveBack(partitions)) => broker.give_back(number, &partitions),
                None => {}
            }
        }
    }

    #[test]
    fn partitions_are_shared_and_a_silent_member_loses_its_own() {
        let mut broker = broker();
        let first = client(&mut broker, 0);
        settle(&mut broker);
        assert_eq!(broker.clients[first].assigned.len(), 4);
        let second = client(&mut broker, 1);
        settle(&mut broker);
        assert_eq!([first, second].map(|number| broker.clients[number].assigned.len()), [2, 2]);
        broker.groups.get_mut("g").unwrap().expire(0);
        assert!(!broker.is_valid(first), "it has not heard of it, and is refused");
        broker.hear(first);
        assert!(broker.clients[first].lost && broker.is_valid(first), "what comes in nobody's name is not refused");
        settle(&mut broker);
        assert_eq!([first, second].map(|number| broker.clients[number].assigned.len()), [2, 2]);
    }
}
