//! `beamline topics ledger`: the account of a stream on Kafka, from what its groups noted with their offsets.

use std::path::Path;

use broker::{Connection, Offsets};
use kafka::{Generator, GeneratorNote, Note, Step};
use service::{Failure, load_stream};
use stage::Ledger;
use stream::Stream;

use super::say;

pub(super) fn ledger(stream: &Path, connection: &Connection) -> Result<(), Failure> {
    let stream = load_stream(stream)?;
    print(&stream, &Offsets::connect(connection).map_err(Failure::run_time)?)
}

/// Prints what each step has done, and whether every record is accounted for.
pub(crate) fn print(stream: &Stream, offsets: &Offsets) -> Result<(), Failure> {
    let topics = stream.topics();
    let group = Generator::group(stream.name());
    let generator = offsets.committed(&group, &topics.raw, &[0]).map_err(Failure::run_time)?.remove(&0);
    if let Some(committed) = generator {
        let note = GeneratorNote::parse(&committed.metadata).map_err(Failure::run_time)?;
        say(&format!(
            "generator         {:>12} taken in = {} sent + {} dead letters",
            note.cursor.position, note.sent, note.dead_lettered
        ))?;
    }
    let mut balances = true;
    for step in [Step::Enrich, Step::Detect, Step::Aggregate] {
        let Some(ledger) = account(stream, offsets, step)? else { continue };
        balances &= ledger.balances();
        say(&format!(
            "{:<17} {:>12} in = {} out + {} filtered + {} dead letters + {} late; {} anomalies",
            step.name(),
            ledger.records,
            ledger.out,
            ledger.filtered,
            ledger.dead_lettered,
            ledger.late,
            ledger.anomalies
        ))?;
    }
    match balances {
        true => say("the ledger balances"),
        false => Err(Failure::run_time("the ledger does not balance: records are unaccounted for")),
    }
}

/// The sum of what a step's group noted; nothing where it has never committed.
fn account(stream: &Stream, offsets: &Offsets, step: Step) -> Result<Option<Ledger>, Failure> {
    let partitions: Vec<u32> = (0..stream.definition.spec.partitions).collect();
    let topics = stream.topics();
    let group = step.group(stream.name());
    // The detector's group reads the raw topic where it is fused.
    let mut inputs = vec![step.input(&topics)];
    if step == Step::Detect {
        inputs.push(&topics.raw);
    }
    let mut sum: Option<Ledger> = None;
    for input in inputs {
        for committed in offsets.committed(&group, input, &partitions).map_err(Failure::run_time)?.into_values() {
            let note = Note::parse(&committed.metadata).map_err(Failure::run_time)?;
            *sum.get_or_insert_default() += &note.ledger();
        }
    }
    Ok(sum)
}
