//! `bench-snapshots`: how many bytes snapshots take beside the events of `streams/bench.yaml`, at three rates, with few and with many
//! keys. `RECORDS` says over how many records (2,000,000, more than a budget of them, by default), after as many that do not count.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use simulator::snapshots::{Taken, measure};

/// Records that are measured.
const RECORDS: u64 = 2_000_000;
/// Those with few keys, where a budget is a few thousand: enough for places, of which there is one in half a minute.
const RECORDS_FEW: u64 = 200_000;
/// What snapshots may take of the events' bytes.
const GOAL: f64 = 0.1;

fn main() -> ExitCode {
    let asked = std::env::var("RECORDS").ok().and_then(|text| text.parse::<u64>().ok());
    let mut good = true;
    println!(
        "| events/s | keys | bytes of an event | of the state topic, an event | share | most records to be read again |"
    );
    println!("|---:|---:|---:|---:|---:|---:|");
    for rate in [100_000.0, 1_000.0, 100.0] {
        for (keys, records) in [(64, RECORDS_FEW), (10_000, RECORDS)] {
            match measure(keys, rate, asked.unwrap_or(records)) {
                Ok(taken) => good &= print(rate, keys, &taken),
                Err(reason) => {
                    eprintln!("{reason}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(rate: f64, keys: u32, taken: &Taken) -> bool {
    let each = |bytes: u64| bytes as f64 / taken.records as f64;
    let (event, state) = (each(taken.bytes), each(taken.state_bytes));
    let share = state / event;
    println!("| {rate} | {keys} | {event:.0} | {state:.1} | {:.1} % | {} |", 100.0 * share, taken.read_again);
    share <= GOAL
}
