//! How to reach a cluster.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use rdkafka::{
    ClientConfig,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::{BaseConsumer, Consumer},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{BrokerError, Reports};

/// How the connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// Not at all.
    #[default]
    Plaintext,
    /// Encrypted.
    Tls,
    /// With a password.
    SaslPlaintext,
    /// Encrypted, with a password.
    SaslTls,
}

impl Security {
    fn protocol(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Tls => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslTls => "sasl_ssl",
        }
    }
}

impl fmt::Display for Security {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Plaintext => "plaintext",
            Self::Tls => "tls",
            Self::SaslPlaintext => "sasl-plaintext",
            Self::SaslTls => "sasl-tls",
        })
    }
}

/// How to reach a cluster, and as whom. Showing it shows no secret.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// Some of the brokers: `host:port,host:port`.
    pub bootstrap: String,
    /// How the connection is protected.
    pub security: Security,
    /// The SASL mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
    pub mechanism: Option<String>,
    /// The user.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<SecretString>,
    /// Who signs the brokers' certificates; the system's authorities where absent.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, where the brokers ask for one.
    pub cert_file: Option<PathBuf>,
    /// The key of our own certificate.
    pub key_file: Option<PathBuf>,
    /// How brokers' logs and quotas call us.
    pub client_id: String,
    /// Properties of librdkafka for what has no setting here.
    pub properties: BTreeMap<String, String>,
}

impl Connection {
    /// A connection without protection.
    pub fn plaintext(bootstrap: impl Into<String>) -> Self {
        Self { bootstrap: bootstrap.into(), client_id: "beamline".into(), ..Self::default() }
    }

    /// The settings of a client.
    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Info);
        config.set("bootstrap.servers", &self.bootstrap).set("security.protocol", self.security.protocol());
        if !self.client_id.is_empty() {
            config.set("client.id", &self.client_id);
        }
        if matches!(self.security, Security::SaslPlaintext | Security::SaslTls) {
            config.set("sasl.mechanisms", self.mechanism.as_deref().unwrap_or("SCRAM-SHA-512"));
        }
        let files = [
            ("ssl.ca.location", &self.ca_file),
            ("ssl.certificate.location", &self.cert_file),
            ("ssl.key.location", &self.key_file),
        ];
        for (property, file) in files {
            if let Some(file) = file {
                config.set(property, file.display().to_string());
            }
        }
        if let Some(username) = &self.username {
            config.set("sasl.username", username);
        }
        if let Some(password) = &self.password {
            config.set("sasl.password", password.expose_secret());
        }
        // A broker that is back should be found within a second, not ten.
        config.set("reconnect.backoff.max.ms", "1000");
        for (property, value) in &self.properties {
            config.set(property, value);
        }
        config
    }

    /// Makes a client of these settings and those of `adjust`.
    ///
    /// # Errors
    /// [`BrokerError::Settings`] where they make none.
    pub fn client<T, C>(&self, context: C, adjust: impl FnOnce(&mut ClientConfig)) -> Result<T, BrokerError>
    where
        T: FromClientConfigAndContext<C>,
        C: rdkafka::ClientContext,
    {
        let mut config = self.config();
        adjust(&mut config);
        config.create_with_context(context).map_err(|error| BrokerError::Settings(error.to_string()))
    }

    /// Makes sure that the cluster answers within `patience`.
    ///
    /// # Errors
    /// What keeps it from answering: an address, credentials, certificates.
    pub fn check(&self, patience: Duration) -> Result<(), BrokerError> {
        let reports = Reports::default();
        let client: BaseConsumer<Reports> = self.client(reports.clone(), |_| ())?;
        let begun = std::time::Instant::now();
        loop {
            // Short tries: refused credentials are known long before the patience ends.
            let left = patience.saturating_sub(begun.elapsed()).min(Duration::from_secs(1));
            match client.fetch_metadata(Some("__beamline_none"), left) {
                Ok(_) => return Ok(()),
                Err(error) if error.rdkafka_error_code().is_some_and(crate::error::is_forbidden) => return Ok(()),
                // What the client reports is only heard by polling it.
                Err(_) => drop(client.poll(Duration::from_millis(10))),
            }
            if reports.is_refusal() || begun.elapsed() >= patience {
                return Err(reports.explain(&self.bootstrap));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_secret() {
        let connection = Connection {
            password: Some("hunter2".into()),
            username: Some("ann".into()),
            security: Security::SaslTls,
            ..Connection::plaintext("localhost:1")
        };
        assert!(!format!("{connection:?}").contains("hunter2"));
        assert_eq!(connection.config().get("sasl.password"), Some("hunter2"));
        assert_eq!(connection.config().get("security.protocol"), Some("sasl_ssl"));
    }

    #[test]
    fn says_where_nobody_answers() {
        let error = Connection::plaintext("127.0.0.1:1").check(Duration::from_millis(300)).unwrap_err();
        assert!(error.to_string().contains("no answer from Kafka at 127.0.0.1:1"), "{error}");
    }
}
