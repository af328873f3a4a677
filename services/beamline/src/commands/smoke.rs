//! `beamline smoke`: whether a stream works from end to end. Sends events whose ids say so, and finds those that the
//! stream keeps scored on their topic, and as rows in the store.

use std::{
    collections::BTreeSet,
    io::{Write, stdout},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, StringArray},
    compute::cast,
    datatypes::DataType,
};
use ask::Source as Asked;
use broker::{Connection, Offsets};
use kafka::{ReadTopic, Reader};
use registry::Registry;
use service::{Failure, load_stream};
use source::{Next, Records};
use store::{OutputFormat, QueryOptions, TableLimits, query as sql};
use stream::{Source, Stream};

use super::topics::connect;
use crate::{cli::SmokeArgs, cql_settings, on_kafka::failure};

/// The events' seed: another than examples use, so that they are other events.
const SEED: u64 = 0x5eed_cafe;
/// How long nothing may come before what has come counts as all.
const QUIET: Duration = Duration::from_secs(5);
/// How long to wait before the store is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

pub(crate) fn smoke(args: SmokeArgs) -> Result<(), Failure> {
    let begun = Instant::now();
    let stream = load_stream(&args.stream)?;
    let connection = connect(args.kafka)?;
    let registry = Registry::new(&args.registry.with_password()?.settings()).map_err(Failure::configuration)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mark = format!("smoke-{}", now.as_millis());
    let (records, sent) = marked(&stream, &mark, args.events, now.as_micros() as i64)?;
    // From here on, so that everything the events become is seen.
    let mut reader = scored(&stream, &connection, &registry)?;
    let id = format!("beamline.{}.{mark}", stream.name());
    kafka::send_records(&connection, &registry, &stream, &id, records).map_err(failure)?;
    say(&format!("sent {} events {mark}-*", sent.len()))?;
    let found = collect(&mut reader, &stream, &mark, begun, args.limit, sent.len())?;
    if let Some(strange) = found.difference(&sent).next() {
        return Err(Failure::run_time(format!("{strange} was never sent")));
    }
    say(&format!("{} of them are scored after {:.1} s", found.len(), begun.elapsed().as_secs_f64()))?;
    if !args.cql.nodes.is_empty() {
        let settings = cql_settings::settings(&args.cql)?;
        let from = now.as_millis() as i64;
        in_store(&settings, &stream, &mark, from, found.len(), begun, args.limit)?;
        say(&format!("{} rows are in the store after {:.1} s", found.len(), begun.elapsed().as_secs_f64()))?;
    }
    Ok(())
}

fn say(line: &str) -> Result<(), Failure> {
    writeln!(stdout(), "{line}").map_err(Failure::run_time)
}

/// Events of the stream's own source with marked ids, and those ids.
fn marked(stream: &Arc<Stream>, mark: &str, events: u32, now: i64) -> Result<(Records, BTreeSet<String>), Failure> {
    let Some(Source::Synthetic(mut synthetic)) = stream.definition.spec.source.clone() else {
        return Err(Failure::configuration("the stream's source is not synthetic, so there are no events to make up"));
    };
    (synthetic.seed, synthetic.events, synthetic.start, synthetic.rate) = (SEED, Some(u64::from(events)), None, 0.0);
    let options = source::Options { base: ".".into(), started: now, log_dir: ".".into(), speed: None };
    let mut made = source::open(&Source::Synthetic(synthetic), stream, &options).map_err(Failure::run_time)?;
    let Next::Records(mut records) = made.next(events as usize).map_err(Failure::run_time)? else {
        return Err(Failure::run_time("the source gives no events"));
    };
    let id = &stream.definition.spec.id;
    let index = records.rows.schema().index_of(id).map_err(Failure::configuration)?;
    let kind = records.rows.column(index).data_type().clone();
    if !matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        return Err(Failure::configuration(format!("the id `{id}` is {kind}, and only a text can be marked")));
    }
    let ids: Vec<String> = (0..records.rows.num_rows()).map(|row| format!("{mark}-{row}")).collect();
    let texts: ArrayRef = Arc::new(StringArray::from(ids.clone()));
    let mut columns = records.rows.columns().to_vec();
    columns[index] = cast(&texts, &kind).map_err(Failure::run_time)?;
    records.rows = RecordBatch::try_new(records.rows.schema(), columns).map_err(Failure::run_time)?;
    Ok((records, ids.into_iter().collect()))
}

