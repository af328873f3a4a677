//! Connecting to a CQL store.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use scylla::{
    client::{execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder},
    policies::retry::FallthroughRetryPolicy,
    statement::Consistency,
};
use secrecy::{ExposeSecret, SecretString};

use crate::CqlError;

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A connection on which nothing has come for so long is asked whether it lives, and given up after as long again.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Where a CQL store is and how to talk to it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Nodes to begin with, `host:port`.
    pub nodes: Vec<String>,
    /// The keyspace of the tables.
    pub keyspace: String,
    /// Copies of each row in each data centre, when the keyspace is made.
    pub replication: u32,
    /// Whose rows.
    pub username: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
    /// Encryption; `None` for none.
    pub tls: Option<Tls>,
    /// The data centre to prefer, whose nodes must acknowledge.
    pub datacenter: Option<String>,
    /// How long a request may take before it counts as failed.
    pub request_limit: Duration,
    /// Whether one node's acknowledgement is enough. Without it, a quorum of the (preferred) data centre's.
    pub one_acknowledgement: bool,
}

/// Encryption.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Who signed the nodes' certificates, in PEM.
    pub ca_file: PathBuf,
    /// This client's certificate and private key, in PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            nodes: vec!["127.0.0.1:9042".to_owned()],
            keyspace: "beamline".to_owned(),
            replication: 3,
            username: None,
            password: None,
            tls: None,
            datacenter: None,
            request_limit: Duration::from_secs(10),
            one_acknowledgement: false,
        }
    }
}

impl Settings {
    /// What cannot be used; empty where all is well.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.keyspace.is_empty() || self.keyspace.len() > 48 || !self.keyspace.chars().all(letters) {
            mistakes.push(format!(
                "the keyspace {:?} must be 1 to 48 lower-case letters, digits and underscores",
                self.keyspace
            ));
        }
        if self.nodes.is_empty() {
            mistakes.push("name at least one CQL node, as host:port".to_owned());
        }
        if self.username.is_some() != self.password.is_some() {
            mistakes.push("a CQL user name and a password go together".to_owned());
        }
        if self.replication == 0 {
            mistakes.push("the replication must be at least 1".to_owned());
        }
        mistakes
    }

    /// Connects.
    ///
    /// # Errors
    /// `Setting` or `File` where the settings cannot be used, `Unreachable` where no node answers, `Encryption`
    /// where a node and this program do not trust each other, `Refused` where the login is wrong.
    pub(crate) async fn connect(&self) -> Result<Session, CqlError> {
        if let Some(mistake) = self.mistakes().into_iter().next() {
            return Err(CqlError::Setting(mistake));
        }
        let consistency = if self.one_acknowledgement { Consistency::LocalOne } else { Consistency::LocalQuorum };
        // Requests that fail are repeated by whoever made them, who knows that they are idempotent; none is ever sent
        // twice on suspicion.
        let profile = ExecutionProfile::builder()
            .consistency(consistency)
            .request_timeout(Some(self.request_limit))
            .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
            .speculative_execution_policy(None)
            .build();
        let mut builder = SessionBuilder::new()
            .known_nodes(&self.nodes)
            .default_execution_profile_handle(profile.into_handle())
            .connection_timeout(CONNECT_LIMIT)
            .keepalive_interval(KEEP_ALIVE)
            .keepalive_timeout(KEEP_ALIVE)
            .keyspaces_to_fetch([&self.keyspace]);
        if let Some(datacenter) = &self.datacenter {
            builder = builder.prefer_datacenter(datacenter.clone());
        }
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            builder = builder.user(username, password.expose_secret());
        }
        if let Some(tls) = &self.tls {
            builder = builder.tls_context(Some(tls.config()?));
        }
        builder.build().await.map_err(|error| CqlError::new_session(&self.nodes, &error))
    }
}

impl Tls {
    fn config(&self) -> Result<Arc<ClientConfig>, CqlError> {
        let failed =
            |path: &PathBuf, error: &dyn ToString| CqlError::File { path: path.clone(), message: error.to_string() };
        let certificates = |path: &PathBuf| -> Result<Vec<CertificateDer<'static>>, CqlError> {
            let pem = fs::read(path).map_err(|error| failed(path, &error))?;
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            match found {
                Ok(found) if found.is_empty() => Err(failed(path, &"there is no certificate in it")),
                found => found.map_err(|error| failed(path, &error)),
            }
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.ca_file)? {
            roots.add(certificate).map_err(|error| failed(&self.ca_file, &error))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| CqlError::Setting(error.to_string()))?
            .with_root_certificates(roots);
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let private = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, &error))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, private)
                    .map_err(|error| failed(certificate, &error))?
            }
        };
        Ok(Arc::new(config))
    }
}
