//! Stores the events of a stream: rows out of Kafka into a CQL store or a lake.
//!
//! Positions are committed only after the store has acknowledged the rows, and every store keeps the positions with its
//! rows as well: a repeated row overwrites itself (CQL) or is left out (Parquet, ORC, Delta), whichever writer it comes from.
//! So the stored rows are the committed events, whatever crashes, is paused or loses its place.

mod drive;
mod feed;
mod held;
mod kafka_feed;
mod limits;
mod probes;
mod settings;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use measure::{
    CONSUMER_LAG, PROBE_AGE, PROBE_STORED_TIME, STORE_RETRIES, STORE_ROWS, STORE_WRITE_DURATION, STORE_WRITES,
};
use service::{Context, Failure};
use sink::Sink;
use stores::Source;
use stream::Stream;

pub use self::{
    drive::{Done, DriveError, Meter, drive},
    feed::{Feed, FeedError},
    kafka_feed::KafkaFeed,
    limits::Limits,
    probes::Returned,
    settings::{Backend, Settings},
};

/// Memory for the rows of one write.
const BYTES_MAX: usize = 128 << 20;
/// Memory for rows that are held while the store is away; beyond that nothing more is taken in. One look at the topics may
/// come on top.
const HELD_BYTES_MAX: usize = 256 << 20;
const CQL_ROWS: u32 = 20_000;
const CQL_LINGER: Duration = Duration::from_millis(100);
const LAKE_ROWS: u32 = 500_000;
const LAKE_LINGER: Duration = Duration::from_secs(10);

/// Runs until it is told to stop.
///
/// # Errors
/// Where the settings cannot be used, Kafka cannot go on or the store refuses rows.
pub fn run(settings: Settings, context: Context) -> Result<(), Failure> {
    let stream = settings.common.load_stream()?;
    let sources = stores::sources(&stream)?;
    let mut sink = open_sink(&settings, &stream, &sources)?;
    let registry = registry::Registry::new(&settings.common.registry()).map_err(Failure::configuration)?;
    let group = kafka::writer_group(stream.name(), settings.backend.name());
    let feed = KafkaFeed::new(&settings.common.connection(), &registry, &group, &sources, settings.backend.name());
    let mut feed = feed.map_err(Failure::run_time)?;
    let limits = limits(&settings);
    let meter = StoreMeter {
        labels: [stream.name().to_owned(), settings.backend.name().to_owned()],
        partitions: RefCell::default(),
    };
    let done = drive(&mut feed, sink.as_mut(), &limits, (&context.health, &meter), &|| context.is_stopping());
    let done = done.map_err(Failure::run_time)?;
    let (rows, writes, retries, given_up) = (done.rows, done.writes, done.retries, done.given_up);
    tracing::info!(rows, writes, retries, given_up, "stored");
    Ok(())
}

/// The sink of a backend.
///
/// # Errors
/// Where its settings cannot be used for this stream.
pub fn open_sink(settings: &Settings, stream: &Stream, sources: &[Source]) -> Result<Box<dyn Sink>, Failure> {
    let location = || lake::Location::parse(settings.store.lake.as_deref().unwrap_or_default());
    let time = &stream.definition.spec.time;
    Ok(match settings.backend {
        Backend::Cql => {
            let dead_letters = kafka::dead_letters_schema().map_err(Failure::run_time)?;
            let layouts = cql::Layout::of(stream, dead_letters.arrow()).map_err(Failure::configuration)?;
            Box::new(cql::CqlSink::new(settings.store.cql(), layouts).map_err(Failure::configuration)?)
        }
        Backend::Parquet => {
            let tables: Vec<_> = sources.iter().map(|source| (source.table, source.columns.clone())).collect();
            let location = location().map_err(Failure::configuration)?;
            let sink = lake::FileSink::new(location, lake::Format::Parquet, stream.name(), time, &tables);
            Box::new(sink.map_err(Failure::configuration)?.with_aggregates(stream.aggregates.columns()))
        }
        Backend::Orc => {
            let columns = |source: &Source| {
                let layout =
                    orc::Layout::new(&source.columns, &source.texts_in_orc()).map_err(Failure::configuration)?;
                Ok((source.table, layout.table().clone()))
            };
            let tables: Vec<_> = sources.iter().map(columns).collect::<Result<_, Failure>>()?;
            let location = location().map_err(Failure::configuration)?;
            let sink = lake::FileSink::new(location, lake::Format::Orc, stream.name(), time, &tables);
            Box::new(sink.map_err(Failure::configuration)?.with_aggregates(stream.aggregates.columns()))
        }
        Backend::Delta => {
            let tables = sources.iter().map(|source| (source.table, source.topic.clone(), source.columns.clone()));
            let tables: Vec<_> = tables.collect();
            let location = location().map_err(Failure::configuration)?;
            let partitions = stream.definition.spec.partitions;
            let sink = lake::DeltaSink::new(location, stream.name(), time, &tables, partitions);
            Box::new(sink.map_err(Failure::configuration)?.with_aggregates(stream.aggregates.columns()))
        }
    })
}

fn limits(settings: &Settings) -> Limits {
    let (rows, linger) = match settings.backend {
        Backend::Cql => (CQL_ROWS, CQL_LINGER),
        Backend::Parquet | Backend::Orc | Backend::Delta => (LAKE_ROWS, LAKE_LINGER),
    };
    Limits {
        rows: settings.batch_rows.unwrap_or(rows) as usize,
        bytes: BYTES_MAX,
        linger: settings.batch_interval.unwrap_or(linger),
        held_bytes: HELD_BYTES_MAX,
    }
}

/// The metrics of the store.
struct StoreMeter {
    labels: [String; 2],
    /// Partitions of which a time is told.
    partitions: RefCell<BTreeSet<u32>>,
}

impl Meter for StoreMeter {
    fn stored(&self, rows: u64, after: Duration) {
        let [stream, backend] = [self.labels[0].as_str(), self.labels[1].as_str()];
        STORE_ROWS.of([stream, backend]).increment(rows);
        STORE_WRITES.of([stream, backend, "acknowledged"]).increment(1);
        STORE_WRITE_DURATION.of([stream, backend]).record(after.as_secs_f64());
    }

    fn returned(&self, probes: &Returned) {
        let [stream, backend] = [self.labels[0].as_str(), self.labels[1].as_str()];
        let age = PROBE_AGE.of([stream, backend]);
        probes.ages.iter().for_each(|millis| age.record(*millis as f64 / 1e3));
        for (partition, probe) in &probes.newest {
            self.partitions.borrow_mut().insert(*partition);
            PROBE_STORED_TIME.of([stream, backend, &partition.to_string()]).set(probe.sent as f64 / 1e3);
        }
    }

    fn failed(&self) {
        let [stream, backend] = [self.labels[0].as_str(), self.labels[1].as_str()];
        STORE_WRITES.of([stream, backend, "failed"]).increment(1);
        STORE_RETRIES.of([stream, backend]).increment(1);
    }

    fn waiting(&self, lags: &BTreeMap<u32, u64>) {
        let mut partitions = self.partitions.borrow_mut();
        partitions.retain(|partition| lags.contains_key(partition));
        for (partition, lag) in lags {
            let labels = [self.labels[0].as_str(), self.labels[1].as_str(), &partition.to_string()];
            CONSUMER_LAG.of(labels).set(*lag as f64);
            if partitions.insert(*partition) {
                // From now on a probe is expected of it.
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                PROBE_STORED_TIME.of(labels).set(now.as_secs_f64());
            }
        }
    }
}
