//! What librdkafka says on the side: kept, so that a failure can say why.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::ConsumerContext,
    error::KafkaError,
    message::DeliveryResult,
    producer::{NoCustomPartitioner, ProducerContext},
    types::RDKafkaErrorCode,
};

use crate::BrokerError;

/// The last complaint of a client. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Reports {
    last: Arc<Mutex<Option<(RDKafkaErrorCode, String)>>>,
}

impl Reports {
    /// The error that the last complaint explains, for a cluster at `bootstrap` that did not answer.
    pub fn explain(&self, bootstrap: &str) -> BrokerError {
        let bootstrap = bootstrap.to_owned();
        match self.last.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some((RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed, reason)) => {
                BrokerError::Credentials { bootstrap, reason }
            }
            Some((RDKafkaErrorCode::SSL, reason)) => BrokerError::Tls { bootstrap, reason },
            other => BrokerError::Unreachable { bootstrap, reason: other.map(|(_, reason)| reason) },
        }
    }

    /// Whether the last complaint is one that waiting does not mend: refused credentials or certificates.
    pub fn is_refusal(&self) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(
            last.as_ref().map(|(code, _)| *code),
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed | RDKafkaErrorCode::SSL)
        )
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                tracing::warn!(facility, message, "kafka client");
            }
            _ => tracing::debug!(facility, message, "kafka client"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
        let Some(code) = error.rdkafka_error_code() else { return };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down only follows from what was said before.
        if code != RDKafkaErrorCode::AllBrokersDown || last.is_none() {
            *last = Some((code, reason.to_owned()));
        }
    }
}

impl ConsumerContext for Reports {}

impl ProducerContext<NoCustomPartitioner> for Reports {
    type DeliveryOpaque = ();

    /// A message that was not delivered fails the transaction it belongs to: nothing is left to do here.
    fn delivery(&self, _: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {}
}
