//! What can go wrong between us and a cluster.

use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    types::RDKafkaErrorCode as Code,
};

/// What can go wrong between us and a cluster.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// A client that cannot be made of these settings.
    #[error("the settings of the Kafka client cannot be used: {0}")]
    Settings(String),
    /// Nobody answers.
    #[error("no answer from Kafka at {bootstrap}{}; check the address and that the broker is running", because(.reason))]
    Unreachable {
        /// Where it was looked for.
        bootstrap: String,
        /// The client's last complaint.
        reason: Option<String>,
    },
    /// The cluster refuses who we are.
    #[error(
        "Kafka at {bootstrap} refuses the credentials: {reason}; check the user name, the password and the mechanism"
    )]
    Credentials {
        /// Where.
        bootstrap: String,
        /// The client's complaint; never a secret.
        reason: String,
    },
    /// No trust in the certificate, on one side or the other.
    #[error("no encrypted connection to Kafka at {bootstrap}: {reason}; check the certificates and their dates")]
    Tls {
        /// Where.
        bootstrap: String,
        /// The client's complaint.
        reason: String,
    },
    /// The cluster does not let us.
    #[error("Kafka does not allow {what}; an administrator has to grant it (ACL)")]
    Forbidden {
        /// What was tried.
        what: String,
    },
    /// Anything else that the client says.
    #[error("{what}: {source}")]
    Client {
        /// What was tried.
        what: String,
        /// What the client says.
        source: KafkaError,
    },
    /// A topic's setting that the broker refuses.
    #[error("{what}: {reason}")]
    Refused {
        /// What was tried.
        what: String,
        /// What the broker says.
        reason: String,
    },
}

fn because(reason: &Option<String>) -> String {
    reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
}

impl BrokerError {
    /// `source` happened while doing `what`.
    pub fn client(what: impl Into<String>, source: KafkaError) -> Self {
        let what = what.into();
        match source.rdkafka_error_code() {
            Some(code) if is_forbidden(code) => Self::Forbidden { what },
            _ => Self::Client { what, source },
        }
    }
}

/// Whether an answer means that an ACL is missing.
pub fn is_forbidden(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
    )
}
