//! How Kafka and the schema registry are reached, for services and for the command line.

use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use secrecy::SecretString;

use super::{Secret, secrets};
use crate::Failure;

/// How to reach Kafka, and as whom.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kafka")]
pub struct Kafka {
    /// Some of Kafka's brokers: host:port,host:port.
    #[arg(long, value_name = "HOSTS", env = "BEAMLINE_KAFKA_BOOTSTRAP", hide_env_values = true, required = true)]
    pub kafka_bootstrap: String,
    /// As whom.
    #[command(flatten)]
    pub access: KafkaAccess,
}

/// As whom Kafka is reached, and how the connection is protected.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kafka")]
pub struct KafkaAccess {
    /// How the connection to Kafka is protected.
    #[arg(
        long, value_name = "HOW", default_value = "plaintext", env = "BEAMLINE_KAFKA_SECURITY", hide_env_values = true,
        value_parser = PossibleValuesParser::new(["plaintext", "tls", "sasl-plaintext", "sasl-tls"]).map(security)
    )]
    pub kafka_security: broker::Security,
    /// The SASL mechanism [default: SCRAM-SHA-512].
    #[arg(
        long, value_name = "NAME", env = "BEAMLINE_KAFKA_MECHANISM", hide_env_values = true,
        value_parser = PossibleValuesParser::new(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
    )]
    pub kafka_mechanism: Option<String>,
    /// The user.
    #[arg(long, value_name = "NAME", env = "BEAMLINE_KAFKA_USERNAME", hide_env_values = true)]
    pub kafka_username: Option<String>,
    /// The file that holds the user's password; BEAMLINE_KAFKA_PASSWORD can hold it instead.
    #[arg(long, value_name = "FILE", env = "BEAMLINE_KAFKA_PASSWORD_FILE", hide_env_values = true)]
    pub kafka_password_file: Option<PathBuf>,
    /// Who signs the brokers' certificates, in PEM [default: the system's authorities].
    #[arg(long, value_name = "FILE", env = "BEAMLINE_KAFKA_CA_FILE", hide_env_values = true)]
    pub kafka_ca_file: Option<PathBuf>,
    /// Our own certificate, in PEM, where the brokers ask for one.
    #[arg(long, value_name = "FILE", env = "BEAMLINE_KAFKA_CERT_FILE", hide_env_values = true)]
    pub kafka_cert_file: Option<PathBuf>,
    /// The key of our own certificate, in PEM.
    #[arg(long, value_name = "FILE", env = "BEAMLINE_KAFKA_KEY_FILE", hide_env_values = true)]
    pub kafka_key_file: Option<PathBuf>,
    /// A property of librdkafka for what has no setting here; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = property)]
    pub kafka_property: Vec<(String, String)>,
    /// The password itself.
    #[arg(skip)]
    pub kafka_password: Option<SecretString>,
}

fn security(name: String) -> broker::Security {
    match name.as_str() {
        "tls" => broker::Security::Tls,
        "sasl-plaintext" => broker::Security::SaslPlaintext,
        "sasl-tls" => broker::Security::SaslTls,
        _ => broker::Security::Plaintext,
    }
}

/// A property of librdkafka, which must be none that holds a secret.
fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a property is written NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl Kafka {
    /// The settings as the crate `broker` takes them.
    pub fn connection(&self, client_id: &str) -> broker::Connection {
        self.access.connection(&self.kafka_bootstrap, client_id)
    }

    /// Reads the password, for a program that has its own way with settings.
    ///
    /// # Errors
    /// Where the file cannot be read, or the settings do not fit together.
    pub fn with_password(self) -> Result<Self, Failure> {
        Ok(Self { access: self.access.with_password()?, ..self })
    }

    /// The password, to be filled in.
    pub fn secrets(&mut self) -> Vec<Secret<'_>> {
        self.access.secrets()
    }

    /// What is wrong with them as a whole.
    pub fn check(&self) -> Vec<String> {
        self.access.check()
    }
}

impl KafkaAccess {
    /// The settings as the crate `broker` takes them.
    pub fn connection(&self, bootstrap: &str, client_id: &str) -> broker::Connection {
        broker::Connection {
            bootstrap: bootstrap.to_owned(),
            security: self.kafka_security,
            mechanism: self.kafka_mechanism.clone(),
            username: self.kafka_username.clone(),
            password: self.kafka_password.clone(),
            ca_file: self.kafka_ca_file.clone(),
            cert_file: self.kafka_cert_file.clone(),
            key_file: self.kafka_key_file.clone(),
            client_id: client_id.to_owned(),
            properties: self.kafka_property.iter().cloned().collect::<BTreeMap<_, _>>(),
        }
    }

    /// Reads the password, for a program that has its own way with settings.
    ///
    /// # Errors
    /// Where the file cannot be read, or the settings do not fit together.
    pub fn with_password(mut self) -> Result<Self, Failure> {
        let file = self.kafka_password_file.as_deref();
        let read = secrets::read_one("kafka-password", file, &|name| std::env::var_os(name));
        self.kafka_password = read.map_err(Failure::configuration)?;
        sound(self.check()).map(|()| self)
    }

