//! Producers of transactions and what they have open.
//!
//! The end of a transaction has two parts, as on a real cluster: it is decided, and later the markers are written that let
//! readers see it. Offsets of a group count with the markers.

use std::collections::BTreeSet;

use super::{Broker, log::Record};

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Committed,
    Aborted,
}

/// A transaction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Transaction {
    /// How it ended, once that is decided.
    pub outcome: Option<Outcome>,
    /// Whether its markers are written.
    pub is_marked: bool,
    pub partitions: BTreeSet<(String, u32)>,
    /// Group, topic, partition, offset, and what is noted with it.
    pub offsets: Vec<(String, String, u32, i64, String)>,
}

/// A producer's name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registered {
    /// Only the producer with the current epoch is heard.
    pub epoch: u64,
    pub transaction: Option<usize>,
}

/// A producer that is not heard any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fenced;

impl Broker {
    /// Begins a new epoch of a producer's name, once nothing of an earlier one is open; else gives the transaction that is.
    pub(crate) fn register(&mut self, id: &str) -> Result<u64, usize> {
        let registered = self.producers.entry(id.to_owned()).or_default();
        match registered.transaction {
            Some(open) if !self.transactions[open].is_marked => Err(open),
            _ => {
                registered.epoch += 1;
                registered.transaction = None;
                Ok(registered.epoch)
            }
        }
    }

    /// The transaction that a producer has open. A new one is begun by what is first added to it.
    fn transaction(&mut self, id: &str, epoch: u64) -> Result<usize, Fenced> {
        let registered = self.producers.get_mut(id).filter(|registered| registered.epoch == epoch).ok_or(Fenced)?;
        match registered.transaction {
            Some(open) if self.transactions[open].outcome.is_none() => Ok(open),
            _ => {
                self.transactions.push(Transaction::default());
                registered.transaction = Some(self.transactions.len() - 1);
                Ok(self.transactions.len() - 1)
            }
        }
    }

    /// The transaction of an earlier commit whose markers are not written yet: the next one waits for that.
    pub(crate) fn unmarked(&self, id: &str) -> Option<usize> {
        let open = self.producers.get(id)?.transaction?;
        let transaction = &self.transactions[open];
        (transaction.outcome.is_some() && !transaction.is_marked).then_some(open)
    }

    /// Takes a record in. Gives the transaction that it is part of.
    pub(crate) fn produce(
        &mut self,
        (id, epoch): (&str, u64),
        (topic, partition): (&str, u32),
        record: Record,
    ) -> Result<usize, Fenced> {
        let open = self.transaction(id, epoch)?;
        self.transactions[open].partitions.insert((topic.to_owned(), partition));
        if let Some(log) = self.log_mut(topic, partition) {
            log.append(record, Some(open));
        }
        Ok(open)
    }

    /// Takes a group's offsets in. Gives the transaction that they are part of.
    pub(crate) fn add_offsets(
        &mut self,
        (id, epoch): (&str, u64),
        offsets: Vec<(String, String, u32, i64, String)>,
    ) -> Result<usize, Fenced> {
        let open = self.transaction(id, epoch)?;
        self.transactions[open].offsets.extend(offsets);
        Ok(open)
    }

    /// Decides the open transaction of a producer, if it has one, and gives it.
    pub(crate) fn decide(&mut self, id: &str, epoch: u64, outcome: Outcome) -> Result<Option<usize>, Fenced> {
        let registered = self.producers.get(id).filter(|registered| registered.epoch == epoch).ok_or(Fenced)?;
        let open = registered.transaction.filter(|open| self.transactions[*open].outcome.is_none());
        if let Some(open) = open {
            self.transactions[open].outcome = Some(outcome);
        }
        Ok(open)
    }

    /// Gives a transaction up that has been open for too long, and fences its producer.
    pub(crate) fn time_out(&mut self, transaction: usize) -> bool {
        if self.transactions[transaction].outcome.is_some() {
            return false;
        }
        self.transactions[transaction].outcome = Some(Outcome::Aborted);
        let of = self.producers.values_mut().find(|registered| registered.transaction == Some(transaction));
        if let Some(registered) = of {
            registered.epoch += 1;
        }
        true
    }

    /// Writes the markers of a transaction that is decided.
    pub(crate) fn mark(&mut self, transaction: usize) {
        self.mark_offsets(transaction);
        let Transaction { is_marked, partitions, .. } = &mut self.transactions[transaction];
        if std::mem::replace(is_marked, true) {
            return;
        }
        for (topic, partition) in partitions.clone() {
            if let Some(log) = self.log_mut(&topic, partition) {
                log.mark(transaction);
            }
        }
    }

    /// Writes the marker of the groups' offsets alone: each log has its own, and they come in any order.
    pub(crate) fn mark_offsets(&mut self, transaction: usize) {
        let Transaction { outcome, offsets, .. } = &mut self.transactions[transaction];
        let (outcome, offsets) = (*outcome, std::mem::take(offsets));
        if outcome == Some(Outcome::Committed) {
            for (group, topic, partition, offset, note) in offsets {
                let group = self.groups.entry(group).or_default();
                group.lost.remove(&partition);
                group.offsets.insert((topic, partition), (offset, note));
            }
        }
    }

    /// Whether a transaction that is not over may change a group's offset.
    pub(crate) fn is_pending(&self, group: &str, topic: &str, partition: u32) -> bool {
        let of = |(g, t, p, ..): &(String, String, u32, i64, String)| g == group && t == topic && *p == partition;
        self.transactions.iter().any(|transaction| !transaction.is_marked && transaction.offsets.iter().any(of))
    }
}
