//! The autoscaler's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main(autoscaler::run)
}
