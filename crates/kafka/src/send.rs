//! Sends a few records to a stream, beside its generator: all of them or none.

use std::time::Duration;

use broker::Connection;
use rdkafka::producer::Producer;
use registry::Registry;
use source::{Records, Router};
use stream::Stream;

use crate::{
    KafkaError,
    core::{beginning, trouble},
    outbound::{Target, flush},
    runtime::{BEGINNING_MAX, TRANSACTION_CALL_MAX, now_millis, transactional},
};

/// How long the transaction may stay open.
const TRANSACTION: Duration = Duration::from_secs(10);

/// Sends the rows of `records` to the stream's raw topic in one transaction of the producer `id`, and says how many
/// there were. Records that are no rows are left out.
///
/// # Errors
/// Where the cluster or the registry does not take them.
pub fn send_records(
    connection: &Connection,
    registry: &Registry,
    stream: &Stream,
    id: &str,
    records: Records,
) -> Result<u64, KafkaError> {
    let spec = &stream.definition.spec;
    let mut target = Target::new(&stream.topics().raw, stream.input.clone(), registry)?;
    let shares = Router::new(&spec.key, spec.partitions).route(records)?;
    let producer = transactional(connection, id, TRANSACTION)?;
    producer.init_transactions(BEGINNING_MAX).map_err(beginning)?;
    producer.begin_transaction().map_err(|source| trouble("beginning a transaction", source))?;
    let (now, mut sent) = (now_millis(), 0);
    for share in shares {
        let Some(rows) = share.rows else { continue };
        target.send(
            &producer,
            share.partition,
            &rows.batch,
            |row| rows.keys.value(row).as_bytes(),
            |_| now,
            |_| None,
        )?;
        sent += rows.len() as u64;
    }
    flush(&producer, TRANSACTION_CALL_MAX)?;
    producer.commit_transaction(TRANSACTION_CALL_MAX).map_err(|source| trouble("committing a transaction", source))?;
    Ok(sent)
}
