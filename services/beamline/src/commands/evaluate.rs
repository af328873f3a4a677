//! `beamline evaluate`: how good a stream's detection is on events whose anomalies are known.

mod collect;
mod labels;

use std::{
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    sync::Arc,
};

use evaluate::{Events, Judge, nab};
use service::{folder_of, load_stream};
use source::Next;
use stage::{Outputs, Pipeline, Rows, Stage, Traces};
use stream::{Source, Stream};

use self::{collect::Collector, labels::Labels};
use super::run::absolute;
use crate::{
    Failure,
    cli::{EvaluateArgs, EvaluateFormat},
};

/// Events that are measured at most: their scores are kept in memory, about 100 bytes an event.
const EVENTS_MAX: u64 = 20_000_000;

/// Events that are read at a time.
const BATCH_EVENTS: usize = 65_536;

pub(crate) fn evaluate(args: EvaluateArgs) -> Result<(), Failure> {
    let mut stream = load_stream(&args.stream)?;
    let Some(asked) = stream.definition.spec.detect.as_ref().map(|detect| detect.false_alarm_rate) else {
        return Err(Failure::configuration(format!("{} has no `detect`, add what to look for", args.stream.display())));
    };
    if args.without_rules {
        let mut learned = (*stream).clone();
        learned.rules.clear();
        stream = Arc::new(learned);
    }
    let labels = Labels::new(&args, &stream)?;
    let source = source_of(&args.files, args.events, &stream)?;
    let events = run(&args, &stream, &source, Collector::new(&stream, &labels, asked))?;
    let mut evaluation = evaluate::evaluate(&events, Some(asked)).map_err(Failure::run_time)?;
    if labels.are_windows() {
        let scores = |judge: Option<&Judge>| {
            let series = nab_series(&events, judge, args.episode_rows);
            nab::PROFILES.iter().map(|profile| nab::score(&series, profile)).collect()
        };
        evaluation.nab = scores(events.judges.first());
        let simple = events.simple.iter();
        evaluation.simple_nab = simple.map(|judge| (judge.name.clone(), scores(Some(judge)))).collect();
    }
    if let Some(path) = &args.svg {
        let picture = evaluate::draw(stream.name(), &events);
        fs::write(path, picture)
            .map_err(|error| Failure::run_time(format!("cannot write {}: {error}", path.display())))?;
    }
    let text = match args.format {
        EvaluateFormat::Table => evaluate::table(&evaluation),
        EvaluateFormat::Json => serde_json::to_string_pretty(&evaluation).map_err(Failure::run_time)? + "\n",
    };
    stdout().write_all(text.as_bytes()).map_err(Failure::run_time)
}

/// The files that are named, else the definition's source as fast as it goes.
pub(super) fn source_of(files: &[PathBuf], events: Option<u64>, stream: &Stream) -> Result<Source, Failure> {
    let defined = stream.definition.spec.source.clone();
    if !files.is_empty() {
        let named = stream::Files::of(absolute(files)?);
        // Another file of the same kind is read as the definition's files are.
        let files = match defined {
            Some(Source::Files(defined)) => stream::Files { paths: named.paths, format: None, speed: None, ..defined },
            _ => named,
        };
        return Ok(Source::Files(files));
    }
    match defined {
        Some(Source::Files(files)) => Ok(Source::Files(stream::Files { speed: None, ..files })),
        Some(Source::Synthetic(mut synthetic)) => {
            synthetic.rate = 0.0;
            synthetic.events = events.or(synthetic.events);
            match synthetic.events {
                Some(_) => Ok(Source::Synthetic(synthetic)),
                None => Err(Failure::configuration("say how many synthetic events to look at: --events N")),
            }
        }
        _ => Err(Failure::configuration("name the files to look at: STREAM FILE...")),
    }
}

/// Runs the stream over its events and keeps what is measured.
fn run(
    args: &EvaluateArgs,
    stream: &Arc<Stream>,
    source: &Source,
    mut collector: Collector<'_>,
) -> Result<Events, Failure> {
    let mut pipeline = Pipeline::new(stream).map_err(Failure::run_time)?;
    read_events(&args.stream, stream, source, args.events, |rows| {
        let mut outputs = Outputs::default();
        pipeline.process(rows, &mut outputs).map_err(Failure::run_time)?;
        for rows in &outputs.rows {
            collector.add(&rows.batch)?;
        }
        match collector.len() as u64 > EVENTS_MAX {
            true => Err(Failure::run_time(format!("more than {EVENTS_MAX} events: measure fewer with --events"))),
            false => Ok(()),
        }
    })?;
    collector.finish()
}

/// Reads a source to its end, or so many events of it, and hands on batches.
pub(super) fn read_events(
    definition: &Path,
    stream: &Arc<Stream>,
    source: &Source,
    events: Option<u64>,
    mut take: impl FnMut(Rows) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let options = source::Options { base: folder_of(definition), ..source::Options::default() };
    let mut opened = source::open(source, stream, &options).map_err(Failure::run_time)?;
    let mut left = events.unwrap_or(u64::MAX);
    while left > 0 {
        let records = match opened.next((BATCH_EVENTS as u64).min(left) as usize).map_err(Failure::run_time)? {
            Next::Records(records) => records,
            Next::Idle => continue,
            Next::End => break,
        };
        left = left.saturating_sub(records.len() as u64);
        take(keyed(stream, records)?)?;
    }
    Ok(())
}

fn keyed(stream: &Stream, records: source::Records) -> Result<Rows, Failure> {
    let column = records.rows.schema().index_of(&stream.definition.spec.key).map_err(Failure::run_time)?;
    let keys = stage::key_text(records.rows.column(column)).map_err(Failure::run_time)?;
    Ok(Rows { batch: records.rows, positions: records.positions, keys, ingested: None, traces: Traces::default() })
}

/// Each key as a series: a judge's scores at the first events of episodes, and where labelled events follow each other.
fn nab_series(events: &Events, judge: Option<&Judge>, episode_rows: usize) -> Vec<nab::Series> {
    let keys = events.keys.iter().max().map_or(0, |last| *last as usize + 1);
    let mut series = vec![nab::Series { scores: Vec::new(), windows: Vec::new() }; keys];
    let scores = judge.and_then(|judge| judge.scores.as_ref());
    for (row, (key, kind)) in events.keys.iter().zip(&events.kinds).enumerate() {
        let series = &mut series[*key as usize];
        let index = series.scores.len();
        series.scores.push(scores.map_or(f64::NAN, |scores| scores[row]));
        match series.windows.last_mut() {
            _ if *kind == 0 => {}
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => series.windows.push((index, index)),
        }
    }
    for series in &mut series {
        series.scores = nab::first_of_episodes(&series.scores, episode_rows);
    }
    series
}

/// Where a path of the command line is.
pub(super) fn read(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::configuration(format!("cannot read {}: {error}", path.display())))
}
