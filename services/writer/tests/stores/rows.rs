//! Events that are a pure function of their number, with every column of the particle stream.

use std::{path::Path, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
        TimestampMicrosecondArray, UInt64Array,
    },
    buffer::{NullBuffer, OffsetBuffer},
    datatypes::{DataType, Field},
};
use sink::{Batch, Table};
use stream::Stream;

/// Partitions of the topic.
pub(crate) const PARTITIONS: u32 = 4;
/// 2025-01-31T12:00:00Z in microseconds.
const BEGIN: i64 = 1_738_324_800_000_000;
/// Milliseconds between an event and when it is taken in.
const TAKEN_IN_AFTER: i64 = 1_000;
/// Between two events: a million of them are almost three hours.
const STEP: i64 = 10_007;

pub(crate) fn stream() -> Arc<Stream> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../streams/particle-events.yaml");
    service::load_stream(&path).unwrap()
}

/// The time of an event, in microseconds since 1970.
pub(crate) fn time(number: u64) -> i64 {
    BEGIN + number as i64 * STEP
}

/// The events with these numbers.
pub(crate) fn events(stream: &Stream, numbers: &[u64]) -> RecordBatch {
    let schema = stream.scored.clone();
    let fields = schema.fields().iter();
    let columns = fields.map(|field| values(field, numbers)).collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

/// The values of a column in the events with these numbers.
fn values(field: &Field, numbers: &[u64]) -> ArrayRef {
    let name = field.name().as_str();
    let salt = name.bytes().map(u64::from).sum::<u64>();
    // The first version had a score in every row.
    let nullable = field.is_nullable() && name != "anomaly_score";
    let empty = |number: u64| nullable && (number + salt).is_multiple_of(7);
    match field.data_type() {
        DataType::Utf8 => Arc::new(StringArray::from_iter(numbers.iter().map(|number| match name {
            "event_id" => Some(format!("event-{number:09}")),
            "detector_id" => Some(format!("detector-{:02}", number % 23)),
            _ => (!empty(*number)).then(|| format!("{name} ü {}", number % 5)),
        }))),
        DataType::Float64 => Arc::new(Float64Array::from_iter(
            numbers.iter().map(|number| (!empty(*number)).then(|| (*number as f64 + salt as f64).sin() * 1e3)),
        )),
        DataType::Int64 => Arc::new(Int64Array::from_iter(
            numbers.iter().map(|number| (!empty(*number)).then_some(*number as i64 - 3)),
        )),
        DataType::Boolean => {
            Arc::new(BooleanArray::from_iter(numbers.iter().map(|number| Some((number + salt).is_multiple_of(3)))))
        }
        DataType::Timestamp(_, zone) => {
            let times = TimestampMicrosecondArray::from_iter_values(numbers.iter().map(|n| time(*n)));
            Arc::new(times.with_timezone_opt(zone.clone()))
        }
        // One item where there is a list.
        DataType::List(item) => {
            let there: Vec<u64> = numbers.iter().copied().filter(|number| !empty(*number)).collect();
            let lengths = numbers.iter().map(|number| usize::from(!empty(*number)));
            let valid = NullBuffer::from_iter(numbers.iter().map(|number| !empty(*number)));
            Arc::new(ListArray::new(
                item.clone(),
                OffsetBuffer::from_lengths(lengths),
                values(item, &there),
                Some(valid),
            ))
        }
        DataType::Struct(fields) => {
            let children = fields.iter().map(|field| values(field, numbers)).collect();
            Arc::new(StructArray::new(fields.clone(), children, None))
        }
        other => panic!("no values for {other}"),
    }
}

/// Positions `from..to` of a partition. Event `n` is in partition `n % PARTITIONS`, at every other position.
pub(crate) fn batch(stream: &Stream, partition: u32, from: u64, to: u64) -> Batch {
    let positions: Vec<u64> = (from..to).filter(|position| position.is_multiple_of(2)).collect();
    let numbers: Vec<u64> =
        positions.iter().map(|position| position / 2 * u64::from(PARTITIONS) + u64::from(partition)).collect();
    Batch {
        table: Table::ProcessedData,
        topic: stream.topics().scored,
        partition,
        rows: events(stream, &numbers),
        times: numbers.iter().map(|number| time(*number) / 1_000 + TAKEN_IN_AFTER).collect(),
        positions: UInt64Array::from(positions),
        probes: Vec::new(),
        keys: None,
        next: to,
    }
}

/// The positions of a partition of `events` events.
pub(crate) fn positions(events: u64) -> u64 {
    events / u64::from(PARTITIONS) * 2
}
