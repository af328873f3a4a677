//! SQL over every kind of store, with the same table names: result files, CQL, a lake on an object store, topics.
//!
//! [`open`] gives a [`store::Session`] whatever the source is, so that a command line and a service ask alike.

mod bounds;
mod cql_table;
mod error;
mod lake_table;
mod topics;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use arrow::error::ArrowError;
use sink::StoredProbe;
use store::{
    QueryOptions, Session, StoreError,
    query::{Tables, open_tables},
};

use self::cql_table::CqlTable;
pub use self::{error::AskError, topics::OnKafka};

/// What the table of probes is called.
const PROBES: &str = "probes";

/// What is asked.
#[derive(Debug, Clone)]
pub enum Source {
    /// Folders of results.
    Results(Vec<PathBuf>),
    /// A keyspace.
    Cql {
        /// How to connect.
        settings: cql::Settings,
        /// Whether a query may read a whole table.
        full_scan: bool,
        /// The stream whose tables are asked; those of all streams where none is named.
        stream: Option<String>,
    },
    /// Parquet or ORC files, or Delta tables on an object store.
    Lake(lake::Location),
    /// Topics of streams.
    Kafka(Vec<OnKafka>),
}

/// Opens a source as it is now.
///
/// # Errors
/// Where it is not there or cannot be read.
pub async fn open(source: &Source, options: &QueryOptions) -> Result<Session, AskError> {
    match source {
        Source::Results(folders) => Ok(store::query::open(folders, options).await?),
        Source::Cql { settings, full_scan, stream: only } => {
            let reader = cql::Reader::connect(settings).await?;
            let mut streams: Vec<Tables> = Vec::new();
            for layout in reader.tables().await? {
                let (stream, table) = (layout.stream.clone(), layout.table);
                if only.as_ref().is_some_and(|only| *only != stream) {
                    continue;
                }
                let provider = Arc::new(CqlTable::new(reader.clone(), layout, *full_scan));
                match streams.iter_mut().find(|tables| tables.stream == stream) {
                    Some(tables) => tables.providers.push((table, provider)),
                    None => {
                        streams.push(Tables { stream, providers: vec![(table, provider)], aggregates: BTreeMap::new() })
                    }
                }
            }
            let mut probes = reader.probes().await?;
            probes.retain(|(stream, ..)| streams.iter().any(|tables| tables.stream == *stream));
            let session = open_tables(streams, Vec::new(), options)?;
            add_probes(&session, probes)?;
            Ok(session)
        }
        Source::Lake(location) => lake_table::open(location, options).await,
        Source::Kafka(streams) => topics::open(streams, options),
    }
}

/// Adds the table of probes, a row for each partition that has had one.
pub(crate) fn add_probes(session: &Session, mut probes: Vec<(String, u32, StoredProbe)>) -> Result<(), AskError> {
    probes.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let failed = |error: ArrowError| StoreError::Query { message: error.to_string(), suggestion: None };
    Ok(session.add_rows(PROBES, StoredProbe::table(&probes).map_err(failed)?)?)
}
