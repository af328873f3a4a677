//! `beamline topics tail`: decoded events as JSON lines.

use std::{
    io::{Write, stdout},
    time::{Duration, Instant},
};

use arrow::json::LineDelimitedWriter;
use broker::Offsets;
use kafka::{ReadTopic, Reader};
use registry::Registry;
use service::{Failure, load_stream};

use super::connect;
use crate::{
    cli::{TailArgs, TailTopic},
    on_kafka::failure,
};

pub(crate) fn tail(args: TailArgs) -> Result<(), Failure> {
    let stream = load_stream(&args.stream)?;
    let connection = connect(args.kafka)?;
    let registry = Registry::new(&args.registry.with_password()?.settings()).map_err(Failure::configuration)?;
    let topics = stream.topics();
    let (name, schema) = match args.topic {
        TailTopic::Raw => (topics.raw, Ok(stream.input.clone())),
        TailTopic::Enriched => (topics.enriched, stream.enriched_schema().map_err(Failure::run_time)),
        TailTopic::Scored => (topics.scored, stream.scored_schema().map_err(Failure::run_time)),
        TailTopic::Anomalies => (topics.anomalies, stream.anomalies_schema().map_err(Failure::run_time)),
        TailTopic::DeadLetters => (topics.dead_letters, kafka::dead_letters_schema().map_err(failure)),
    };
    let topic = ReadTopic { name, schema: schema? };
    let offsets = Offsets::connect(&connection).map_err(Failure::run_time)?;
    let partitions = offsets.partitions(&topic.name).map_err(Failure::run_time)?;
    if partitions == 0 {
        return Err(Failure::run_time(format!("topic `{}` does not exist; run `beamline topics apply`", topic.name)));
    }
    let mut starts = Vec::with_capacity(partitions as usize);
    for partition in 0..partitions {
        let (first, end) = offsets.range(&topic.name, partition).map_err(Failure::run_time)?;
        starts.push((partition, if args.from_start || args.to_end { first } else { end }));
    }
    let mut reader = Reader::assign(&connection, &registry, &topic, &starts).map_err(failure)?;
    let begun = Instant::now();
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 && args.end_after.is_none_or(|after| begun.elapsed() < after) {
        for received in reader.next(Duration::from_millis(200)).map_err(failure)? {
            let rows = received.rows.slice(0, received.rows.num_rows().min(left as usize));
            left -= rows.num_rows() as u64;
            let mut writer = LineDelimitedWriter::new(Vec::new());
            writer.write(&rows).and_then(|()| writer.finish()).map_err(Failure::run_time)?;
            stdout().write_all(&writer.into_inner()).map_err(Failure::run_time)?;
        }
        if args.to_end && reader.ended().len() == starts.len() {
            break;
        }
    }
    Ok(())
}
