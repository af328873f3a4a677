//! Metrics of this process, collected and shown as Prometheus wants them.

use measure::{ALL, Kind};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::Failure;

/// What was built, where the build says so.
pub const REVISION: &str = match option_env!("BEAMLINE_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Collects metrics from now on.
///
/// # Errors
/// Where something else collects them already.
pub fn collect(service: &str) -> Result<PrometheusHandle, Failure> {
    let defect = |error: metrics_exporter_prometheus::BuildError| Failure::run_time(format!("no metrics: {error}"));
    let mut builder = PrometheusBuilder::new();
    for metric in ALL.iter().map(|metric| metric.description()).filter(|metric| metric.kind == Kind::Histogram) {
        let matcher = Matcher::Full(metric.name.to_owned());
        builder = builder.set_buckets_for_metric(matcher, metric.buckets).map_err(defect)?;
    }
    let handle = builder.install_recorder().map_err(defect)?;
    measure::describe_all();
    measure::BUILD_INFO.of([service, env!("CARGO_PKG_VERSION"), REVISION]).set(1.0);
    Ok(handle)
}
