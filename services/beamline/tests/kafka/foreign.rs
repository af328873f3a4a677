//! Clients that are not ours write to a stream while it runs, under an evolved schema, and read all of its topics.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType},
};
use kafka::{ReadTopic, Reader, Step};
use serde_json::{Value, json};
use stage::{Ledger, TraceId};

use crate::{
    cluster::{Cluster, Service},
    input, results, windows,
};

/// Events of the generator, and those of somebody else behind them.
const EVENTS: (usize, usize) = (20_000, 10_000);

/// What somebody else writes events with: a new column with a default, one that is gone, a narrower number.
const EVOLVED: &str = r#"{
  "type": "record", "name": "ParticleEvent", "namespace": "dev.beamline.events", "fields": [
    { "name": "operator", "type": "string", "default": "" },
    { "name": "event_id", "type": "string" },
    { "name": "timestamp", "type": { "type": "long", "logicalType": "timestamp-micros" } },
    { "name": "particle_type", "type": "string" },
    { "name": "energy_gev", "type": "float" },
    { "name": "momentum_x", "type": "double" },
    { "name": "momentum_y", "type": "double" },
    { "name": "momentum_z", "type": "double" },
    { "name": "detector_id", "type": "string" } ] }"#;

/// The cells of each message by topic, partition and offset.
type Messages = BTreeMap<(String, u32, u64), String>;

#[test]
fn foreign_clients_write_to_a_running_stream_and_read_every_topic() {
    let Some(python) = servers::python().unwrap() else {
        println!("skipped: there is no Python with venv");
        return;
    };
    let cluster = Cluster::start();
    let evolved = prepare(&cluster);
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let generator = cluster.service("generator", "g", &["--once"]);
    let services = ["enricher", "anomaly-detector", "aggregator"].map(|name| cluster.service(name, name, &[]));
    let ended = generator.program.wait(Duration::from_secs(120));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    run(&python, &cluster, "write", &["particles", "evolved.avsc", "evolved.jsonl"]);
    let records = cluster.sent().sent + evolved;
    let running: Vec<&Service> = services.iter().collect();
    let (enriched, detected) = cluster.wait_until_done(records, Duration::from_secs(120), &running);
    let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
    windows::wait_for_aggregates(&cluster, &stream, detected.out, &services);
    assert!(enriched.records == records && enriched.balances() && detected.balances(), "{enriched:?} {detected:?}");

    // One process reads both files as one source, without knowing of the other schema.
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    fs::write(cluster.path("stream.yaml"), definition.replace("[input.jsonl]", "[input.jsonl, evolved.jsonl]"))
        .unwrap();
    let wanted = results::scores_in_one_process(&cluster);
    results::assert_same(&results::scores(&cluster), &wanted);
    fused(&cluster, &wanted);

    services.iter().for_each(Service::stop);
    let topics = kafka::subjects(&stream, &stream.topics()).unwrap();
    let names: Vec<&str> = topics.iter().map(|subject| subject.topic.as_str()).collect();
    let printed = run(&python, &cluster, "read", &names);
    let theirs: Messages = printed.lines().map(message).collect();
    let mut ours = Messages::new();
    for subject in &topics {
        results::wait_until_decided(&cluster, &subject.topic);
        let read = read(&cluster, ReadTopic { name: subject.topic.clone(), schema: subject.schema.clone() });
        println!("{:>8} messages of {}", read.len(), subject.topic);
        assert!(!read.is_empty(), "nothing in {}", subject.topic);
        ours.extend(read);
    }
    let differ: Vec<_> = ours.iter().filter(|(place, cells)| theirs.get(place) != Some(cells)).take(3).collect();
    let found: Vec<_> = differ.iter().map(|(place, _)| theirs.get(place)).collect();
    assert!(differ.is_empty(), "{differ:?} is read as {found:?}");
    assert_eq!(ours.len(), theirs.len());
}

/// Writes the definition and the inputs; says how many events are for the foreign client.
fn prepare(cluster: &Cluster) -> u64 {
    let schema = fs::read_to_string(cluster.path("particle-event.avsc")).unwrap();
    // What a writer may leave out has a default.
    let schema = schema.replace("\"is_anomaly\",", "\"is_anomaly\", \"default\": false,");
    fs::write(cluster.path("particle-event.avsc"), schema).unwrap();
    // A few of so few events alarm.
    let definition =
        fs::read_to_string(cluster.path("stream.yaml")).unwrap().replace("energy_gev > 900", "energy_gev > 350");
    fs::write(cluster.path("stream.yaml"), format!("{definition}{}", windows::AGGREGATES)).unwrap();
    input::write(&cluster.path("input.jsonl"), (EVENTS.0 + EVENTS.1) as u64);
    let all = fs::read_to_string(cluster.path("input.jsonl")).unwrap();
    let lines: Vec<&str> = all.lines().collect();
    fs::write(cluster.path("input.jsonl"), lines[..EVENTS.0].join("\n") + "\n").unwrap();
    let events: Vec<String> = lines[EVENTS.0..].iter().filter_map(|line| narrowed(line)).collect();
    fs::write(cluster.path("evolved.jsonl"), events.join("\n") + "\n").unwrap();
    fs::write(cluster.path("evolved.avsc"), EVOLVED).unwrap();
    events.len() as u64
}

