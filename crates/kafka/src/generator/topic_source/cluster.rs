//! The cluster and the registry of a topic that another program writes.

use std::{fs, path::Path};

use broker::{Connection, Security};
use registry::{Registry, Settings};
use stream::SourceSecurity;

use crate::KafkaError;

/// How the cluster of the messages is reached: the stream's own, unless the definition names another. Files are relative
/// to `base`.
///
/// # Errors
/// Where the password cannot be read.
pub fn connection_of(definition: &stream::Kafka, base: &Path, own: &Connection) -> Result<Connection, KafkaError> {
    let Some(cluster) = &definition.cluster else { return Ok(own.clone()) };
    let security = match cluster.security {
        SourceSecurity::Plaintext => Security::Plaintext,
        SourceSecurity::Tls => Security::Tls,
        SourceSecurity::SaslPlaintext => Security::SaslPlaintext,
        SourceSecurity::SaslTls => Security::SaslTls,
    };
    let password = cluster.password_file.as_deref().map(|file| secret(base, file)).transpose()?;
    Ok(Connection {
        bootstrap: cluster.brokers.clone(),
        security,
        mechanism: cluster.mechanism.map(|mechanism| mechanism.name().to_owned()),
        username: cluster.username.clone(),
        password: password.map(Into::into),
        ca_file: cluster.ca_file.as_deref().map(|file| base.join(file)),
        client_id: own.client_id.clone(),
        ..Connection::default()
    })
}

/// The registry of the messages' schemas: the stream's own, unless the definition names another.
///
/// # Errors
/// Where the password cannot be read, or the settings make no client.
pub fn registry_of(definition: &stream::Kafka, base: &Path, own: &Registry) -> Result<Registry, KafkaError> {
    let Some(registry) = &definition.registry else { return Ok(own.clone()) };
    let password = registry.password_file.as_deref().map(|file| secret(base, file)).transpose()?;
    let settings = Settings {
        username: registry.username.clone(),
        password: password.map(Into::into),
        ..Settings::new(&registry.url)
    };
    Ok(Registry::new(&settings)?)
}

/// What a file holds, without the line end that editors add.
fn secret(base: &Path, file: &str) -> Result<String, KafkaError> {
    let path = base.join(file);
    let text = fs::read_to_string(&path)
        .map_err(|error| KafkaError::Secret { path: path.display().to_string(), reason: error.to_string() })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
