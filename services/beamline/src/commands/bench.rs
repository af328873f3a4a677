//! `beamline bench`: how fast this machine runs a stream, end to end and part by part.

use std::{
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use arrow::array::RecordBatch;
use indicatif::{HumanBytes, HumanCount};
use local::{Meter, Summary};
use service::{Beside, folder_of, load_stream};
use source::Next;
use stage::{Detect, Enrich, Outputs, Rows, Stage, StageError, Traces};
use store::{Results, Table, TableWriter, WriterOptions};
use stream::{Layer, Source, Stream, Synthetic};

use super::run::{FILE_COMMIT_INTERVAL, SNAPSHOT_BYTES, cores};
use crate::{Failure, cli::BenchArgs, resources::Usage};

/// Rows that the parts are measured on: they stay in memory.
const PART_ROWS: u64 = 1 << 20;

pub(crate) fn bench(args: BenchArgs) -> Result<(), Failure> {
    let stream = load_stream(&args.stream)?;
    let Some(Source::Synthetic(mut synthetic)) = stream.definition.spec.source.clone() else {
        return Err(Failure::configuration(format!(
            "{} has no synthetic source to measure with",
            args.stream.display()
        )));
    };
    synthetic.rate = 0.0;
    synthetic.events = Some(args.events);
    let folder = match args.folder {
        Some(folder) => folder,
        None => std::env::temp_dir().join("beamline-bench"),
    };
    let made = fs::create_dir_all(&folder).and_then(|()| std::path::absolute(&folder));
    // The input's files are named by their whole paths: others would be looked for beside the definition.
    let folder = made.map_err(|error| Failure::run_time(format!("cannot make {}: {error}", folder.display())))?;
    let every_layer = every_layer(&stream, &args.stream)?;
    let bench = Bench { stream, every_layer, base: folder_of(&args.stream), folder, events: args.events };
    let files = bench.input(&synthetic)?;
    bench.end_to_end(&files)?;
    bench.parts(&files)
}

/// The stream with all layers of its detector turned on, except `season`, which takes two features at most. `None` where the stream
/// has no detector.
fn every_layer(stream: &Stream, path: &Path) -> Result<Option<Arc<Stream>>, Failure> {
    let mut definition = stream.definition.clone();
    let Some(detect) = &mut definition.spec.detect else { return Ok(None) };
    let layers = &mut detect.layers;
    (layers.ewma, layers.mahalanobis, layers.chains) = (Layer::default(), Layer::default(), Layer::default());
    (layers.rate, layers.stuck, layers.missing, layers.burst) = (true, true, true, true);
    layers.silence = Layer::default();
    // JSON is YAML.
    let text = serde_json::to_string(&definition).map_err(Failure::run_time)?;
    let name = format!("{} with every layer", path.display());
    Stream::load(&name, &text, &Beside::definition(path)).map(Arc::new).map(Some).map_err(Failure::configuration)
}

struct Bench {
    stream: Arc<Stream>,
    every_layer: Option<Arc<Stream>>,
    base: PathBuf,
    folder: PathBuf,
    events: u64,
}

impl Bench {
    /// The raw events as Parquet files, made once and kept.
    fn input(&self, synthetic: &Synthetic) -> Result<stream::Files, Failure> {
        let mut raw = (*self.stream).clone();
        raw.definition.spec.detect = None;
        // One partition, so that the files have the events in the order of their time.
        raw.definition.spec.partitions = 1;
        raw.definition.spec.store = stream::Store::default();
        raw.enriched = raw.input.arrow().clone();
        raw.scored = raw.enriched.clone();
        (raw.quality, raw.lookups, raw.columns) = (Vec::new(), Vec::new(), Vec::new());
        (raw.filter, raw.features, raw.rules, raw.selections) = (None, Vec::new(), Vec::new(), Vec::new());
        raw.aggregates.list.clear();
        raw.fingerprints.definition = format!("raw {}", raw.fingerprints.definition);
        let results = self.folder.join(format!("input-{}-{}", self.stream.name(), self.events));
        let before = Usage::now();
        let summary = self.run(Arc::new(raw), Source::Synthetic(synthetic.clone()), &results)?;
        let made = summary.position - summary.resumed_from;
        if made > 0 {
            self.say(&format!("input: {} synthetic events, {}", HumanCount(made), before.since().per_row(made)))?;
        }
        let manifest = Results::new(&results).manifest().map_err(Failure::run_time)?;
        let files = manifest.map(|manifest| manifest.files).unwrap_or_default();
        // In the order in which they were made, so that time goes on from one file to the next.
        let mut files: Vec<_> = files.into_iter().filter(|file| file.table == Table::ProcessedData).collect();
        files.sort_by_key(|file| (file.first_position, file.partition));
        let paths = files.iter().map(|file| results.join(&file.path).to_string_lossy().into_owned()).collect();
        Ok(stream::Files::of(paths))
    }

    fn run(&self, stream: Arc<Stream>, source: Source, results: &Path) -> Result<Summary, Failure> {
        let options = local::Options {
            stream,
            source,
            base: self.base.clone(),
            results: results.to_owned(),
            threads: cores(),
            commit_records: 1_000_000,
            commit_interval: FILE_COMMIT_INTERVAL,
            snapshot_bytes: SNAPSHOT_BYTES,
            state_bytes: usize::MAX,
            end_position: None,
            end_after: None,
        };
        local::run(&options, &Meter::default(), &AtomicBool::new(false)).map_err(Failure::run_time)
    }

    /// Everything at once: files to Parquet, on all cores, with commits.
    fn end_to_end(&self, files: &stream::Files) -> Result<(), Failure> {
        let results = self.folder.join("results");
        if results.exists() {
            fs::remove_dir_all(&results).map_err(Failure::run_time)?;
        }
        let before = Usage::now();
        let summary = self.run(self.stream.clone(), Source::Files(files.clone()), &results)?;
        let used = before.since();
        self.say(&format!(
            "end to end: {} events on {} threads, {}, peak memory {}, {} of results, {} anomalies, the ledger {}",
            HumanCount(summary.position),
            cores(),
            used.per_row(summary.position),
            used.peak_memory().map_or_else(|| "unknown".to_owned(), |bytes| HumanBytes(bytes).to_string()),
            HumanBytes(summary.bytes),
            HumanCount(summary.ledger.anomalies),
            if summary.ledger.balances() { "balances" } else { "DOES NOT BALANCE" },
        ))
    }

    /// Each part alone on one thread, over the same rows in memory.
    fn parts(&self, files: &stream::Files) -> Result<(), Failure> {
        let options = source::Options { base: self.base.clone(), ..source::Options::default() };
        let files = Source::Files(files.clone());
        let mut source = source::open(&files, &self.stream, &options).map_err(Failure::run_time)?;
        let (mut gathered, mut inputs) = (local::gathered(&files), Vec::new());
        let mut count = 0;
        let begun = Instant::now();
        while count < PART_ROWS {
            match source.next(gathered.records_wanted()).map_err(Failure::run_time)? {
                Next::Records(records) => {
                    count += records.len() as u64;
                    gathered.push(records);
                }
                Next::Idle => {}
                Next::End => break,
            }
            if gathered.is_due() {
                inputs.extend(gathered.take().map_err(Failure::run_time)?);
            }
        }
        inputs.extend(gathered.take().map_err(Failure::run_time)?);
        self.part("read Parquet", count, begun)?;

        let begun = Instant::now();
        let mut rows = Vec::new();
        for (records, _) in inputs {
            rows.push(keyed(&self.stream, records)?);
        }
        self.part("keys as text", count, begun)?;

        let begun = Instant::now();
        let mut enrich = Enrich::new(self.stream.clone());
        let outputs = process(&mut enrich, rows)?;
        self.part("enrich", count, begun)?;

        let detected = self.detect("detect", &self.stream, outputs.clone(), count)?;
        if let Some(stream) = &self.every_layer {
            self.detect("detect, every layer", stream, outputs, count)?;
        }
        let begun = Instant::now();
        let results = Results::new(self.folder.join("parts"));
        results.create().map_err(Failure::run_time)?;
        let options = WriterOptions::of(&self.stream);
        let schema = self.stream.scored.clone();
        let mut writer =
            TableWriter::new(&results, Table::ProcessedData, 0, 0, schema, &options).map_err(Failure::run_time)?;
        for rows in &detected {
            writer.write(&rows.batch).map_err(Failure::run_time)?;
        }
        writer.finish().map_err(Failure::run_time)?;
        self.part("write Parquet", count, begun)?;
        fs::remove_dir_all(results.root()).map_err(Failure::run_time)
    }

    /// What a stream's detector makes of the rows; the rows themselves where it has none.
    fn detect(&self, name: &str, stream: &Arc<Stream>, rows: Vec<Rows>, count: u64) -> Result<Vec<Rows>, Failure> {
        let Some(mut detect) = Detect::new(stream.clone()).map_err(Failure::run_time)? else { return Ok(rows) };
        let begun = Instant::now();
        let detected = process(&mut detect, rows)?;
        self.part(name, count, begun)?;
        Ok(detected)
    }

    fn part(&self, name: &str, rows: u64, begun: Instant) -> Result<(), Failure> {
        let nanos = begun.elapsed().as_nanos() as f64 / rows.max(1) as f64;
        self.say(&format!("  {name:<19} {nanos:>8.0} ns a row"))
    }

    fn say(&self, line: &str) -> Result<(), Failure> {
        writeln!(stdout(), "{line}").map_err(Failure::run_time)
    }
}

fn keyed(stream: &Stream, records: source::Records) -> Result<Rows, Failure> {
    let batch: RecordBatch = records.rows;
    let column = batch.schema().index_of(&stream.definition.spec.key).map_err(Failure::run_time)?;
    let keys = stage::key_text(batch.column(column)).map_err(Failure::run_time)?;
    Ok(Rows { batch, positions: records.positions, keys, ingested: None, traces: Traces::default() })
}

fn process(stage: &mut dyn Stage, rows: Vec<Rows>) -> Result<Vec<Rows>, Failure> {
    let mut outputs = Outputs::default();
    let done: Result<(), StageError> = rows.into_iter().try_for_each(|rows| stage.process(rows, &mut outputs));
    done.map_err(Failure::run_time)?;
    Ok(outputs.rows)
}
