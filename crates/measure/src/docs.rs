//! The documentation of the metrics.

use std::fmt::Write;

use crate::{ALL, Kind};

const HEAD: &str = "\
# Metrics

After reading this page you can find the metric that answers a question, and know what its labels mean.

Every service shows these at `GET /metrics` of its `--listen` address, in Prometheus' text format. A metric appears once
something was recorded. `make metrics-docs` writes this page from the code; a test compares the two.

`stage` is what works on the records: `generator`, `enricher`, `anomaly-detector`, `aggregator`, `merger`, or of writers what they
write: `cql`, `parquet`, `orc`, `delta`.

The number of series does not grow with what comes: labels are names of a definition, partitions and fixed words. The one exception,
the key of `beamline_hot_key_share`, is one key of a partition at a time, and the series of a key ends when it is no longer hot.

| metric | kind | labels | meaning |
|---|---|---|---|
";

/// The documentation of all metrics, in Markdown.
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    for metric in ALL.iter().map(|metric| metric.description()) {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{}` | {kind} | {} | {} |", metric.name, labels.join(", "), metric.help);
    }
    text.push_str("\nBuckets, in seconds:\n\n");
    for metric in ALL.iter().map(|metric| metric.description()).filter(|metric| !metric.buckets.is_empty()) {
        let buckets: Vec<String> = metric.buckets.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "- `{}`: {}", metric.name, buckets.join(", "));
    }
    text
}
