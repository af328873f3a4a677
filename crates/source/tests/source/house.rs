//! Streams to test with, and readers of whole sources.

use std::{path::Path, sync::Arc};

use arrow::{
    array::{RecordBatch, UInt64Array},
    compute,
};
use source::{Cursor, Next, Options, Rejected, Source, SourceError};
use stream::Stream;

/// A schema of nine columns.
pub(crate) const NINE: &str = r#"{"type":"record","name":"E","fields":[
    {"name":"event_id","type":"string"},
    {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"detector_id","type":"string"},
    {"name":"n","type":"long"},
    {"name":"x","type":["null","double"],"default":null},
    {"name":"y","type":"double"},
    {"name":"z","type":"float"},
    {"name":"kind","type":["null","string"],"default":null},
    {"name":"ok","type":"boolean"}]}"#;

struct Schema<'a>(&'a str);

impl stream::FileReader for Schema<'_> {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.as_bytes().to_vec())
    }
}

/// A stream with this schema and this `source` section, in YAML's flow style.
pub(crate) fn stream(avro: &str, [id, key, time]: [&str; 3], source: &str) -> Arc<Stream> {
    let text = format!(
        "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: {{ name: t }}\nspec:\n  schema: s.avsc\n  id: {id}\n  \
         key: {key}\n  time: {time}\n  source: {source}\n"
    );
    Arc::new(Stream::load("t.yaml", &text, &Schema(avro)).unwrap_or_else(|errors| panic!("{errors}")))
}

pub(crate) fn nine(source: &str) -> Arc<Stream> {
    stream(NINE, ["event_id", "detector_id", "timestamp"], source)
}

pub(crate) fn options(base: &Path) -> Options {
    Options { base: base.to_owned(), started: 1_735_689_600_000_000, log_dir: base.join("log"), speed: None }
}

pub(crate) fn try_open(stream: &Arc<Stream>, options: &Options) -> Result<Box<dyn Source>, SourceError> {
    source::open(stream.definition.spec.source.as_ref().unwrap(), stream, options)
}

pub(crate) fn open(stream: &Arc<Stream>, base: &Path) -> Box<dyn Source> {
    try_open(stream, &options(base)).unwrap_or_else(|error| panic!("{error}"))
}

/// All that a source gave.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct All {
    pub rows: RecordBatch,
    pub positions: Vec<u64>,
    pub rejected: Vec<Rejected>,
}

/// Reads to the end in pieces whose sizes `sizes` repeats; the error if there is one, and every cursor on the way.
pub(crate) fn read(source: &mut dyn Source, sizes: &[usize]) -> (All, Option<SourceError>, Vec<Cursor>) {
    let (mut batches, mut positions, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    let (mut failed, mut cursors) = (None, vec![source.cursor()]);
    for size in sizes.iter().cycle() {
        match source.next(*size) {
            Ok(Next::Records(records)) => {
                assert!(records.len() <= *size, "{} of {size}", records.len());
                let given: &UInt64Array = &records.positions;
                positions.extend(given.values());
                batches.push(records.rows);
                rejected.extend(records.rejected);
                cursors.push(source.cursor());
            }
            Ok(Next::Idle) => {}
            Ok(Next::End) => break,
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let schema =
        batches.first().map(RecordBatch::schema).unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()));
    let rows = compute::concat_batches(&schema, &batches).unwrap();
    (All { rows, positions, rejected }, failed, cursors)
}

/// All of a source that has no error.
pub(crate) fn read_all(source: &mut dyn Source) -> All {
    let (all, failed, _) = read(source, &[10_000]);
    assert!(failed.is_none(), "{failed:?}");
    all
}

/// What of `all` comes from `position` on.
pub(crate) fn tail(all: &All, position: u64) -> All {
    let first = all.positions.partition_point(|p| *p < position);
    All {
        rows: all.rows.slice(first, all.rows.num_rows() - first),
        positions: all.positions[first..].to_vec(),
        rejected: all.rejected.iter().filter(|r| r.position >= position).cloned().collect(),
    }
}