    /// The password, to be filled in.
    pub fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret { name: "kafka-password", value: &mut self.kafka_password }]
    }

    /// What is wrong with them as a whole.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let security = self.kafka_security;
        let is_sasl = matches!(security, broker::Security::SaslPlaintext | broker::Security::SaslTls);
        let is_tls = matches!(security, broker::Security::Tls | broker::Security::SaslTls);
        let needs = |what: &str| format!("--kafka-security {security} needs {what}");
        if is_sasl && self.kafka_username.is_none() {
            wrong.push(needs("--kafka-username"));
        }
        if is_sasl && self.kafka_password.is_none() {
            wrong.push(needs("--kafka-password-file, or BEAMLINE_KAFKA_PASSWORD"));
        }
        let idle = |what: &str, wanted: &str| {
            format!("{what} does nothing under --kafka-security {security}; set that to {wanted}, or leave it out")
        };
        if !is_sasl && (self.kafka_username.is_some() || self.kafka_mechanism.is_some()) {
            wrong.push(idle("--kafka-username or --kafka-mechanism", "sasl-tls"));
        }
        let files = [
            ("--kafka-ca-file", &self.kafka_ca_file),
            ("--kafka-cert-file", &self.kafka_cert_file),
            ("--kafka-key-file", &self.kafka_key_file),
        ];
        for (name, file) in files {
            let Some(path) = file else { continue };
            match fs::read(path) {
                Err(error) => wrong.push(format!("{name}: cannot read {}: {error}", path.display())),
                Ok(_) if !is_tls => wrong.push(idle(name, "tls or sasl-tls")),
                Ok(_) => {}
            }
        }
        if self.kafka_cert_file.is_some() != self.kafka_key_file.is_some() {
            wrong.push("--kafka-cert-file and --kafka-key-file go together".to_owned());
        }
        for (name, _) in &self.kafka_property {
            if ["password", "secret", "key.pem", "oauthbearer"].iter().any(|word| name.contains(word)) {
                wrong.push(format!("--kafka-property {name}: a secret does not belong there, where others can see it"));
            }
        }
        wrong
    }
}

/// How to reach the schema registry, and as whom.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Schema registry")]
pub struct Registry {
    /// The schema registry, base path included.
    #[arg(long, value_name = "URL", env = "BEAMLINE_REGISTRY_URL", hide_env_values = true, required = true)]
    pub registry_url: String,
    /// As whom.
    #[command(flatten)]
    pub access: RegistryAccess,
}

/// As whom the schema registry is reached.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Schema registry")]
pub struct RegistryAccess {
    /// The user.
    #[arg(long, value_name = "NAME", env = "BEAMLINE_REGISTRY_USERNAME", hide_env_values = true)]
    pub registry_username: Option<String>,
    /// The file that holds the user's password; BEAMLINE_REGISTRY_PASSWORD can hold it instead.
    #[arg(long, value_name = "FILE", env = "BEAMLINE_REGISTRY_PASSWORD_FILE", hide_env_values = true)]
    pub registry_password_file: Option<PathBuf>,
    /// Who signs the registry's certificate, in PEM [default: the system's authorities].
    #[arg(long, value_name = "FILE", env = "BEAMLINE_REGISTRY_CA_FILE", hide_env_values = true)]
    pub registry_ca_file: Option<PathBuf>,
    /// The password itself.
    #[arg(skip)]
    pub registry_password: Option<SecretString>,
}

impl Registry {
    /// The settings as the crate `registry` takes them.
    pub fn settings(&self) -> registry::Settings {
        self.access.settings(&self.registry_url)
    }

    /// Reads the password, for a program that has its own way with settings.
    ///
    /// # Errors
    /// Where the file cannot be read, or the settings do not fit together.
    pub fn with_password(self) -> Result<Self, Failure> {
        Ok(Self { access: self.access.with_password(&self.registry_url)?, ..self })
    }

    /// The password, to be filled in.
    pub fn secrets(&mut self) -> Vec<Secret<'_>> {
        self.access.secrets()
    }

    /// What is wrong with them as a whole.
    pub fn check(&self) -> Vec<String> {
        self.access.check(&self.registry_url)
    }
}

impl RegistryAccess {
    /// The settings as the crate `registry` takes them.
    pub fn settings(&self, url: &str) -> registry::Settings {
        registry::Settings {
            url: url.to_owned(),
            username: self.registry_username.clone(),
            password: self.registry_password.clone(),
            ca_file: self.registry_ca_file.clone(),
            retry_for: registry::RETRY_FOR,
        }
    }

    /// Reads the password, for a program that has its own way with settings.
    ///
    /// # Errors
    /// Where the file cannot be read, or the settings do not fit together.
    pub fn with_password(mut self, url: &str) -> Result<Self, Failure> {
        let file = self.registry_password_file.as_deref();
        let read = secrets::read_one("registry-password", file, &|name| std::env::var_os(name));
        self.registry_password = read.map_err(Failure::configuration)?;
        sound(self.check(url)).map(|()| self)
    }

    /// The password, to be filled in.
    pub fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret { name: "registry-password", value: &mut self.registry_password }]
    }

    /// What is wrong with them as a whole.
    pub fn check(&self, url: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Err(error) = registry::Registry::new(&self.settings(url)) {
            wrong.push(error.to_string());
        }
        match (&self.registry_username, &self.registry_password) {
            (Some(_), None) => wrong
                .push("--registry-username needs --registry-password-file, or BEAMLINE_REGISTRY_PASSWORD".to_owned()),
            (None, Some(_)) => wrong.push("the password for the registry needs --registry-username".to_owned()),
            _ => {}
        }
        wrong
    }
}

fn sound(wrong: Vec<String>) -> Result<(), Failure> {
    if wrong.is_empty() { Ok(()) } else { Err(Failure::configuration(wrong.join("\n"))) }
}
