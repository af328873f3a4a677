//! `simulate`: runs histories and says what they came to. `HISTORIES` says how many (100,000 by default), `SEED` from which seed
//! on (drawn, and printed, where it is not given).

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    process::ExitCode,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use simulator::Simulator;

fn main() -> ExitCode {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let drawn = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs() * 1_000_000);
    let (count, seed) = (number("HISTORIES").unwrap_or(100_000), number("SEED").unwrap_or_else(drawn));
    let simulator = match Simulator::new() {
        Ok(simulator) => simulator,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    println!("{count} histories from SEED={seed} on");
    let begun = Instant::now();
    match simulator.histories(seed, count) {
        Ok(tally) => {
            let (took, workers, calls) = (begun.elapsed().as_secs_f64(), tally.workers, tally.calls);
            println!(
                "{count} histories in {took:.0} s: {workers} workers, {calls} calls of the cluster; each came to what it should"
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            eprintln!("to repeat it: make simulate HISTORIES=1 SEED={}", failure.seed);
            ExitCode::FAILURE
        }
    }
}
