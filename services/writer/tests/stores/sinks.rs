//! The sinks under test, by the name of their backend.

use arrow::datatypes::SchemaRef;
use clap::ValueEnum;
use sink::{Sink, Table};
use writer::Backend;

use crate::rows::{PARTITIONS, stream};

/// The backends that are lakes. What all of them promise is tested on each of these.
pub(crate) const LAKES: [&str; 3] = ["parquet", "orc", "delta"];

/// A store: `cql` with a node's address, or `parquet`, `orc` and `delta` with a lake's.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) backend: String,
    pub(crate) at: String,
}

impl Store {
    pub(crate) fn new(backend: &str, at: impl Into<String>) -> Self {
        Self { backend: backend.to_owned(), at: at.into() }
    }

    pub(crate) fn kind(&self) -> Backend {
        Backend::from_str(&self.backend, false).unwrap()
    }

    pub(crate) fn settings(&self) -> cql::Settings {
        let request_limit = std::time::Duration::from_secs(2);
        cql::Settings { nodes: vec![self.at.clone()], replication: 1, request_limit, ..cql::Settings::default() }
    }

    /// Makes the tables, where the store wants that.
    pub(crate) fn prepare(&self) {
        if self.backend == "cql" {
            let request_limit = cql::Settings::default().request_limit;
            let settings = cql::Settings { request_limit, ..self.settings() };
            store::query::block_on(cql::apply(&settings, &layouts())).unwrap().unwrap();
        }
    }

    pub(crate) fn sink(&self) -> Box<dyn Sink> {
        let stream = stream();
        let topics = stream.topics();
        let time = &stream.definition.spec.time;
        let location = || lake::Location::parse(&self.at).unwrap();
        let tables = [
            (Table::ProcessedData, topics.scored.clone(), stream.scored.clone()),
            (Table::Anomalies, topics.anomalies.clone(), stream.scored.clone()),
            (Table::Aggregates, topics.aggregates.clone(), stream.aggregates.schema.clone()),
        ];
        let each = stream.aggregates.columns();
        match self.kind() {
            Backend::Cql => Box::new(cql::CqlSink::new(self.settings(), layouts()).unwrap()),
            Backend::Parquet => {
                let tables = tables.map(|(table, _, schema)| (table, schema));
                let sink = lake::FileSink::new(location(), lake::Format::Parquet, stream.name(), time, &tables);
                Box::new(sink.unwrap().with_aggregates(each))
            }
            Backend::Orc => {
                let sources = stores::sources(&stream).unwrap();
                let columns = |table: Table, schema: &SchemaRef| {
                    let source = sources.iter().find(|source| source.table == table).unwrap();
                    orc::Layout::new(schema, &source.texts_in_orc()).unwrap().table().clone()
                };
                let tables = tables.map(|(table, _, schema)| (table, columns(table, &schema)));
                let sink = lake::FileSink::new(location(), lake::Format::Orc, stream.name(), time, &tables);
                Box::new(sink.unwrap().with_aggregates(each))
            }
            Backend::Delta => {
                let sink = lake::DeltaSink::new(location(), stream.name(), time, &tables, PARTITIONS);
                Box::new(sink.unwrap().with_aggregates(each))
            }
        }
    }

    pub(crate) fn source(&self) -> ask::Source {
        match self.kind() {
            Backend::Cql => {
                let request_limit = cql::Settings::default().request_limit;
                let settings = cql::Settings { request_limit, ..self.settings() };
                ask::Source::Cql { settings, full_scan: false, stream: None }
            }
            Backend::Parquet | Backend::Orc | Backend::Delta => {
                ask::Source::Lake(lake::Location::parse(&self.at).unwrap())
            }
        }
    }
}

pub(crate) fn layouts() -> Vec<cql::Layout> {
    cql::Layout::of(&stream(), kafka::dead_letters_schema().unwrap().arrow()).unwrap()
}

#[test]
fn each_backend_is_cql_or_among_the_lakes() {
    let mut tested = LAKES.to_vec();
    tested.push("cql");
    let untested = Backend::value_variants().iter().map(|backend| backend.name()).filter(|name| !tested.contains(name));
    assert_eq!(untested.collect::<Vec<_>>(), [""; 0], "add them to LAKES, or test them in files of their own");
}
