//! `dashboard`: the live page of streams on Kafka.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main(pod_events::with_events(dashboard::run))
}
