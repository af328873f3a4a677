//! Aggregates the events of a stream in windows of event time.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main(pod_events::with_events(aggregator::run))
}
