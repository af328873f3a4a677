//! What the writer is told.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use secrecy::SecretString;
use service::settings::{Common, Process, Secret, Settings as ServiceSettings};

/// Where rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// A CQL store: ScyllaDB or Cassandra.
    Cql,
    /// Parquet files on disk or an object store.
    Parquet,
    /// Delta Lake tables on disk or an object store.
    Delta,
}

impl Backend {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cql => "cql",
            Self::Parquet => "parquet",
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
    /// CQL nodes, host:port,host:port.
    #[arg(long, value_name = "HOSTS", env = "BEAMLINE_CQL", hide_env_values = true)]
    pub cql: Option<String>,
    /// The keyspace.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "beamline",
        env = "BEAMLINE_CQL_KEYSPACE",
        hide_env_values = true
    )]
    pub cql_keyspace: String,
    /// The data centre to prefer.
    #[arg(long, value_name = "NAME", env = "BEAMLINE_CQL_DATACENTER", hide_env_values = true)]
    pub cql_datacenter: Option<String>,
    /// The user.
    #[arg(long, value_name = "NAME", env = "BEAMLINE_CQL_USERNAME", hide_env_values = true)]
    pub cql_username: Option<String>,
    /// The file that holds the user's password; BEAMLINE_CQL_PASSWORD can hold it instead.
    #[arg(long, value_name = "FILE", env = "BEAMLINE_CQL_PASSWORD_FILE", hide_env_values = true)]
    pub cql_password_file: Option<PathBuf>,
    /// Who signs the nodes' certificates, in PEM; with it, connections are encrypted.
    #[arg(long, value_name = "FILE", env = "BEAMLINE_CQL_CA_FILE", hide_env_values = true)]
    pub cql_ca_file: Option<PathBuf>,
    /// Our own certificate, in PEM.
    #[arg(long, value_name = "FILE", env = "BEAMLINE_CQL_CERT_FILE", hide_env_values = true)]
    pub cql_cert_file: Option<PathBuf>,
    /// Its key, in PEM.
    #[arg(long, value_name = "FILE", env = "BEAMLINE_CQL_KEY_FILE", hide_env_values = true)]
    pub cql_key_file: Option<PathBuf>,
    /// The lake: a folder, file://, s3://, gs:// or az://.
    #[arg(long, value_name = "URL", env = "BEAMLINE_LAKE", hide_env_values = true)]
    pub lake: Option<String>,
    /// The password itself.
    #[arg(skip)]
    pub cql_password: Option<SecretString>,
}

impl Settings {
    /// How to reach the CQL store.
    pub fn cql(&self) -> cql::Settings {
        cql::Settings {
            nodes: self.cql.iter().flat_map(|nodes| nodes.split(',')).map(|node| node.trim().to_owned()).collect(),
            keyspace: self.cql_keyspace.clone(),
            datacenter: self.cql_datacenter.clone(),
            username: self.cql_username.clone(),
            password: self.cql_username.as_ref().and(self.cql_password.clone()),
            tls: self.cql_ca_file.clone().map(|ca_file| cql::Tls {
                ca_file,
                identity: self.cql_cert_file.clone().zip(self.cql_key_file.clone()),
            }),
            ..cql::Settings::default()
        }
    }
}

impl ServiceSettings for Settings {
    const NAME: &'static str = "writer";
    const ABOUT: &'static str =
        "Stores the events of a stream in ScyllaDB or Cassandra, or as Parquet or Delta on an object store";

    fn process(&self) -> &Process {
        &self.common.process
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        let mut secrets = self.common.secrets();
        secrets.push(Secret { name: "cql-password", value: &mut self.cql_password });
        secrets
    }

    fn check(&self) -> Vec<String> {
        let mut mistakes = self.common.check();
        match (self.backend, &self.cql, &self.lake) {
            (Backend::Cql, None, _) => mistakes.push("--backend cql needs --cql HOST:PORT".to_owned()),
            (Backend::Cql, Some(_), _) => mistakes.extend(self.cql().mistakes()),
            (_, _, None) => mistakes.push(format!("--backend {} needs --lake URL", self.backend.name())),
            (_, _, Some(lake)) => mistakes.extend(lake::Location::parse(lake).err().map(|error| error.to_string())),
        }
        if self.cql_cert_file.is_some() != self.cql_key_file.is_some() {
            mistakes.push("--cql-cert-file and --cql-key-file go together".to_owned());
        }
        if self.batch_rows == Some(0) {
            mistakes.push("--batch-rows must be at least 1".to_owned());
        }
        mistakes
    }
}
