//! Finds anomalies in the events of a stream.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main(pod_events::with_events(anomaly_detector::run))
}