/// A reader of the scored topic, from its present end on.
fn scored(stream: &Stream, connection: &Connection, registry: &Registry) -> Result<Reader, Failure> {
    let schema = stream.scored_schema().map_err(Failure::run_time)?;
    let topic = ReadTopic { name: stream.topics().scored, schema };
    let offsets = Offsets::connect(connection).map_err(Failure::run_time)?;
    let mut starts = Vec::new();
    for partition in 0..offsets.partitions(&topic.name).map_err(Failure::run_time)? {
        starts.push((partition, offsets.range(&topic.name, partition).map_err(Failure::run_time)?.1));
    }
    Reader::assign(connection, registry, &topic, &starts).map_err(failure)
}

/// The marked ids that come out, each once: all of them, or what has come when nothing more does, for the stream's
/// filter and rules may keep some back.
fn collect(
    reader: &mut Reader,
    stream: &Stream,
    mark: &str,
    begun: Instant,
    limit: Duration,
    wanted: usize,
) -> Result<BTreeSet<String>, Failure> {
    let mut found = BTreeSet::new();
    let mut last = Instant::now();
    while found.len() < wanted && (found.is_empty() || last.elapsed() < QUIET) {
        if begun.elapsed() > limit {
            return Err(Failure::run_time(format!("after {limit:?}, {} of {wanted} events are scored", found.len())));
        }
        for received in reader.next(Duration::from_millis(200)).map_err(failure)? {
            let column = received.rows.column_by_name(&stream.definition.spec.id);
            let texts = column.map(|column| cast(column, &DataType::Utf8)).transpose().map_err(Failure::run_time)?;
            for id in texts.iter().flat_map(|texts| texts.as_string::<i32>().iter()).flatten() {
                if !id.starts_with(mark) {
                    continue;
                }
                if !found.insert(id.to_owned()) {
                    return Err(Failure::run_time(format!("{id} was scored twice")));
                }
                last = Instant::now();
            }
        }
    }
    Ok(found)
}

/// Asks the store until it has so many marked rows.
fn in_store(
    settings: &cql::Settings,
    stream: &Stream,
    mark: &str,
    from: i64,
    wanted: usize,
    begun: Instant,
    limit: Duration,
) -> Result<(), Failure> {
    let spec = &stream.definition.spec;
    // By time, so that the store reads the buckets of now alone.
    let text = format!(
        "SELECT count(*) FROM processed_data WHERE \"{}\" >= to_timestamp_millis({from}) AND \"{}\" LIKE '{mark}-%'",
        spec.time, spec.id
    );
    let source = Asked::Cql { settings: settings.clone(), full_scan: false, stream: None };
    let options = QueryOptions::default();
    loop {
        let mut answer = Vec::new();
        let asked = sql::block_on(async {
            let session = ask::open(&source, &options).await?;
            let rows = session.sql(&text).await?;
            store::print(rows, OutputFormat::Csv, TableLimits::FILE, &mut answer).await.map_err(ask::AskError::from)
        });
        let said = match asked.map_err(ask::AskError::from).and_then(|printed| printed) {
            Ok(_) => String::from_utf8_lossy(&answer).lines().last().unwrap_or_default().trim().to_owned(),
            Err(error) => format!("no answer ({error})"),
        };
        if said == wanted.to_string() {
            return Ok(());
        }
        if begun.elapsed() > limit {
            return Err(Failure::run_time(format!("after {limit:?}, the store has {said} of {wanted} rows")));
        }
        std::thread::sleep(ASK_AGAIN);
    }
}
