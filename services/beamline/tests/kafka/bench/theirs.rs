//! Messages a second that a generator makes events of, from a topic of JSON and one of plain Avro, beside a bare loop that
//! copies the same bytes.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use broker::{NewTopic, Offsets, Reports};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::{PARTITIONS, bare::copy, paced::hand_over, usage::cpu_seconds};
use crate::cluster::{Cluster, Service};

/// What the messages are, as a definition reads them.
const DEFINITION: &str = "
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: NAME }
spec:
  schema: theirs.avsc
  id: id
  key: sensor
  time: time
  partitions: 8
  source: { kafka: { topic: TOPIC, FORMAT } }
";

const SCHEMA: &str = r#"{ "type": "record", "name": "Reading", "fields": [
  { "name": "id", "type": "string" },
  { "name": "sensor", "type": "string" },
  { "name": "time", "type": { "type": "long", "logicalType": "timestamp-millis" } },
  { "name": "temperature", "type": "double" },
  { "name": "humidity", "type": "double" } ] }"#;

pub(super) fn measure(cluster: &Cluster, messages: u64) {
    fs::write(cluster.path("theirs.avsc"), SCHEMA).unwrap();
    let admin = broker::Admin::connect(&cluster.connection()).unwrap();
    println!("{:<24} {:>12} {:>16}", "", "messages/s", "messages/CPU-s");
    for (format, settings) in [("json", "format: json"), ("avro", "format: avro, schema: theirs.avsc")] {
        let (topic, copied) = (format!("theirs-{format}"), format!("copied-{format}"));
        for name in [&topic, &copied] {
            let (name, settings) = (name.clone(), Default::default());
            admin.create(&NewTopic { name, partitions: PARTITIONS, replication: Some(1), settings }).unwrap();
        }
        fill(cluster, &topic, format, messages);
        let pid = std::process::id();
        let (mut first, mut last) = (None, (0, Instant::now(), 0.0));
        copy(&cluster.connection(), (&topic, &copied), messages, &Default::default(), |count| {
            last = (count, Instant::now(), cpu_seconds(pid));
            first.get_or_insert(last);
        });
        say(&format!("bare loop, {format}"), first.unwrap(), last);
        let (name, file) = (format!("{topic}-events"), format!("{topic}-events.yaml"));
        let text = DEFINITION.replace("NAME", &name).replace("TOPIC", &topic).replace("FORMAT", settings);
        fs::write(cluster.path(&file), text).unwrap();
        cluster.beamline(&["topics", "apply", &file]);
        let generator = cluster.service_of(&file, "generator", "bench", &[]);
        let pid = generator.program.pid();
        let reached = |count| (wait_for(cluster, &file, &generator, count), Instant::now(), cpu_seconds(pid));
        let (first, last) = (reached(1), reached(messages));
        // The client has read ahead by the first commit: all of the process's time counts, its start included.
        say(&format!("generator, {format}"), (first.0, first.1, last.2 * first.0 as f64 / last.0 as f64), last);
        generator.stop();
    }
}

fn say(name: &str, first: (u64, Instant, f64), last: (u64, Instant, f64)) {
    let count = (last.0 - first.0) as f64;
    println!("{name:<24} {:>12.0} {:>16.0}", count / (last.1 - first.1).as_secs_f64(), count / (last.2 - first.2));
}

/// Waits until the generator has taken so many messages; gives how many it has then.
fn wait_for(cluster: &Cluster, file: &str, generator: &Service, wanted: u64) -> u64 {
    let stream = service::load_stream(&cluster.path(file)).unwrap();
    let offsets = cluster.offsets();
    loop {
        assert!(generator.program.wait(Duration::ZERO).is_none(), "{}", generator.program.log());
        let sent = kafka::sent_in_all(&offsets, &stream, Offsets::committed).unwrap().unwrap_or_default();
        if sent.cursor.position >= wanted {
            return sent.cursor.position;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn fill(cluster: &Cluster, topic: &str, format: &str, messages: u64) {
    let connection = cluster.connection();
    let producer: BaseProducer<Reports> = connection
        .client(Reports::default(), |config| {
            config.set("compression.type", "lz4").set("linger.ms", "5").set("queue.buffering.max.messages", "200000");
        })
        .unwrap();
    for number in 0..messages {
        let (id, sensor, time) = (format!("r{number:08}"), format!("s{:02}", number % 64), 1_735_689_600_000 + number);
        let (temperature, humidity) = (20.0 + (number % 977) as f64 / 100.0, 40.0 + (number % 613) as f64 / 50.0);
        let value = match format {
            "json" => format!(
                "{{\"id\": \"{id}\", \"sensor\": \"{sensor}\", \"time\": {time}, \"temperature\": {temperature}, \
                 \"humidity\": {humidity}}}"
            )
            .into_bytes(),
            _ => avro(&id, &sensor, time as i64, [temperature, humidity]),
        };
        let record = BaseRecord::to(topic)
            .partition((number % u64::from(PARTITIONS)) as i32)
            .key(sensor.as_bytes())
            .payload(value.as_slice());
        hand_over(&producer, record);
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}

fn avro(id: &str, sensor: &str, time: i64, numbers: [f64; 2]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in [id, sensor] {
        bytes.push(text.len() as u8 * 2);
        bytes.extend(text.as_bytes());
    }
    let mut rest = (time << 1) as u64;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    bytes
}
