//! `simulate-mutants`: puts one defect after the other into the workers, and makes sure that the histories find it: that nothing
//! is wrong where nothing is done to the workers, and that the promise is broken that the defect breaks where something is.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use kafka::Mutant;
use simulator::Simulator;

/// Histories until a defect must have been found.
const HISTORIES: u64 = 10_000;

/// The promises that a defect may break; which one comes first depends on the history.
fn broken(mutant: Mutant) -> &'static [&'static str] {
    match mutant {
        Mutant::OversizedSent => &["progress"],
        Mutant::LoadInline => &["heartbeats"],
        Mutant::StatesUnbounded => &["memory"],
        // The outputs are there, and the group is never told.
        Mutant::OffsetsAfterCommit | Mutant::OffsetsIgnored | Mutant::AbortGoesOn => {
            &["rows", "results", "dead letters", "places", "progress"]
        }
        _ => &["rows", "results", "dead letters", "places"],
    }
}

fn main() -> ExitCode {
    let simulator = match Simulator::new() {
        Ok(simulator) => simulator,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    let only = std::env::args().nth(1);
    let mut missed = 0;
    for (mutant, name) in Mutant::ALL.into_iter().filter(|(_, name)| only.as_deref().is_none_or(|only| only == *name)) {
        Mutant::choose(Some(mutant));
        let verdict = match (simulator.undisturbed(), simulator.histories(1, HISTORIES)) {
            (Err(reason), _) => Err(format!("is not what it should be without faults: {reason}")),
            (_, Ok(_)) => Err(format!("was not found in {HISTORIES} histories")),
            (_, Err(failure)) => {
                let found = format!("found by seed {}: {}", failure.seed, failure.reason);
                let word = failure.reason.split(':').next().unwrap_or_default();
                if broken(mutant).contains(&word) { Ok(found) } else { Err(format!("not as expected, {found}")) }
            }
        };
        match verdict {
            Ok(found) => println!("{name}: {found}"),
            Err(reason) => {
                println!("{name}: MISSED, {reason}");
                missed += 1;
            }
        }
    }
    Mutant::choose(None);
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
