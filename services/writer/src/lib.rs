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
mod settings;
mod tables;

use std::{collections::BTreeMap, time::Duration};

use measure::{CONSUMER_LAG, STORE_RETRIES, STORE_ROWS, STORE_WRITE_DURATION, STORE_WRITES};
use service::{Context, Failure};
use sink::{Sink, Table};
use stream::{Stream, columns::ANOMALY_CAUSES};

pub use self::{
    drive::{Done, DriveError, Meter, drive},
    feed::{Feed, FeedError},
    kafka_feed::KafkaFeed,
    limits::Limits,
    settings::{Backend, Settings},
    tables::{Source, sources},
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
    let mut sources = sources(&stream)?;
    if settings.backend != Backend::Cql {
        // The results of a window replace each other, which files that are only added to cannot show.
        sources.retain(|source| source.table != Table::Aggregates);
    }
    let mut sink = open_sink(&settings, &stream, &sources)?;
    let registry = registry::Registry::new(&settings.common.registry()).map_err(Failure::configuration)?;
    let group = format!("beamline.{}.writer-{}", stream.name(), settings.backend.name());
    let feed = KafkaFeed::new(&settings.common.connection(), &registry, &group, &sources, settings.backend.name());
    let mut feed = feed.map_err(Failure::run_time)?;
    let limits = limits(&settings);
    let meter = StoreMeter { labels: [stream.name().to_owned(), settings.backend.name().to_owned()] };
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
            let letters = kafka::letters_schema().map_err(Failure::run_time)?;
            let layouts = cql::Layout::of(stream, letters.arrow()).map_err(Failure::configuration)?;
            Box::new(cql::CqlSink::new(settings.store.cql(), layouts).map_err(Failure::configuration)?)
        }
        Backend::Parquet => {
            let tables: Vec<_> = sources.iter().map(|source| (source.table, source.columns.clone())).collect();
            let location = location().map_err(Failure::configuration)?;
            let sink = lake::FileSink::new(location, lake::Format::Parquet, stream.name(), time, &tables);
            Box::new(sink.map_err(Failure::configuration)?)
        }
        Backend::Orc => {
            // The detector's list of causes is JSON text, as in the files of one process.
            let columns = |source: &Source| {
                let layout = orc::Layout::new(&source.columns, &[ANOMALY_CAUSES]).map_err(Failure::configuration)?;
                Ok((source.table, layout.table().clone()))
            };
            let tables: Vec<_> = sources.iter().map(columns).collect::<Result<_, Failure>>()?;
            let location = location().map_err(Failure::configuration)?;
            let sink = lake::FileSink::new(location, lake::Format::Orc, stream.name(), time, &tables);
            Box::new(sink.map_err(Failure::configuration)?)
        }
        Backend::Delta => {
            let tables = sources.iter().map(|source| (source.table, source.topic.clone(), source.columns.clone()));
            let tables: Vec<_> = tables.collect();
            let location = location().map_err(Failure::configuration)?;
            let partitions = stream.definition.spec.partitions;
            let sink = lake::DeltaSink::new(location, stream.name(), time, &tables, partitions);
            Box::new(sink.map_err(Failure::configuration)?)
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
}

impl Meter for StoreMeter {
    fn stored(&self, rows: u64, after: Duration) {
        let [stream, backend] = [self.labels[0].as_str(), self.labels[1].as_str()];
        STORE_ROWS.of([stream, backend]).increment(rows);
        STORE_WRITES.of([stream, backend, "acknowledged"]).increment(1);
        STORE_WRITE_DURATION.of([stream, backend]).record(after.as_secs_f64());
    }

    fn failed(&self) {
        let [stream, backend] = [self.labels[0].as_str(), self.labels[1].as_str()];
        STORE_WRITES.of([stream, backend, "failed"]).increment(1);
        STORE_RETRIES.of([stream, backend]).increment(1);
    }

    fn waiting(&self, lags: &BTreeMap<u32, u64>) {
        for (partition, lag) in lags {
            CONSUMER_LAG.of([&self.labels[0], &self.labels[1], &partition.to_string()]).set(*lag as f64);
        }
    }
}
