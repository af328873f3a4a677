//! One partition of a topic.

use std::{collections::BTreeMap, sync::Arc};

use rdkafka::{
    Timestamp,
    message::{Header, OwnedHeaders, OwnedMessage},
};

/// A record as it stands in a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub time: i64,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Record {
    pub(crate) fn bytes(&self) -> usize {
        let length = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter().map(|(key, value)| key.len() + length(value)).sum::<usize>();
        length(&self.key) + length(&self.value) + headers
    }

    /// The same as the client hands it over.
    pub(crate) fn message(&self, topic: &str, partition: u32, offset: i64) -> OwnedMessage {
        let headers = (!self.headers.is_empty()).then(|| {
            self.headers.iter().fold(OwnedHeaders::new_with_capacity(self.headers.len()), |headers, (key, value)| {
                headers.insert(Header { key, value: value.as_deref() })
            })
        });
        let time = Timestamp::CreateTime(self.time);
        OwnedMessage::new(
            self.value.clone(),
            self.key.clone(),
            topic.to_owned(),
            time,
            partition as i32,
            offset,
            headers,
        )
    }
}

/// What stands at an offset: a record, or the marker of a transaction's end.
#[derive(Clone)]
struct Entry {
    record: Option<Arc<Record>>,
    transaction: Option<usize>,
}

/// A partition's log.
#[derive(Clone, Default)]
pub(crate) struct Log {
    entries: Vec<Entry>,
    /// The transactions without a marker yet, with the offset of the first record of each.
    open: BTreeMap<usize, i64>,
}

impl Log {
    /// The offset of the next record.
    pub(crate) fn end(&self) -> i64 {
        self.entries.len() as i64
    }

    /// The offset before which everything is decided.
    pub(crate) fn stable_end(&self) -> i64 {
        self.open.values().copied().min().unwrap_or(self.end())
    }

    pub(crate) fn append(&mut self, record: Record, transaction: Option<usize>) {
        if let Some(transaction) = transaction {
            let end = self.end();
            self.open.entry(transaction).or_insert(end);
        }
        self.entries.push(Entry { record: Some(Arc::new(record)), transaction });
    }

    /// Writes the marker of a transaction's end.
    pub(crate) fn mark(&mut self, transaction: usize) {
        if self.open.remove(&transaction).is_some() {
            self.entries.push(Entry { record: None, transaction: Some(transaction) });
        }
    }

    /// The records that a reader of what is committed sees, where `counts` says which transactions are.
    pub(crate) fn committed<'a>(
        &'a self,
        counts: impl Fn(usize) -> bool + 'a,
    ) -> impl Iterator<Item = (i64, &'a Record)> + 'a {
        let decided = self.entries.iter().take(self.stable_end() as usize).enumerate();
        decided.filter_map(move |(offset, Entry { record, transaction })| {
            let is_seen = transaction.is_none_or(&counts);
            record.as_deref().filter(|_| is_seen).map(|record| (offset as i64, record))
        })
    }
}
