//! Rows of a topic on their way to the board: read as a member of no group, from a moment in the past on.

use std::{collections::BTreeMap, time::Duration};

use broker::{Connection, Offsets};
use kafka::{ReadTopic, Reader, Received};
use registry::Registry;

use crate::error::DashboardError;

/// How long one look at a topic waits.
const LOOK: Duration = Duration::from_millis(100);
/// How long to wait before what failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// Kilobytes that a client fetches ahead.
const FETCHED_KIB_MAX: &str = "8192";

/// Where a reader begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin {
    /// Not before this moment, in milliseconds since 1970; at the topic's beginning where there is none.
    pub(crate) since_ms: Option<i64>,
    /// Not more than so many offsets before the end, all partitions together.
    pub(crate) offsets_max: u64,
}

/// Reads one topic.
pub(crate) struct Feed {
    connection: Connection,
    registry: Registry,
    topic: ReadTopic,
    /// The next offset of each partition.
    next: BTreeMap<u32, i64>,
    reader: Option<Reader>,
}

impl Feed {
    pub(crate) fn new(connection: &Connection, registry: &Registry, topic: ReadTopic) -> Self {
        let mut connection = connection.clone();
        connection.properties.entry("queued.max.messages.kbytes".to_owned()).or_insert(FETCHED_KIB_MAX.to_owned());
        Self { connection, registry: registry.clone(), topic, next: BTreeMap::new(), reader: None }
    }

    /// Decides where to begin.
    pub(crate) fn begin(&mut self, begin: Begin) -> Result<(), DashboardError> {
        let offsets = Offsets::connect(&self.connection)?;
        let topic = &self.topic.name;
        let partitions = offsets.partitions(topic)?;
        if partitions == 0 {
            return Err(DashboardError::NoTopic(topic.clone()));
        }
        let mut next = BTreeMap::new();
        for partition in 0..partitions {
            let (first, _) = offsets.range(topic, partition)?;
            let end = offsets.stable_end(topic, partition)?;
            let wanted = match begin.since_ms {
                Some(since) => offsets.at_time(topic, partition, since)?.max(first),
                None => first,
            };
            next.insert(partition, start(wanted, end, begin.offsets_max, partitions));
        }
        self.next = next;
        self.reader = None;
        Ok(())
    }

    /// The next rows of some partitions; there may be none.
    pub(crate) fn next(&mut self) -> Result<Vec<Received>, DashboardError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => {
                let starts: Vec<(u32, i64)> =
                    self.next.iter().map(|(partition, offset)| (*partition, *offset)).collect();
                none.insert(Reader::assign(&self.connection, &self.registry, &self.topic, &starts)?)
            }
        };
        let received = reader.next(LOOK);
        if received.is_err() {
            // What was read before is not read again.
            self.reader = None;
        }
        let received = received?;
        for received in &received {
            self.next.insert(received.partition, received.next as i64);
        }
        Ok(received)
    }

    /// Goes to the end of the topic, and says how many offsets were passed over.
    pub(crate) fn skip(&mut self) -> Result<u64, DashboardError> {
        let offsets = Offsets::connect(&self.connection)?;
        let mut skipped = 0;
        for (partition, next) in &mut self.next {
            let end = offsets.stable_end(&self.topic.name, *partition)?;
            skipped += u64::try_from(end - *next).unwrap_or_default();
            *next = end.max(*next);
        }
        self.reader = None;
        Ok(skipped)
    }
}

/// Where to begin in one of several partitions, to read no more than `offsets_max` in all of them together.
fn start(wanted: i64, end: i64, offsets_max: u64, partitions: u32) -> i64 {
    wanted.max(end - (offsets_max / u64::from(partitions)).max(1) as i64)
}

/// Gives `take` what comes until `stopping` says so. What fails is tried again after a short wait.
pub(crate) fn run(
    mut feed: Feed,
    begin: Begin,
    stopping: &dyn Fn() -> bool,
    mut take: impl FnMut(&mut Feed, Vec<Received>) -> Result<(), DashboardError>,
) {
    let mut said = String::new();
    while !stopping() {
        let begun = if feed.next.is_empty() { feed.begin(begin) } else { Ok(()) };
        let done = begun.and_then(|()| feed.next()).and_then(|received| take(&mut feed, received));
        let Err(error) = done else { continue };
        let error = error.to_string();
        if error != said {
            tracing::warn!(error, topic = feed.topic.name, "a topic cannot be read; it is tried again");
            said = error;
        }
        std::thread::sleep(AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_past_is_read_from_its_end_alone() {
        assert_eq!(start(100, 150, 1000, 4), 100, "all of it is read where it is short");
        assert_eq!(start(100, 1150, 1000, 4), 900);
        assert_eq!(start(100, 100, 1, 4), 100, "there is nothing");
    }
}
