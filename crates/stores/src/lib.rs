//! What services that write to a store or ask it are told: where it is, as whom, and which topics fill which tables.

mod tables;

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;
use service::settings::Secret;

pub use self::tables::{Source, sources};

/// Where the stores are, to be flattened into a service's own settings.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Stores")]
pub struct StoreAccess {
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
    /// The lake: a folder, file://, hdfs://, s3://, gs:// or az://.
    #[arg(long, value_name = "URL", env = "BEAMLINE_LAKE", hide_env_values = true)]
    pub lake: Option<String>,
    /// The password itself.
    #[arg(skip)]
    pub cql_password: Option<SecretString>,
}

impl StoreAccess {
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

    /// The passwords, to be filled in.
    pub fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret { name: "cql-password", value: &mut self.cql_password }]
    }

    /// What is wrong with them as a whole.
    pub fn check(&self) -> Vec<String> {
        match self.cql_cert_file.is_some() == self.cql_key_file.is_some() {
            true => Vec::new(),
            false => vec!["--cql-cert-file and --cql-key-file go together".to_owned()],
        }
    }
}
