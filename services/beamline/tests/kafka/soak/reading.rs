//! Reads the scored events along with the stream, so that the topic need not keep them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use broker::Connection;
use codec::ValueSchema;
use kafka::{KafkaError, ReadTopic, Reader};
use registry::Registry;

use crate::{cluster::Cluster, soak::fingerprints::Fingerprints};

const PARTITIONS: u32 = 8;
const WAIT: Duration = Duration::from_millis(500);

/// Reads what is committed in the topic of scored events until it is told that no more comes.
pub(crate) struct Reading {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Fingerprints>,
}

impl Reading {
    pub(crate) fn begin(cluster: &Cluster, schema: ValueSchema, events: u64) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (connection, registry, until) = (cluster.connection(), cluster.registry(), Arc::clone(&over));
        let topic = ReadTopic { name: "particles.scored".to_owned(), schema };
        let thread = thread::spawn(move || {
            let mut found = Fingerprints::of(events);
            let mut next: BTreeMap<u32, i64> = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
            // A reader that a broken server has stopped is followed by another one that goes on where it was.
            while let Err(error) = read(&connection, &registry, &topic, &mut next, &mut found, &until) {
                println!("      reading scored events again: {error}");
                thread::sleep(Duration::from_secs(1));
            }
            found
        });
        Self { over, thread }
    }

    /// Everything is decided: reads to the end.
    pub(crate) fn end(self) -> Fingerprints {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn read(
    connection: &Connection,
    registry: &Registry,
    topic: &ReadTopic,
    next: &mut BTreeMap<u32, i64>,
    found: &mut Fingerprints,
    until: &AtomicBool,
) -> Result<(), KafkaError> {
    let starts: Vec<(u32, i64)> = next.iter().map(|(partition, offset)| (*partition, *offset)).collect();
    let mut reader = Reader::assign(connection, registry, topic, &starts)?;
    loop {
        let over = until.load(Ordering::Relaxed);
        let received = reader.next(WAIT)?;
        let none = received.is_empty();
        for received in received {
            assert!(received.rejected.is_empty(), "everything in {} is ours: {:?}", topic.name, received.rejected);
            found.add(&received.rows);
            next.insert(received.partition, received.next as i64);
        }
        if over && none && reader.ended().len() == starts.len() {
            return Ok(());
        }
    }
}
