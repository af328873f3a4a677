//! `beamline topics ledger`: the account of a stream on Kafka, from what its groups noted with their offsets.

use std::{
    path::Path,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use broker::{Connection, Offsets};
use kafka::Step;
use service::{Failure, load_stream};
use stage::Ledger;
use stream::Stream;

use super::say;
use crate::on_kafka::failure;

/// How many offsets are looked at to count what waits between two steps.
const WAITING_MAX: u64 = 1_000_000;
/// How often two steps that run meanwhile are looked at again.
const LOOKS_MAX: usize = 5;
/// How long to wait before they are.
const AGAIN: Duration = Duration::from_millis(500);

pub(super) fn ledger(stream: &Path, connection: &Connection) -> Result<(), Failure> {
    let stream = load_stream(stream)?;
    print(&stream, &Offsets::connect(connection).map_err(Failure::run_time)?)
}

/// Prints what each step has done, and whether every record is accounted for: within each step, and from each to the next.
pub(crate) fn print(stream: &Stream, offsets: &Offsets) -> Result<(), Failure> {
    if let Some(note) = kafka::sent_in_all(offsets, stream, Offsets::committed).map_err(failure)? {
        let skipped = if note.skipped > 0 { format!(" + {} without a value", note.skipped) } else { String::new() };
        let missed = match note.missed {
            0 => String::new(),
            missed => format!("; {missed} offsets of the source were deleted before they were read"),
        };
        say(&format!(
            "generator         {:>12} taken in = {} sent + {} dead letters{skipped}{missed}{}",
            note.cursor.position,
            note.sent,
            note.dead_lettered,
            probes(note.probes)
        ))?;
    }
    let mut balances = true;
    for step in [Step::Enrich, Step::Detect, Step::Aggregate] {
        let Some((ledger, since)) = account(stream, offsets, step)? else { continue };
        balances &= ledger.balances();
        say(&format!(
            "{:<17} {:>12} in = {} out + {} filtered + {} dead letters + {} late; {} anomalies{}{}{}",
            step.name(),
            ledger.records,
            ledger.out,
            ledger.filtered,
            ledger.dead_lettered,
            ledger.late,
            ledger.anomalies,
            silences(ledger.silences),
            probes(ledger.probes),
            counted(since)
        ))?;
    }
    for (writer, reader) in [(Step::Enrich, Step::Detect), (Step::Detect, Step::Aggregate)] {
        balances &= passed(stream, offsets, writer, reader)?;
    }
    match balances {
        true => say("the ledger balances"),
        false => Err(Failure::run_time("the ledger does not balance: records are unaccounted for")),
    }
}

/// No record is behind an alarm of silence: they are beside the account.
fn silences(count: u64) -> String {
    if count > 0 { format!(" + {count} silences") } else { String::new() }
}

/// Probes are not records: they are beside the account.
fn probes(count: u64) -> String {
    if count > 0 { format!("; {count} probes") } else { String::new() }
}

fn counted(since: i64) -> String {
    match since {
        0 => String::new(),
        since => format!("; counted since {}", time(since)),
    }
}

fn time(millis: i64) -> String {
    let time: SystemTime = UNIX_EPOCH + Duration::from_millis(millis.max(0) as u64);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Compares what a step wrote with what the next one read and has before it; says whether that balances.
fn passed(stream: &Stream, offsets: &Offsets, writer: Step, reader: Step) -> Result<bool, Failure> {
    let topics = stream.topics();
    let (group, topic) = (reader.group(stream.name()), reader.input(&topics));
    for look in 1..=LOOKS_MAX {
        // Both may be running: what was written before and after bounds what was read and waits.
        let Some((before, _)) = of(stream, offsets, writer)? else { return Ok(true) };
        let Some((read, read_since)) = of(stream, offsets, reader)? else { return Ok(true) };
        let waiting = offsets.waiting(&group, topic, WAITING_MAX).map_err(Failure::run_time)?;
        let Some((written, written_since)) = of(stream, offsets, writer)? else { return Ok(true) };
        let names = format!("{} to {}", writer.name(), reader.name());
        let Some(waiting) = waiting else {
            say(&format!("{names}: not compared, more than {WAITING_MAX} offsets wait"))?;
            return Ok(true);
        };
        let found = read.records + waiting;
        let (written, read) = (written.out, read.records);
        if (before.out..=written).contains(&found) {
            say(&format!("{names}: {written} written = {read} read + {waiting} waiting"))?;
            return Ok(true);
        }
        if written_since > read_since {
            let since =
                [written_since, read_since].map(|since| if since == 0 { "earlier".into() } else { time(since) });
            say(&format!(
                "{names}: not comparable, {written} written since {}, {read} read since {} and {waiting} waiting",
                since[0], since[1]
            ))?;
            return Ok(true);
        }
        if look == LOOKS_MAX {
            say(&format!("{names}: {written} written, but {read} read + {waiting} waiting"))?;
        } else {
            thread::sleep(AGAIN);
        }
    }
    Ok(false)
}

fn of(stream: &Stream, offsets: &Offsets, step: Step) -> Result<Option<(Ledger, i64)>, Failure> {
    kafka::account_since(offsets, stream.name(), stream.definition.spec.partitions, step).map_err(failure)
}

/// What a step has committed; the detector's also where it is fused with the enricher.
fn account(stream: &Stream, offsets: &Offsets, step: Step) -> Result<Option<(Ledger, i64)>, Failure> {
    let mut sum = of(stream, offsets, step)?;
    if step == Step::Detect
        && let Some((fused, since)) = of(stream, offsets, Step::Fused)?
    {
        let (ledger, counted) = sum.get_or_insert_default();
        *ledger += &fused;
        *counted = since.max(*counted);
    }
    Ok(sum)
}
