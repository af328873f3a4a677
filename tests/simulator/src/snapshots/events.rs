//! The enriched events of `streams/bench.yaml`, made as they are asked for.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use codec::Encoder;
use rdkafka::message::{OwnedMessage, Timestamp};
use registry::Registry;
use source::{Next, Router, Source};
use stage::{Enrich, Outputs, Stage};
use stream::{FileReader, Stream};

/// Events of a piece.
const PIECE: usize = 4_096;

/// Files beside a definition.
struct Beside(PathBuf);

impl FileReader for Beside {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|error| error.to_string())
    }
}

/// Enriched events, in the order in which they come.
pub(super) struct Events {
    pub stream: Arc<Stream>,
    source: Box<dyn Source>,
    router: Router,
    enrich: Enrich,
    encoder: Encoder,
    /// The next offset of each partition.
    offsets: Vec<i64>,
    made: VecDeque<OwnedMessage>,
}

impl Events {
    pub(super) fn open(keys: u32, registry: &Registry) -> Result<Self, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../streams/bench.yaml");
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let text = text.replace("keys: 10000", &format!("keys: {keys}"));
        let beside = Beside(path.with_file_name(""));
        let stream = Stream::load("bench.yaml", &text, &beside).map_err(|problems| problems.to_string())?;
        let stream = Arc::new(stream);
        let spec = &stream.definition.spec;
        let Some(definition) = &spec.source else { return Err("the stream has no source".to_owned()) };
        let options = source::Options::default();
        let source = source::open(definition, &stream, &options).map_err(|error| error.to_string())?;
        let schema = stream.enriched_schema().map_err(|error| error.to_string())?;
        let subject = format!("{}-value", stream.topics().enriched);
        let id = registry.register(&subject, schema.avro()).map_err(|error| error.to_string())?;
        Ok(Self {
            source,
            router: Router::new(&spec.key, spec.partitions),
            enrich: Enrich::new(stream.clone()),
            encoder: Encoder::new(schema, id).map_err(|error| error.to_string())?,
            offsets: vec![0; spec.partitions as usize],
            made: VecDeque::new(),
            stream,
        })
    }

    /// The next event, which comes at this time in milliseconds since 1970.
    pub(super) fn next(&mut self, millis: i64) -> Result<OwnedMessage, String> {
        loop {
            if let Some(message) = self.made.pop_front() {
                return Ok(message.set_timestamp(Timestamp::CreateTime(millis)));
            }
            self.make()?;
        }
    }

    fn make(&mut self) -> Result<(), String> {
        let Next::Records(records) = self.source.next(PIECE).map_err(|error| error.to_string())? else {
            return Err("the source has ended".to_owned());
        };
        let mut made = Vec::new();
        for share in self.router.route(records).map_err(|error| error.to_string())? {
            let mut outputs = Outputs::default();
            if let Some(rows) = share.rows {
                self.enrich.process(rows, &mut outputs).map_err(|error| error.to_string())?;
            }
            for rows in outputs.rows {
                let framed = self.encoder.encode(&rows.batch).map_err(|error| error.to_string())?;
                for row in 0..rows.len() {
                    let (key, value) = (rows.keys.value(row).as_bytes().to_vec(), framed.message(row).to_vec());
                    let offset = &mut self.offsets[share.partition as usize];
                    let topic = self.stream.topics().enriched;
                    let at = (share.partition as i32, *offset);
                    let message =
                        OwnedMessage::new(Some(value), Some(key), topic, Timestamp::NotAvailable, at.0, at.1, None);
                    made.push((rows.positions.value(row), message));
                    *offset += 1;
                }
            }
        }
        // As they were made, so that all partitions have something all the time.
        made.sort_by_key(|(position, _)| *position);
        self.made.extend(made.into_iter().map(|(_, message)| message));
        Ok(())
    }
}
