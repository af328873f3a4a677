//! What the writer is told.

use std::time::Duration;

use clap::{Args, ValueEnum};
use service::settings::{Common, Process, Secret, Settings as ServiceSettings};
use stores::StoreAccess;

/// Where rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// A CQL store: ScyllaDB or Cassandra.
    Cql,
    /// Parquet files on disk or an object store.
    Parquet,
    /// ORC files on disk or an object store.
    Orc,
    /// Delta Lake tables on disk or an object store.
    Delta,
}

impl Backend {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cql => "cql",
            Self::Parquet => "parquet",
            Self::Orc => "orc",
            Self::Delta => "delta",
        }
    }
}

/// What the writer is told.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// What every service that works on a stream has.
    #[command(flatten)]
    pub common: Common,
    /// Where rows go.
    #[arg(long, value_enum, default_value = "cql", env = "BEAMLINE_BACKEND", hide_env_values = true)]
    pub backend: Backend,
    /// Write when so many rows are held [default: 20000 to CQL, 500000 to files].
    #[arg(long, value_name = "ROWS", env = "BEAMLINE_BATCH_ROWS", hide_env_values = true)]
    pub batch_rows: Option<u32>,
    /// Write at the latest after so long [default: 100ms to CQL, 10s to files].
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, env = "BEAMLINE_BATCH_INTERVAL", hide_env_values = true)]
    pub batch_interval: Option<Duration>,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreAccess,
}

impl ServiceSettings for Settings {
    const NAME: &'static str = "writer";
    const ABOUT: &'static str =
        "Stores the events of a stream in ScyllaDB or Cassandra, or as Parquet, ORC or Delta on an object store";

    fn process(&self) -> &Process {
        &self.common.process
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        let mut secrets = self.common.secrets();
        secrets.extend(self.store.secrets());
        secrets
    }

    fn check(&self) -> Vec<String> {
        let mut mistakes = self.common.check();
        match (self.backend, &self.store.cql, &self.store.lake) {
            (Backend::Cql, None, _) => mistakes.push("--backend cql needs --cql HOST:PORT".to_owned()),
            (Backend::Cql, Some(_), _) => mistakes.extend(self.store.cql().mistakes()),
            (_, _, None) => mistakes.push(format!("--backend {} needs --lake URL", self.backend.name())),
            (_, _, Some(lake)) => mistakes.extend(lake::Location::parse(lake).err().map(|error| error.to_string())),
        }
        mistakes.extend(self.store.check());
        if self.batch_rows == Some(0) {
            mistakes.push("--batch-rows must be at least 1".to_owned());
        }
        mistakes
    }
}
