//! Records a second of each kind of source: `cargo bench -p source`.

use std::{fs, path::Path, sync::Arc};

use arrow::json::LineDelimitedWriter;
use divan::{Bencher, counter::ItemsCount};
use parquet::arrow::ArrowWriter;
use source::{Next, Options, Source};
use stream::Stream;

const ROWS: u64 = 200_000;

const SCHEMA: &str = r#"{"type":"record","name":"P","fields":[
    {"name":"event_id","type":"string"},{"name":"timestamp","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"particle_type","type":"string"},{"name":"energy_gev","type":"double"},{"name":"momentum_x","type":"double"},
    {"name":"momentum_y","type":"double"},{"name":"momentum_z","type":"double"},{"name":"detector_id","type":"string"},
    {"name":"is_anomaly","type":"boolean"}]}"#;

struct Schema;

impl stream::FileReader for Schema {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(SCHEMA.as_bytes().to_vec())
    }
}

fn open(base: &Path, source: &str) -> Box<dyn Source> {
    let text = format!(
        "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: {{ name: t }}\nspec:\n  schema: s.avsc\n  id: event_id\n  \
         key: detector_id\n  time: timestamp\n  source: {source}\n"
    );
    let stream: Arc<Stream> = Arc::new(Stream::load("t.yaml", &text, &Schema).expect("a valid definition"));
    let options = Options { base: base.to_owned(), ..Options::default() };
    source::open(stream.definition.spec.source.as_ref().expect("a source"), &stream, &options).expect("it opens")
}

fn drain(mut source: Box<dyn Source>) -> u64 {
    let mut rows = 0;
    while let Next::Records(records) = source.next(16_384).expect("it reads") {
        rows += records.len() as u64;
    }
    assert_eq!(rows, ROWS);
    rows
}

fn synthetic(profile: &str) -> String {
    format!("{{ synthetic: {{ profile: {profile}, rate: 0, events: {ROWS}, keys: 10000 }} }}")
}

/// Writes the physical events in three formats.
fn write_files(folder: &Path) {
    let mut source = open(folder, &synthetic("physical"));
    let (mut csv, mut json) = (arrow::csv::Writer::new(Vec::new()), LineDelimitedWriter::new(Vec::new()));
    let mut parquet = None;
    while let Next::Records(records) = source.next(16_384).expect("it reads") {
        csv.write(&records.rows).expect("it writes");
        json.write(&records.rows).expect("it writes");
        let writer = parquet.get_or_insert_with(|| {
            ArrowWriter::try_new(Vec::new(), records.rows.schema(), None).expect("a parquet schema")
        });
        writer.write(&records.rows).expect("it writes");
    }
    json.finish().expect("it writes");
    let parquet = parquet.map(|writer| writer.into_inner().expect("it writes")).unwrap_or_default();
    for (name, bytes) in [("a.csv", csv.into_inner()), ("a.jsonl", json.into_inner()), ("a.parquet", parquet)] {
        fs::write(folder.join(name), bytes).expect("it writes");
    }
}

#[divan::bench(args = ["a.csv", "a.jsonl", "a.parquet"], sample_count = 5)]
fn files(bencher: Bencher<'_, '_>, name: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    write_files(folder.path());
    let definition = format!("{{ files: {{ paths: [{name}] }} }}");
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| drain(open(folder.path(), &definition)));
}

#[divan::bench(args = ["uniform", "physical"], sample_count = 5)]
fn events(bencher: Bencher<'_, '_>, profile: &str) {
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| drain(open(Path::new("."), &synthetic(profile))));
}

fn main() {
    divan::main();
}
