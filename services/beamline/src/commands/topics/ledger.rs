//! `beamline topics ledger`: the account of a stream on Kafka, from what its groups noted with their offsets.

use std::path::Path;

use broker::{Connection, Offsets};
use kafka::{Generator, GeneratorNote, Step};
use service::{Failure, load_stream};
use stage::Ledger;
use stream::Stream;

use super::say;
use crate::on_kafka::failure;

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

/// What a step has committed; the detector's also where it is fused with the enricher.
fn account(stream: &Stream, offsets: &Offsets, step: Step) -> Result<Option<Ledger>, Failure> {
    let of = |step| kafka::account(offsets, stream.name(), stream.definition.spec.partitions, step).map_err(failure);
    let mut sum = of(step)?;
    if step == Step::Detect
        && let Some(fused) = of(Step::Fused)?
    {
        *sum.get_or_insert_default() += &fused;
    }
    Ok(sum)
}
