//! Sends the events of a stream to Kafka.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main(pod_events::with_events(generator::run))
}
