//! Events of an example as Parquet, orderly and shuffled, and the definition that runs over them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, UInt64Array},
    compute::{cast, concat_batches, take_record_batch},
    datatypes::{DataType, Float64Type, Int64Type},
};
use source::Next;
use store::{Manifest, Results, Table, TableWriter, WriterOptions};
use stream::{Source, Stream};

use super::queries::Example;

pub(crate) const EVENTS: u64 = 8_000;

/// How a stream is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variant {
    pub partitions: u32,
    pub replicas: usize,
    pub shuffled: bool,
    pub kills: u64,
}

impl Variant {
    pub(crate) fn name(&self, example: &Example) -> String {
        let order = if self.shuffled { "shuffled" } else { "orderly" };
        let fate = if self.kills > 0 { "killed" } else { "quiet" };
        format!("{}-{}-{}-{order}-{fate}", example.name, self.partitions, self.replicas)
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Where the raw events of an example are: results of a stream that does nothing.
pub(crate) fn raw(folder: &Path, example: &Example, shuffled: bool) -> PathBuf {
    folder.join(format!("{}-raw-{shuffled}", example.name))
}

/// Writes the events of an example in both orders.
pub(crate) fn write(folder: &Path, example: &Example) {
    let stream = service::load_stream(&project().join(format!("streams/{}.yaml", example.name))).unwrap();
    let events = events(&stream, example.spacing);
    for shuffled in [false, true] {
        let rows = if shuffled { shuffle(&stream, &events) } else { events.clone() };
        let results = Results::new(raw(folder, example, shuffled));
        results.create().unwrap();
        let options = WriterOptions::default();
        let mut writer = TableWriter::new(&results, Table::ProcessedData, 0, 0, rows.schema(), &options).unwrap();
        writer.write(&rows).unwrap();
        let files = writer.finish().unwrap();
        results.publish(&files).unwrap();
        let manifest = Manifest::new("raw", "", &stream.definition.spec.id, [(Table::ProcessedData, rows.schema())]);
        results.publish_manifest(&Manifest { files, ..manifest }).unwrap();
    }
}

/// What the example's own source makes up. Numbers have a resolution of 1/1024, so that a batch query's sums are exact.
fn events(stream: &Arc<Stream>, spacing: f64) -> RecordBatch {
    let Some(Source::Synthetic(mut synthetic)) = stream.definition.spec.source.clone() else { panic!("no source") };
    synthetic.rate = 1.0 / spacing;
    synthetic.start = Some("2025-01-01T00:00:00Z".to_owned());
    synthetic.events = Some(EVENTS);
    let options = source::Options { speed: Some(0.0), ..source::Options::default() };
    let mut source = source::open(&Source::Synthetic(synthetic), stream, &options).unwrap();
    let mut batches = Vec::new();
    while let Next::Records(records) = source.next(source::RECORDS_MAX).unwrap() {
        batches.push(records.rows);
    }
    let events = concat_batches(stream.input.arrow(), &batches).unwrap();
    let rounded = |column: &ArrayRef| match column.data_type() {
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>();
            Arc::new(values.unary::<_, Float64Type>(|value| (value * 1024.0).round() / 1024.0)) as ArrayRef
        }
        _ => column.clone(),
    };
    RecordBatch::try_new(events.schema(), events.columns().iter().map(rounded).collect()).unwrap()
}

/// Each event delayed by anything up to the shortest lateness.
fn shuffle(stream: &Stream, events: &RecordBatch) -> RecordBatch {
    let lateness = stream.aggregates.list.iter().map(|aggregate| aggregate.lateness).min().unwrap();
    let times = cast(events.column_by_name(&stream.definition.spec.time).unwrap(), &DataType::Int64).unwrap();
    let mut random = super::random(7);
    let mut coming: Vec<(i64, u64)> = times
        .as_primitive::<Int64Type>()
        .values()
        .iter()
        .zip(0..)
        .map(|(time, row)| (time + (random() % lateness as u64) as i64, row))
        .collect();
    coming.sort_unstable();
    take_record_batch(events, &UInt64Array::from_iter_values(coming.into_iter().map(|(_, row)| row))).unwrap()
}

/// Writes the definition of a variant, which takes about `seconds` to come where it is paced.
pub(crate) fn define(folder: &Path, example: &Example, variant: Variant, seconds: Option<f64>) -> PathBuf {
    let project = project();
    let raw = Results::new(raw(folder, example, variant.shuffled));
    let file = raw.path(&raw.manifest().unwrap().unwrap().files[0]);
    let speed = seconds.map(|seconds| format!(", speed: {}", EVENTS as f64 * example.spacing / seconds));
    let files = format!("files: {{ paths: [{:?}]{} }}", file.display().to_string(), speed.unwrap_or_default());
    let text = fs::read_to_string(project.join(format!("streams/{}.yaml", example.name))).unwrap();
    let line = |line: &str| match line.trim_start() {
        metadata if metadata.starts_with("metadata:") => format!("metadata: {{ name: {} }}", variant.name(example)),
        partitions if partitions.starts_with("partitions:") => format!("  partitions: {}", variant.partitions),
        source if source.starts_with("synthetic:") => format!("    {files}"),
        _ => line.replace("../", &format!("{}/", project.display())),
    };
    let text: Vec<String> = text.lines().map(line).collect();
    let path = folder.join(format!("{}.yaml", variant.name(example)));
    fs::write(&path, text.join("\n")).unwrap();
    path
}