/// An event whose energy fits a narrower number; nothing for one that the foreign client cannot encode.
fn narrowed(line: &str) -> Option<String> {
    let mut event: Value = serde_json::from_str(line).ok()?;
    event["event_id"].as_str()?;
    let energy = event["energy_gev"].as_f64()? as f32;
    event["energy_gev"] = json!(f64::from(energy));
    Some(event.to_string())
}

/// The same input through enrichment and detection in one service.
fn fused(cluster: &Cluster, wanted: &results::Scores) {
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    fs::write(cluster.path("fused.yaml"), definition.replace("name: particles", "name: fused")).unwrap();
    cluster.beamline(&["topics", "apply", "fused.yaml"]);
    let generator = cluster.service_of("fused.yaml", "generator", "g", &["--once"]);
    let detector = cluster.service_of("fused.yaml", "anomaly-detector", "f", &["--fused"]);
    let ended = generator.program.wait(Duration::from_secs(120));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let (sent, begun) = (cluster.sent_of("fused").sent, Instant::now());
    let mut ledger = Ledger::default();
    while ledger.records < sent {
        assert!(begun.elapsed() < Duration::from_secs(120), "{ledger:?}\n{}", detector.program.log());
        thread::sleep(Duration::from_millis(200));
        ledger = cluster.ledger_of("fused", 8, Step::Fused);
    }
    assert!(ledger.balances(), "{ledger:?}");
    // A trace that did not come with a message follows from the stream's name.
    let renamed = wanted.iter().map(|(id, (score, reasons, trace))| {
        let trace = if trace.is_empty() { String::new() } else { TraceId::of("fused", id).to_string() };
        (id.clone(), (*score, reasons.clone(), trace))
    });
    results::assert_same(&results::scores_of(cluster, "fused.scored"), &renamed.collect());
    detector.stop();
    // Put together otherwise, either would do all of it again.
    let again = [
        cluster.service_of("fused.yaml", "enricher", "e", &[]),
        cluster.service_of("fused.yaml", "anomaly-detector", "d", &[]),
        cluster.service_of("stream.yaml", "anomaly-detector", "f", &["--fused"]),
    ];
    for service in again {
        let code = service.program.wait(Duration::from_secs(60)).and_then(|status| status.code());
        let log = service.program.log();
        assert!(code == Some(64) && log.contains("would be processed again"), "{code:?} {log}");
    }
}

fn run(python: &Path, cluster: &Cluster, command: &str, more: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/foreign.py");
    let output = Command::new(python)
        .arg(script)
        .args([command, &cluster.kafka.bootstrap(), &cluster.apicurio.url()])
        .args(more)
        .current_dir(cluster.folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn message(line: &str) -> ((String, u32, u64), String) {
    let text: String = serde_json::from_str(line).unwrap();
    let parts: Vec<&str> = text.splitn(4, '\t').collect();
    ((parts[0].to_owned(), parts[1].parse().unwrap(), parts[2].parse().unwrap()), parts[3].to_owned())
}

/// Everything in a topic, as we read it.
fn read(cluster: &Cluster, topic: ReadTopic) -> Messages {
    let partitions = cluster.offsets().partitions(&topic.name).unwrap();
    let starts: Vec<(u32, i64)> = (0..partitions).map(|partition| (partition, 0)).collect();
    let mut reader = Reader::assign(&cluster.connection(), &cluster.registry(), &topic, &starts).unwrap();
    let mut messages = Messages::new();
    while reader.ended().len() < starts.len() {
        for received in reader.next(Duration::from_millis(500)).unwrap() {
            let place = |offset: u64| (received.topic.clone(), received.partition, offset);
            for unreadable in received.rejected {
                assert!(unreadable.payload.is_empty(), "{}", unreadable.reason);
                messages.insert(place(unreadable.position), "deleted".into());
            }
            for (row, offset) in received.positions.values().iter().enumerate() {
                let cells: Vec<String> = received.rows.columns().iter().map(|column| cell(column, row)).collect();
                messages.insert(place(*offset), cells.join("\u{1f}"));
            }
        }
    }
    messages
}

/// As text that names each value exactly: numbers with a point by their bits.
fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "-".into();
    }
    let bits = |value: f64| format!("{:016x}", value.to_bits());
    match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => bits(column.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => bits(column.as_primitive::<Float64Type>().value(row)),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => column.as_binary::<i32>().value(row).iter().map(|byte| format!("{byte:02x}")).collect(),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            let items: Vec<String> = (0..items.len()).map(|item| cell(&items, item)).collect();
            format!("[{}]", items.join(","))
        }
        DataType::Struct(_) => {
            let fields: Vec<String> = column.as_struct().columns().iter().map(|field| cell(field, row)).collect();
            format!("{{{}}}", fields.join(","))
        }
        other => panic!("no cell of type {other}"),
    }
}
