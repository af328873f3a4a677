//! Whether a generator may begin, and whether another has taken over from it.

use broker::Offsets;
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};

use super::settings::Generator;
use crate::KafkaError;

/// Whether another generator of the same stream has taken over: fighting it would send nothing but trouble.
pub(super) fn is_fenced(error: &KafkaError) -> bool {
    let (KafkaError::Client { source, .. } | KafkaError::Aborted { source, .. }) = error else { return false };
    let code = match source {
        ClientError::Transaction(error) => error.code(),
        other => match other.rdkafka_error_code() {
            Some(code) => code,
            None => return false,
        },
    };
    matches!(code, RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch)
}

/// Makes sure that nothing was sent yet: where no place is known, a beginning would send it again.
pub(super) fn expect_empty(generator: &Generator, offsets: &Offsets) -> Result<(), KafkaError> {
    match records(generator, offsets)? {
        0 => Ok(()),
        records => Err(place_lost(generator, records)),
    }
}

/// That nothing says how far the source has been sent, though the raw topic has so many records.
pub(super) fn place_lost(generator: &Generator, records: u64) -> KafkaError {
    let group = Generator::group(generator.stream.name());
    KafkaError::PlaceLost { topic: generator.topics.raw.clone(), records, group }
}

/// How many records the raw topic has, with marks of transactions.
pub(super) fn records(generator: &Generator, offsets: &Offsets) -> Result<u64, KafkaError> {
    let mut records = 0;
    for partition in 0..generator.stream.definition.spec.partitions {
        let (first, end) = offsets.range(&generator.topics.raw, partition)?;
        records += (end - first).max(0) as u64;
    }
    Ok(records)
}
