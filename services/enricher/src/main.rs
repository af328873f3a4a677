//! Enriches the events of a stream.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main::<enricher::Enricher>(enricher::run)
}
