//! A member of a group.

use std::{collections::BTreeMap, time::Duration};

use kafka::{Event, KafkaError, Member, Owner, Seen};
use rdkafka::{
    Offset, TopicPartitionList,
    error::{KafkaError as ClientError, RDKafkaErrorCode as Code},
    message::OwnedMessage,
};

use super::Simulated;
use crate::{broker::group::Wish, trouble::Trouble, world::State};

/// A member of a group.
pub(crate) struct Joined {
    cluster: Simulated,
    /// Which of the cluster's clients it is.
    number: usize,
}

impl Joined {
    pub(super) fn new(cluster: Simulated, number: usize) -> Self {
        Self { cluster, number }
    }

    /// Whether the group takes offsets of this member.
    pub(super) fn is_valid(&self, state: &State) -> bool {
        state.broker.is_valid(self.number)
    }

    pub(super) fn group(&self, state: &State) -> String {
        state.broker.clients[self.number].group.clone()
    }

    /// The next message of any partition that is read.
    fn next(&self, state: &mut State) -> Option<OwnedMessage> {
        let State { broker, random, .. } = state;
        let client = &broker.clients[self.number];
        let topic = client.topic.clone();
        let next = |(partition, position): (&u32, &Option<i64>)| {
            let (offset, record) = broker.next(&topic, *partition, (*position)?)?;
            Some((*partition, offset, record))
        };
        let mut ready: Vec<_> = client.assigned.iter().filter_map(next).collect();
        if ready.is_empty() {
            return None;
        }
        let (partition, offset, record) = ready.swap_remove(random.below(ready.len() as u64) as usize);
        let message = record.message(&topic, partition, offset);
        broker.clients[self.number].assigned.insert(partition, Some(offset + 1));
        Some(message)
    }

    fn list(&self, partitions: &[u32], topic: &str) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(topic, *partition as i32);
        }
        list
    }
}

impl Owner for Joined {
    fn assignment_lost(&self) -> bool {
        let mut state = self.cluster.call("is the assignment lost");
        if state.random.one_in(2) {
            state.broker.hear(self.number);
        }
        state.broker.clients[self.number].lost
    }
}

impl Member for Joined {
    type Message<'a> = OwnedMessage;

    fn take(&self, batch: &mut Vec<OwnedMessage>, _: usize, wait: Duration) -> Vec<ClientError> {
        let mut state = self.cluster.call("poll");
        // The client hears of its group by itself, now and then.
        if state.random.one_in(2) {
            state.broker.hear(self.number);
        }
        let silent = |state: &State| !state.broker.clients[self.number].wishes.is_empty();
        if silent(&state) {
            return Vec::new();
        }
        match state.trouble(|trouble| matches!(trouble, Trouble::ReadingDenied | Trouble::ReadingFails)) {
            Some(Trouble::ReadingDenied) => {
                return vec![ClientError::MessageConsumption(Code::TopicAuthorizationFailed)];
            }
            Some(_) => return vec![ClientError::MessageConsumption(Code::AllBrokersDown)],
            None => {}
        }
        let mut message = self.next(&mut state);
        if message.is_none() && !wait.is_zero() {
            state = self.cluster.wait(state, wait);
            state.broker.hear(self.number);
            message = if silent(&state) { None } else { self.next(&mut state) };
        }
        batch.extend(message);
        Vec::new()
    }

    fn next_event(&self) -> Option<Event> {
        let mut state = self.cluster.world.lock();
        let client = &mut state.broker.clients[self.number];
        let wish = client.wishes.pop_front()?;
        client.owes = true;
        let topic = client.topic.clone();
        Some(match wish {
            Wish::Take(partitions) => Event::Assigned(self.list(&partitions, &topic)),
            Wish::GiveBack(partitions) => Event::Revoked(self.list(&partitions, &topic)),
        })
    }

    fn has_event(&self) -> bool {
        !self.cluster.world.lock().broker.clients[self.number].wishes.is_empty()
    }

    fn seen(&self) -> Option<BTreeMap<u32, Seen>> {
        let mut state = self.cluster.world.lock();
        if !state.random.one_in(8) {
            return None;
        }
        let client = &state.broker.clients[self.number];
        let seen = |(partition, position): (&u32, &Option<i64>)| {
            let end = state.broker.log(&client.topic, *partition)?.stable_end();
            let lag = (end - (*position)?).max(0) as u64;
            Some((*partition, Seen { lag, first: 0, end }))
        };
        Some(client.assigned.iter().filter_map(seen).collect())
    }

    fn hold(&self, _: &str, numbers: &[u32]) -> Result<(), KafkaError> {
        let mut state = self.cluster.call("take partitions");
        let client = &mut state.broker.clients[self.number];
        client.owes = false;
        client.assigned.extend(numbers.iter().map(|number| (*number, None)));
        Ok(())
    }

    fn start(&self, _: &str, starts: &[(u32, i64)]) -> Result<Vec<u32>, KafkaError> {
        let mut state = self.cluster.call("start partitions");
        let mut started = Vec::new();
        for (partition, offset) in starts {
            // The client is not always ready to go there.
            let ready = !state.random.one_in(8);
            let client = &mut state.broker.clients[self.number];
            if let Some(position) = client.assigned.get_mut(partition).filter(|_| ready) {
                *position = Some(*offset);
                started.push(*partition);
            }
        }
        Ok(started)
    }

    fn pause(&self, _: &str, numbers: &[u32]) -> Result<(), KafkaError> {
        let mut state = self.cluster.call("pause partitions");
        let client = &mut state.broker.clients[self.number];
        client.assigned.iter_mut().filter(|(partition, _)| numbers.contains(partition)).for_each(|(_, at)| *at = None);
        Ok(())
    }

    fn give_back(&self, list: &TopicPartitionList) -> Result<(), KafkaError> {
        let partitions: Vec<u32> = list.elements().iter().map(|element| element.partition() as u32).collect();
        self.cluster.call("give partitions back").broker.give_back(self.number, &partitions);
        Ok(())
    }

    fn leave(&self) {
        if !self.cluster.is_gone() {
            self.cluster.world.lock().broker.leave(self.number);
        }
    }
}

/// The partitions and offsets of a list, with what is noted with each.
pub(super) fn offsets(group: &str, list: &TopicPartitionList) -> Vec<(String, String, u32, i64, String)> {
    let elements = list.elements();
    let of = elements.iter().filter_map(|element| match element.offset() {
        Offset::Offset(offset) => {
            let (topic, note) = (element.topic().to_owned(), element.metadata().to_owned());
            Some((group.to_owned(), topic, element.partition() as u32, offset, note))
        }
        _ => None,
    });
    of.collect()
}
