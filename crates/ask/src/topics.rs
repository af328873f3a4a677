//! Topics as tables: what is committed in them when they are opened.

mod latest;

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use arrow::{
    array::{AsArray, BooleanArray, RecordBatch, StringArray},
    compute::{filter, filter_record_batch},
    datatypes::SchemaRef,
};
use broker::{Connection, Offsets};
use datafusion::{
    catalog::streaming::StreamingTable,
    error::{DataFusionError, Result as DataFusionResult},
    execution::TaskContext,
    physical_plan::{SendableRecordBatchStream, stream::RecordBatchReceiverStream, streaming::PartitionStream},
};
use kafka::{ReadTopic, Reader};
use registry::Registry;
use store::{
    QueryOptions, Session, Table,
    query::{Tables, open_tables},
};
use stream::{Stream, Topics};

use self::latest::Latest;
use crate::AskError;

/// How long one look at a topic waits.
const LOOK: Duration = Duration::from_millis(200);
/// How many batches wait for the query at most.
const BATCHES_MAX: usize = 4;

/// A stream's topics.
#[derive(Debug, Clone)]
pub struct OnKafka {
    /// The cluster.
    pub connection: Connection,
    /// The registry.
    pub registry: Registry,
    /// The stream.
    pub stream: Arc<Stream>,
    /// Its topics: its own, or those of a replay.
    pub topics: Topics,
    /// Only what was taken in within these times, in milliseconds since 1970.
    pub taken_in: Range<i64>,
}

/// Opens the tables of streams. The results of windows are the latest of each key; a replay has none.
pub(crate) fn open(streams: &[OnKafka], options: &QueryOptions) -> Result<Session, AskError> {
    let streams: Vec<Tables> = streams.iter().map(tables).collect::<Result<_, AskError>>()?;
    Ok(open_tables(streams, Vec::new(), options)?)
}

fn tables(of: &OnKafka) -> Result<Tables, AskError> {
    let offsets = Offsets::connect(&of.connection)?;
    let (scored, anomalies) = (of.stream.scored_schema()?, of.stream.anomalies_schema()?);
    let mut tables = vec![
        (Table::ProcessedData, ReadTopic { name: of.topics.scored.clone(), schema: scored }),
        (Table::Anomalies, ReadTopic { name: of.topics.anomalies.clone(), schema: anomalies }),
        (Table::DeadLetters, ReadTopic { name: of.topics.dead_letters.clone(), schema: kafka::dead_letters_schema()? }),
    ];
    if !of.stream.aggregates.is_empty() {
        tables.push((Table::Late, ReadTopic { name: of.topics.late.clone(), schema: of.stream.late_schema()? }));
        if offsets.partitions(&of.topics.aggregates)? > 0 {
            let (name, schema) = (of.topics.aggregates.clone(), of.stream.aggregates_schema()?);
            tables.push((Table::Aggregates, ReadTopic { name, schema }));
        }
    }
    let mut providers: Vec<(Table, Arc<dyn datafusion::catalog::TableProvider>)> = Vec::new();
    for (table, topic) in tables {
        let count = offsets.partitions(&topic.name)?;
        if count == 0 {
            return Err(AskError::NoTopic { topic: topic.name });
        }
        let schema = topic.schema.arrow().clone();
        let mut partitions: Vec<Arc<dyn PartitionStream>> = Vec::new();
        for number in 0..count {
            let range = offsets.range(&topic.name, number)?.0..offsets.stable_end(&topic.name, number)?;
            let (of, topic) = (of.clone(), topic.clone());
            let replaces = table == Table::Aggregates;
            partitions.push(Arc::new(Partition { of, topic, number, range, replaces }));
        }
        providers.push((table, Arc::new(StreamingTable::try_new(schema, partitions)?)));
    }
    let aggregates = providers.iter().any(|(table, _)| *table == Table::Aggregates);
    let aggregates = if aggregates { of.stream.aggregates.columns() } else { BTreeMap::new() };
    Ok(Tables { stream: of.topics.raw.clone(), providers, aggregates })
}

/// One partition of a topic.
#[derive(Debug)]
struct Partition {
    of: OnKafka,
    topic: ReadTopic,
    number: u32,
    range: Range<i64>,
    /// Whether a message replaces the one before it with the same key.
    replaces: bool,
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        self.topic.schema.arrow()
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(self.schema().clone(), BATCHES_MAX);
        let (rows, of, topic) = (builder.tx(), self.of.clone(), self.topic.clone());
        let (number, range) = (self.number, self.range.clone());
        let mut latest = self.replaces.then(|| Latest::new(self.schema().clone()));
        builder.spawn_blocking(move || {
            let failed = |error: kafka::KafkaError| DataFusionError::External(Box::new(error));
            if range.is_empty() {
                return Ok(());
            }
            let mut reader =
                Reader::assign(&of.connection, &of.registry, &topic, &[(number, range.start)]).map_err(failed)?;
            let mut next = range.start;
            while next < range.end && !reader.ended().contains(&number) {
                for received in reader.next(LOOK).map_err(failed)? {
                    next = received.next as i64;
                    let (batch, keys) = within(&received, &range, &of.taken_in)?;
                    match &mut latest {
                        Some(latest) => latest.take(batch, &keys)?,
                        // Nobody asks any more where this fails.
                        None if rows.blocking_send(Ok(batch)).is_err() => return Ok(()),
                        None => {}
                    }
                }
            }
            if let Some(latest) = latest {
                // As above.
                let _ = rows.blocking_send(Ok(latest.rows()?));
            }
            Ok(())
        });
        builder.build()
    }
}

/// The rows before the end that were taken in at these times, and their keys.
fn within(
    received: &kafka::Received,
    range: &Range<i64>,
    times: &Range<i64>,
) -> DataFusionResult<(RecordBatch, StringArray)> {
    let wanted = received.positions.values().iter().zip(&received.times);
    let wanted: BooleanArray =
        wanted.map(|(position, time)| Some((*position as i64) < range.end && times.contains(time))).collect();
    let keys = filter(&received.keys, &wanted)?.as_string::<i32>().clone();
    Ok((filter_record_batch(&received.rows, &wanted)?, keys))
}
