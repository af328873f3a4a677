//! Sends a few records to a stream, beside its generator: all of them or none.

use std::time::Duration;

use broker::Connection;
use registry::Registry;
use source::{Records, Router};
use stream::Stream;

use crate::{
    KafkaError,
    client::transaction::TransactionalProducer,
    clock::now_millis,
    messages::{schemas::Register, size::Sizes, target::Target},
    runtime::live::Live,
};

/// How long the transaction may stay open.
const TRANSACTION: Duration = Duration::from_secs(10);

/// Sends the rows of `records` to the stream's raw topic in one transaction of the producer `id`, and says how many
/// there were. Records that are not rows are left out.
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
    let sizes = Sizes::of(stream);
    let spec = &stream.definition.spec;
    let (live, topics) = (Live::of(connection), stream.topics());
    let register = Register::new(&live, registry, &topics);
    let mut target = Target::new(&topics.raw, stream.input.clone(), &register, sizes.event())?;
    let shares = Router::new(&spec.key, spec.partitions).route(records)?;
    let producer = TransactionalProducer::connect(connection, id, TRANSACTION, sizes.message())?;
    producer.begin()?;
    let (now, mut sent) = (now_millis(), 0);
    for share in shares {
        let Some(rows) = share.rows else { continue };
        let too_large = target.send(
            producer.client(),
            share.partition,
            &rows.batch,
            |row| rows.keys.value(row).as_bytes(),
            |_| now,
            |_| None,
        )?;
        target.all(too_large)?;
        sent += rows.len() as u64;
    }
    producer.commit()?;
    Ok(sent)
}
