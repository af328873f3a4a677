//! What a run did, in a few lines on standard output.

use std::{
    collections::BTreeMap,
    io::{Write, stdout},
};

use indicatif::{HumanBytes, HumanCount};
use local::{Options, Summary};

use crate::Failure;

/// How many reasons are listed.
const REASONS_MAX: usize = 8;

/// Prints the summary of a run, unless the person wants to hear of errors only.
pub(crate) fn print(options: &Options, summary: &Summary) -> Result<(), Failure> {
    if !tracing::enabled!(tracing::Level::INFO) {
        return Ok(());
    }
    write(&mut stdout().lock(), options, summary).map_err(Failure::run_time)
}

fn write(out: &mut impl Write, options: &Options, summary: &Summary) -> std::io::Result<()> {
    let ledger = &summary.ledger;
    let new = summary.position - summary.resumed_from;
    let rate = new as f64 / summary.elapsed.as_secs_f64();
    let state = if summary.finished { "finished" } else { "stopped; the same command goes on from here" };
    writeln!(out, "{}: {state}", options.stream.name())?;
    if summary.resumed_from > 0 {
        writeln!(out, "  went on from   {:>14}", count(summary.resumed_from))?;
    }
    writeln!(
        out,
        "  this run       {:>14} records in {:.1} s, {}/s",
        count(new),
        summary.elapsed.as_secs_f64(),
        count(rate.round() as u64)
    )?;
    let balance = if ledger.balances() { "balances" } else { "DOES NOT BALANCE" };
    writeln!(out, "  in             {:>14} (the ledger {balance})", count(ledger.records))?;
    // Windows take nearly all events; where there are some, each figure says whether it counts what they took.
    let has_windows = !options.stream.aggregates.is_empty();
    let taken = if has_windows { " (in processed_data, and in their windows)" } else { " (in processed_data)" };
    writeln!(out, "  = out          {:>14}{taken}", count(ledger.out))?;
    writeln!(out, "  + filtered     {:>14}", count(ledger.filtered))?;
    writeln!(out, "  + dead letters {:>14}{}", count(ledger.dead_lettered), top(&ledger.dead_letter_rules))?;
    let missed = if ledger.late > 0 { " (in processed_data, and too late for a window)" } else { "" };
    writeln!(out, "  + late         {:>14}{missed}", count(ledger.late))?;
    if ledger.ahead > 0 {
        let what = "of out and late, with a time far ahead of the others: it closed no window by itself";
        writeln!(out, "  ahead          {:>14} ({what})", count(ledger.ahead))?;
    }
    writeln!(out, "  anomalies      {:>14}{}", count(ledger.anomalies), top(&ledger.reasons))?;
    if ledger.silences > 0 {
        writeln!(
            out,
            "  silences       {:>14} (of keys: in anomalies, with no record behind)",
            count(ledger.silences)
        )?;
    }
    if ledger.unscored > 0 {
        writeln!(out, "  not scored     {:>14} (more keys than a partition keeps)", count(ledger.unscored))?;
    }
    if ledger.overdue > 0 {
        writeln!(
            out,
            "  overdue        {:>14} (of a partition that had been quiet for too long)",
            count(ledger.overdue)
        )?;
    }
    let (files, rows) =
        summary.dropped.values().fold((0, 0), |(files, rows), dropped| (files + dropped.files, rows + dropped.rows));
    if files > 0 {
        writeln!(out, "  dropped        {:>14} rows in {} files, older than `keep`", count(rows), count(files))?;
    }
    writeln!(
        out,
        "  results        {} ({} files, {})",
        options.results.display(),
        summary.files,
        HumanBytes(summary.bytes)
    )?;
    writeln!(
        out,
        "  ask them       beamline query --results {} \"SELECT * FROM processed_data LIMIT 10\"",
        options.results.display()
    )
}

/// The most frequent names with their counts, in brackets.
fn top(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shown: Vec<String> =
        counts.iter().take(REASONS_MAX).map(|(name, number)| format!("{name} {}", count(**number))).collect();
    match (shown.is_empty(), counts.len() - shown.len()) {
        (true, _) => String::new(),
        (false, 0) => format!(" ({})", shown.join(", ")),
        (false, more) => format!(" ({}, and {more} more)", shown.join(", ")),
    }
}

/// With separators, as text that can be set to a width.
fn count(number: u64) -> String {
    HumanCount(number).to_string()
}
