//! A group's coordinator, and the clients of its members.
//!
//! Partitions move one at a time (cooperative): who has too many is asked to give some back, and whoever has too few gets them
//! when they are free. A member that is silent for too long is not a member any more; its client learns of that later.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Broker;

/// A group.
#[derive(Default)]
pub(crate) struct Group {
    pub partitions: u32,
    pub generation: u64,
    pub members: BTreeMap<u64, Membership>,
    pub offsets: BTreeMap<(String, u32), (i64, String)>,
    /// The partitions whose offset was lost and has not been committed again.
    pub lost: BTreeSet<u32>,
    joined: u64,
}

/// A member as the group sees it.
#[derive(Default)]
pub(crate) struct Membership {
    pub process: usize,
    pub owned: BTreeSet<u32>,
    /// Those of them that it is to give back.
    pub revoking: BTreeSet<u32>,
}

/// What the group wants of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    Take(Vec<u32>),
    GiveBack(Vec<u32>),
}

/// A member's client.
pub(crate) struct Client {
    pub process: usize,
    pub group: String,
    pub topic: String,
    /// Its name in the group, and the generation that it knows of.
    pub identity: Option<(u64, u64)>,
    /// Whether the group has given its partitions to others.
    pub lost: bool,
    /// Where it reads each partition; nothing where it is paused.
    pub assigned: BTreeMap<u32, Option<i64>>,
    pub wishes: VecDeque<Wish>,
    /// Whether the worker has taken a wish and not answered.
    pub owes: bool,
    pub has_left: bool,
}

impl Group {
    /// Shares the partitions evenly, and leaves with each member what it has as far as that goes.
    fn rebalance(&mut self) {
        self.generation += 1;
        let count = self.members.len() as u32;
        if count == 0 {
            return;
        }
        let mut by_load: Vec<u64> = self.members.keys().copied().collect();
        by_load.sort_by_key(|id| (std::cmp::Reverse(self.members[id].owned.len()), *id));
        let mut more = self.partitions % count;
        let mut quotas = BTreeMap::new();
        for id in by_load {
            let quota = self.partitions / count + u32::from(more > 0);
            more = more.saturating_sub(1);
            quotas.insert(id, quota as usize);
        }
        for (id, member) in &mut self.members {
            let excess = member.owned.len().saturating_sub(quotas[id]).saturating_sub(member.revoking.len());
            let kept = member.owned.iter().rev().filter(|partition| !member.revoking.contains(partition));
            let given: Vec<u32> = kept.take(excess).copied().collect();
            member.revoking.extend(given);
        }
        let taken: BTreeSet<u32> = self.members.values().flat_map(|member| member.owned.iter().copied()).collect();
        for partition in (0..self.partitions).filter(|partition| !taken.contains(partition)) {
            let poorest = self.members.values_mut().min_by_key(|member| member.owned.len());
            if let Some(member) = poorest {
                member.owned.insert(partition);
            }
        }
    }

    fn join(&mut self, process: usize) -> u64 {
        self.joined += 1;
        self.members.insert(self.joined, Membership { process, ..Membership::default() });
        self.rebalance();
        self.joined
    }

    /// Takes a member out.
    pub(crate) fn remove(&mut self, id: u64) {
        if self.members.remove(&id).is_some() {
            self.rebalance();
        }
    }

    /// Takes the members of a process out that has been silent for too long.
    pub(crate) fn expire(&mut self, process: usize) {
        let silent: Vec<u64> =
            self.members.iter().filter(|(_, member)| member.process == process).map(|(id, _)| *id).collect();
        silent.into_iter().for_each(|id| self.remove(id));
    }

    /// Asks a member to give a partition back, whatever it has. `choose` gives a number below another.
    pub(crate) fn shuffle(&mut self, mut choose: impl FnMut(u64) -> u64) {
        let owners: Vec<u64> =
            self.members.iter().filter(|(_, member)| !member.owned.is_empty()).map(|(id, _)| *id).collect();
        if owners.is_empty() {
            return;
        }
        self.generation += 1;
        let owner = owners[choose(owners.len() as u64) as usize];
        if let Some(member) = self.members.get_mut(&owner) {
            let owned: Vec<u32> = member.owned.iter().copied().collect();
            member.revoking.insert(owned[choose(owned.len() as u64) as usize]);
        }
    }
}

impl Broker {
    /// A member's client hears of its group, joins it where it is in none, and notes what the group wants.
    pub(crate) fn hear(&mut self, number: usize) {
        let client = &mut self.clients[number];
        let group = self.groups.entry(client.group.clone()).or_default();
        let member = client.identity.and_then(|(id, _)| group.members.get_mut(&id).map(|member| (id, member)));
        let Some((id, member)) = member else {
            client.identity = None;
            client.lost = !client.assigned.is_empty();
            if client.owes || !client.wishes.is_empty() || client.has_left {
                return;
            }
            if client.lost {
                client.wishes.push_back(Wish::GiveBack(client.assigned.keys().copied().collect()));
                return;
            }
            let id = group.join(client.process);
            client.identity = Some((id, group.generation));
            return;
        };
        client.identity = Some((id, group.generation));
        if client.owes || !client.wishes.is_empty() {
            return;
        }
        let (known, unknown): (Vec<u32>, Vec<u32>) =
            member.revoking.iter().copied().partition(|partition| client.assigned.contains_key(partition));
        if !unknown.is_empty() {
            // It does not know of these yet.
            member.owned.retain(|partition| !unknown.contains(partition));
            member.revoking.clear();
            group.rebalance();
            return;
        }
        let new: Vec<u32> =
            member.owned.iter().copied().filter(|partition| !client.assigned.contains_key(partition)).collect();
        if !known.is_empty() {
            client.wishes.push_back(Wish::GiveBack(known));
        } else if !new.is_empty() {
            client.wishes.push_back(Wish::Take(new));
        }
    }

    /// A worker gives partitions back.
    pub(crate) fn give_back(&mut self, number: usize, partitions: &[u32]) {
        let client = &mut self.clients[number];
        client.owes = false;
        client.assigned.retain(|partition, _| !partitions.contains(partition));
        if client.assigned.is_empty() {
            client.lost = false;
        }
        let Some((id, _)) = client.identity else { return };
        let Some(group) = self.groups.get_mut(&client.group) else { return };
        if let Some(member) = group.members.get_mut(&id) {
            for partition in partitions {
                member.owned.remove(partition);
                member.revoking.remove(partition);
            }
            group.rebalance();
        }
    }

    /// A client leaves its group.
    pub(crate) fn leave(&mut self, number: usize) {
        let client = &mut self.clients[number];
        client.has_left = true;
        client.assigned.clear();
        if let Some((id, _)) = client.identity.take()
            && let Some(group) = self.groups.get_mut(&client.group)
        {
            group.remove(id);
        }
    }

    /// Whether a group takes offsets of a member's client. What comes in nobody's name is not checked.
    pub(crate) fn is_valid(&self, number: usize) -> bool {
        let client = &self.clients[number];
        let Some((id, generation)) = client.identity else { return true };
        self.groups
            .get(&client.group)
            .is_some_and(|group| group.generation == generation && group.members.contains_key(&id))
    }
}
