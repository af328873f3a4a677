//! A stream whose events have a size, columns, keys and groups as they are asked for, and its raw topic.

use std::{fs, ops::Range, time::Duration};

use broker::Reports;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::point::Point;
use crate::{
    bench::paced::hand_over,
    cluster::Cluster,
    raw::{long, noise, text},
};

const LIMIT: Duration = Duration::from_secs(120);
/// A stretch of it fills a message to its size, each time another one.
const NOISE_BYTES: usize = 1 << 20;
/// 2025-01-01, in microseconds; each event is a millisecond after the one before.
const BEGIN: i64 = 1_735_689_600_000_000;

/// Six features whatever the columns, as in `streams/bench.yaml`, so that the axis of columns has the columns' cost alone.
const FEATURES: &str =
    "[\"ln(c0)\", \"sin(c0)\", \"sin(3 * c0)\", \"sin(9 * c0)\", \"sin(27 * c0)\", \"sin(81 * c0)\"]";

impl Point {
    /// Writes the definition and its schema, and makes the topics. Gives the definition's file.
    pub(super) fn define(&self, cluster: &Cluster) -> String {
        let fields: Vec<String> =
            (0..self.columns).map(|n| format!("{{ \"name\": \"c{n}\", \"type\": \"double\" }}")).collect();
        let schema = format!(
            "{{ \"type\": \"record\", \"name\": \"Scale\", \"fields\": [\n  \
             {{ \"name\": \"id\", \"type\": \"string\" }},\n  {{ \"name\": \"key\", \"type\": \"string\" }},\n  \
             {{ \"name\": \"unit\", \"type\": \"string\" }},\n  \
             {{ \"name\": \"time\", \"type\": {{ \"type\": \"long\", \"logicalType\": \"timestamp-micros\" }} }},\n  {},\n  \
             {{ \"name\": \"note\", \"type\": \"string\" }} ] }}",
            fields.join(",\n  ")
        );
        let expressions: String = (0..self.columns).map(|n| format!("      e{n}: \"c{n} * 2 + 1\"\n")).collect();
        let last = match self.groups {
            None => format!("  detect: {{ features: {FEATURES} }}\n"),
            Some(_) => "  aggregate:\n    - { name: open, window: 1d, group_by: [key, unit], \
                        select: { events: \"count(*)\", mean: \"avg(c0)\", highest: \"max(c0)\" } }\n"
                .to_owned(),
        };
        let text = format!(
            "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: {{ name: {name} }}\nspec:\n  schema: {name}.avsc\n  \
             id: id\n  key: key\n  time: time\n  partitions: {}\n  source: {{ files: {{ paths: [none.jsonl] }} }}\n  \
             enrich:\n    columns:\n{expressions}{last}",
            self.partitions,
            name = self.name,
        );
        let file = format!("{}.yaml", self.name);
        fs::write(cluster.path(&format!("{}.avsc", self.name)), schema).unwrap();
        fs::write(cluster.path(&file), text).unwrap();
        cluster.beamline(&["topics", "apply", &file]);
        file
    }

    /// A producer for `fill`.
    pub(super) fn producer(&self, cluster: &Cluster) -> BaseProducer<Reports> {
        let producer: BaseProducer<Reports> = cluster
            .connection()
            .client(Reports::default(), |config| {
                config
                    .set("transactional.id", format!("{}.fill", self.name))
                    .set("transaction.timeout.ms", "600000")
                    .set("partitioner", "murmur2_random")
                    .set("compression.type", "lz4")
                    .set("linger.ms", "5")
                    .set("queue.buffering.max.messages", "200000")
                    .set("queue.buffering.max.kbytes", "65536");
            })
            .unwrap();
        producer.init_transactions(LIMIT).unwrap();
        producer
    }

    /// Writes events in one transaction: services that wait for them read none before it is committed, so that all begin
    /// at one moment, on a topic that is full. Gives the bytes of all values.
    pub(super) fn fill(&self, producer: &BaseProducer<Reports>, schema: u32, events: Range<u64>) -> u64 {
        producer.begin_transaction().unwrap();
        let noise = noise(NOISE_BYTES);
        let (mut value, mut bytes) = (Vec::new(), 0);
        for number in events {
            let key = format!("k{}", number % self.keys);
            self.encode(number, &key, schema, &noise, &mut value);
            bytes += value.len() as u64;
            hand_over(producer, BaseRecord::to(&self.name).key(key.as_bytes()).payload(&value));
        }
        producer.flush(LIMIT).unwrap();
        bytes
    }

    fn encode(&self, number: u64, key: &str, schema: u32, noise: &str, value: &mut Vec<u8>) {
        value.clear();
        value.push(0);
        value.extend(schema.to_be_bytes());
        text(value, &format!("{number:08}"));
        text(value, key);
        text(value, &format!("u{}", self.groups.map_or(0, |groups| number % groups)));
        long(value, BEGIN + number as i64 * 1_000);
        for column in 0..self.columns as u64 {
            value.extend(reading(number * 128 + column).to_le_bytes());
        }
        // What is left, but for the bytes of the text's own length: 1, 2 or 3.
        let rest = self.bytes.saturating_sub(value.len());
        let rest = rest.saturating_sub(1 + usize::from(rest > 64) + usize::from(rest > 8_193)).min(NOISE_BYTES / 2);
        let begin = (number as usize * 7_919) % (NOISE_BYTES / 2);
        text(value, &noise[begin..begin + rest]);
    }
}

/// From 1 to 1,000, by a number: another one each time, and the same in each run.
fn reading(number: u64) -> f64 {
    let mixed = (number ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    1.0 + 999.0 * (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
