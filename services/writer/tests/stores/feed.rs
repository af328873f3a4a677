//! A feed that can be killed: events by number, and committed positions in a file.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use sink::{Batch, Positions, TopicPartition};
use stream::Stream;
use writer::{Feed, FeedError};

use crate::rows::{PARTITIONS, batch, positions};

/// Rows of one batch at most.
const ROWS: u64 = 2_000;

pub(crate) struct FileFeed {
    stream: Arc<Stream>,
    file: PathBuf,
    next: BTreeMap<u32, u64>,
    end: u64,
    turn: u32,
    /// The wait before each batch: so that there is something to kill.
    pace: Duration,
}

impl FileFeed {
    /// Goes on from where the sink is, or else from what the file says.
    pub(crate) fn open(file: PathBuf, events: u64, pace: Duration, stored: &Positions) -> Self {
        let committed = committed(&file);
        let stream = crate::rows::stream();
        let topic = stream.topics().scored;
        let start = |partition: u32| {
            let at = (topic.clone(), partition);
            let group = committed.get(&partition);
            stored.kept.get(&at).or(group).or_else(|| stored.found.get(&at)).copied().unwrap_or(0)
        };
        let next = (0..PARTITIONS).map(|partition| (partition, start(partition))).collect();
        Self { stream, file, next, end: positions(events), turn: 0, pace }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.file.clone()
    }

    /// What is committed when everything is.
    pub(crate) fn all(&self) -> BTreeMap<u32, u64> {
        self.next.keys().map(|partition| (*partition, self.end)).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.next.values().all(|next| *next >= self.end)
    }
}

/// The positions that were committed.
pub(crate) fn committed(file: &PathBuf) -> BTreeMap<u32, u64> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = |line: &str| {
        let (partition, next) = line.split_once(' ').unwrap();
        (partition.parse().unwrap(), next.parse().unwrap())
    };
    text.lines().map(line).collect()
}

impl Feed for FileFeed {
    fn next(&mut self, _: Duration) -> Result<Vec<Batch>, FeedError> {
        let partition = self.turn % PARTITIONS;
        self.turn += 1;
        let from = self.next[&partition];
        // Another cut each time: what comes again after a kill comes in other batches.
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
        let to = (from + 2 + u64::from(nanos) % (ROWS * 2)).min(self.end);
        if from >= to {
            return Ok(Vec::new());
        }
        self.next.insert(partition, to);
        std::thread::sleep(self.pace);
        Ok(vec![batch(&self.stream, partition, from, to)])
    }

    fn pause(&mut self, _: bool) -> Result<(), FeedError> {
        Ok(())
    }

    fn commit(&mut self, next: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError> {
        let mut all = committed(&self.file);
        all.extend(next.iter().map(|((_, partition), next)| (*partition, *next)));
        let lines: String = all.iter().map(|(partition, next)| format!("{partition} {next}\n")).collect();
        let new = self.file.with_extension("new");
        fs::write(&new, lines).and_then(|()| fs::rename(&new, &self.file)).map_err(|e| FeedError::Failed(e.to_string()))
    }
}
