//! Finds anomalies in the events of a stream.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main::<anomaly_detector::AnomalyDetector>(anomaly_detector::run)
}
