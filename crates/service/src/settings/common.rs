//! The settings that services have in common, in groups to be flattened into a service's own.

use std::{collections::BTreeMap, fs, net::ToSocketAddrs, path::PathBuf, time::Duration};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use secrecy::SecretString;

use super::{Secret, secrets};
use crate::{Failure, logging::LogFormat, process_name};

/// What a service that works on a stream has: the stream, Kafka, the schema registry, and the process.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The stream definition.
    #[arg(long, value_name = "FILE", required = true)]
    pub stream: PathBuf,
    /// How to reach Kafka.
    #[command(flatten)]
    pub kafka: Kafka,
    /// How to reach the schema registry.
    #[command(flatten)]
    pub registry: Registry,
    /// What every process has.
    #[command(flatten)]
    pub process: Process,
}

impl Common {
    /// How to reach Kafka.
    pub fn connection(&self) -> broker::Connection {
        self.kafka.connection(&format!("beamline-{}", self.process.instance()))
    }

    /// How to reach the schema registry.
    pub fn registry(&self) -> registry::Settings {
        self.registry.settings()
    }

    /// The stream, read and checked with the files beside it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    #[cfg(feature = "stream")]
    pub fn load_stream(&self) -> Result<std::sync::Arc<stream::Stream>, Failure> {
        crate::load_stream(&self.stream)
    }

    /// The passwords, to be filled in.
    pub fn secrets(&mut self) -> Vec<Secret<'_>> {
        [self.kafka.secrets(), self.registry.secrets()].into_iter().flatten().collect()
    }

    /// What is wrong with them as a whole.
    pub fn check(&self) -> Vec<String> {
        [self.kafka.check(), self.registry.check(), self.process.check()].concat()
    }
}

/// How to reach Kafka, and as whom.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kafka")]
pub struct Kafka {
    /// Some of Kafka's brokers: host:port,host:port.
    #[arg(long, value_name = "HOSTS", env = "BEAMLINE_KAFKA_BOOTSTRAP", hide_env_values = true, required = true)]
    pub kafka_bootstrap: String,
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
        broker::Connection {
            bootstrap: self.kafka_bootstrap.clone(),
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
        registry::Settings {
            url: self.registry_url.clone(),
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
    pub fn with_password(mut self) -> Result<Self, Failure> {
        let file = self.registry_password_file.as_deref();
        let read = secrets::read_one("registry-password", file, &|name| std::env::var_os(name));
        self.registry_password = read.map_err(Failure::configuration)?;
        sound(self.check()).map(|()| self)
    }

    /// The password, to be filled in.
    pub fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret { name: "registry-password", value: &mut self.registry_password }]
    }

    /// What is wrong with them as a whole.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Err(error) = registry::Registry::new(&self.settings()) {
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

/// What every process has.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Process")]
pub struct Process {
    /// A file of settings, in YAML.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the settings that result, without secrets, and end.
    #[arg(long)]
    pub print_config: bool,
    /// Where /livez, /readyz and /metrics are answered.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9464")]
    pub listen: String,
    /// Which process of the service this is [default: the host's name].
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// How long the work may take to end once the process is told to; then it is cut off.
    #[arg(long, value_name = "DURATION", default_value = "25s", value_parser = humantime::parse_duration)]
    pub shutdown_limit: Duration,
    /// How long a loop may stand still before /livez says that it hangs.
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = humantime::parse_duration)]
    pub heartbeat_limit: Duration,
    /// The trace collector, for OTLP over HTTP; without it nothing is traced.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// The share of traces begun here that is kept.
    #[arg(long, value_name = "RATIO", default_value = "0.001")]
    pub trace_ratio: f64,
    /// What log lines look like.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "auto")]
    pub log_format: LogFormat,
}

impl Process {
    /// Which process of the service this is.
    pub fn instance(&self) -> String {
        self.instance.clone().unwrap_or_else(process_name::host)
    }

    /// What is wrong with them as a whole.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Err(error) = self.listen.to_socket_addrs() {
            wrong.push(format!("--listen: `{}` is no address: {error}", self.listen));
        }
        if !(0.0..=1.0).contains(&self.trace_ratio) {
            wrong.push(format!("--trace-ratio: {} is not between 0 and 1", self.trace_ratio));
        }
        match self.otlp_endpoint.as_deref().map(|endpoint| (endpoint, endpoint.split_once("://"))) {
            None => {}
            Some((_, Some(("http" | "https", rest)))) if !rest.contains('@') => {}
            Some((_, Some((_, rest)))) if rest.contains('@') => {
                wrong.push("--otlp-endpoint must hold no credentials; OTEL_EXPORTER_OTLP_HEADERS can".to_owned());
            }
            Some((endpoint, _)) => {
                wrong.push(format!("--otlp-endpoint: `{endpoint}` must be like http://collector:4318"));
            }
        }
        wrong
    }
}

fn sound(wrong: Vec<String>) -> Result<(), Failure> {
    if wrong.is_empty() { Ok(()) } else { Err(Failure::configuration(wrong.join("\n"))) }
}
