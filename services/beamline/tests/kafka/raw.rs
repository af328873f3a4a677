//! Events written straight into the raw topic, byte by byte, as somebody else's client would.

use std::time::Duration;

use broker::Reports;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::cluster::Cluster;

/// Larger than any message of these tests.
const MESSAGE_BYTES: &str = "20000000";

/// An event as it stands in a message's value.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub id: String,
    pub kind: String,
    pub energy: f64,
    pub detector: String,
}

impl Event {
    pub(crate) fn new(id: impl Into<String>, energy: f64, detector: impl Into<String>) -> Self {
        Self { id: id.into(), kind: "muon".into(), energy, detector: detector.into() }
    }

    /// The same with so many bytes in all that compression does not make smaller.
    pub(crate) fn of_size(mut self, schema: u32, bytes: usize) -> Self {
        let without = self.framed(schema).len() - self.kind.len();
        self.kind = noise(bytes - without);
        while self.framed(schema).len() > bytes {
            self.kind.pop();
        }
        assert_eq!(self.framed(schema).len(), bytes);
        self
    }

    /// In Avro, behind the magic byte and the id of the schema.
    pub(crate) fn framed(&self, schema: u32) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(schema.to_be_bytes());
        text(&mut bytes, &self.id);
        long(&mut bytes, 1_735_689_600_000_000);
        text(&mut bytes, &self.kind);
        for number in [self.energy, 3.0, 4.0, 5.0] {
            bytes.extend(number.to_le_bytes());
        }
        text(&mut bytes, &self.detector);
        bytes.push(0);
        bytes
    }
}

pub(crate) fn long(bytes: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

pub(crate) fn text(bytes: &mut Vec<u8>, value: &str) {
    long(bytes, value.len() as i64);
    bytes.extend(value.as_bytes());
}

/// Printable letters that do not compress well.
pub(crate) fn noise(bytes: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'0' + (state >> 58) as u8)
    };
    (0..bytes).map(|_| letter()).collect()
}

/// The id of the stream's own schema in the registry, where it is registered now if it was not.
pub(crate) fn schema(cluster: &Cluster) -> u32 {
    let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
    cluster.registry().register("particles-value", stream.input.avro()).unwrap()
}

/// Sends values with their keys to partitions of a topic.
pub(crate) fn send<'a>(cluster: &Cluster, topic: &str, messages: impl IntoIterator<Item = (u32, &'a str, Vec<u8>)>) {
    let producer: BaseProducer<Reports> = cluster
        .connection()
        .client(Reports::default(), |config| {
            config.set("message.max.bytes", MESSAGE_BYTES).set("linger.ms", "5").set("enable.idempotence", "true");
        })
        .unwrap();
    for (partition, key, value) in messages {
        let mut record = BaseRecord::<str, [u8]>::to(topic).partition(partition as i32).key(key).payload(&value);
        while let Err((_, back)) = producer.send(record) {
            record = back;
            producer.poll(Duration::from_millis(10));
        }
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}
