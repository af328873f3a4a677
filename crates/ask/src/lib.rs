//! SQL over every kind of store, with the same table names: result files, CQL, a lake on an object store, topics.
//!
//! [`open`] gives a [`store::Session`] whatever the source is, so that a command line and a service ask alike.

mod bounds;
mod cql_table;
mod error;
mod lake_table;
mod topics;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use store::{
    QueryOptions, Session,
    query::{Tables, open_tables},
};

use self::cql_table::CqlTable;
pub use self::{error::AskError, topics::OnKafka};

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
            Ok(open_tables(streams, Vec::new(), options)?)
        }
        Source::Lake(location) => lake_table::open(location, options).await,
        Source::Kafka(streams) => topics::open(streams, options),
    }
}
