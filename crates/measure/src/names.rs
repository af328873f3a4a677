//! Every metric there is.
//!
//! Names are `beamline_<what>_<unit>`, with `_total` where they only grow. `stage` is what works on the records:
//! `generator`, `enricher`, `anomaly-detector`, `aggregator`, `merger`, and of writers what they write: `cql`, `parquet`, `orc`,
//! `delta`. A partition is a label only where one that hangs could not be seen otherwise, a key only where it is one of a partition.

use metrics::Unit;

use crate::{Counter, Gauge, Histogram, Metric, Named};

/// From a millisecond to a minute.
const LATENCIES: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// From what nobody notices to what somebody has to look into.
const RESTORES: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
/// The labels of most metrics.
const STAGE: [&str; 2] = ["stream", "stage"];

/// Records read from the stage's input.
pub static RECORDS_IN: Counter<2> =
    Counter::new("beamline_records_in_total", Unit::Count, STAGE, "Records read from the stage's input");
/// Records written to the stage's output.
pub static RECORDS_OUT: Counter<2> = Counter::new(
    "beamline_records_out_total",
    Unit::Count,
    STAGE,
    "Records written to the stage's output and committed, copies of anomalies not counted",
);
/// Records that the filter has left out.
pub static RECORDS_FILTERED: Counter<2> = Counter::new(
    "beamline_records_filtered_total",
    Unit::Count,
    STAGE,
    "Records that the stream's filter has left out",
);
/// Records that could not go on.
pub static RECORDS_REJECTED: Counter<3> = Counter::new(
    "beamline_records_rejected_total",
    Unit::Count,
    ["stream", "stage", "reason"],
    "Records that could not go on, by what was wrong with them: `undecodable`, `schema`, `quality`, `expression`, \
     `too_large`",
);
/// Dead letters that were written.
pub static DEAD_LETTERS: Counter<2> =
    Counter::new("beamline_dead_letters_total", Unit::Count, STAGE, "Dead letters written and committed");
/// How many records wait in a partition.
pub static CONSUMER_LAG: Gauge<3> = Gauge::new(
    "beamline_consumer_lag_records",
    Unit::Count,
    ["stream", "stage", "partition"],
    "Records of a partition that are committed upstream and not yet here; told every 5 seconds",
);
/// The key that has more than its part of a partition.
pub static HOT_KEY_SHARE: Named = Named::new(
    "beamline_hot_key_share",
    Unit::Count,
    ["stream", "stage", "partition", "key"],
    "Share (0 to 1) of the key that has far more than its part of a partition's events, a fifth of them at least; of the last 16,000, told \
     every 5 seconds. No series where there is none",
);
/// From ingest to commit.
pub static END_TO_END_LATENCY: Histogram<2> = Histogram::new(
    "beamline_end_to_end_latency_seconds",
    Unit::Seconds,
    STAGE,
    LATENCIES,
    "Time from an event's ingest to the commit of this stage's result; a sample for about 64 records of each transaction, evenly from the first to the last",
);
/// Transactions that were committed.
pub static TRANSACTIONS_COMMITTED: Counter<2> =
    Counter::new("beamline_transactions_committed_total", Unit::Count, STAGE, "Transactions committed");
/// Transactions that were aborted.
pub static TRANSACTIONS_ABORTED: Counter<2> = Counter::new(
    "beamline_transactions_aborted_total",
    Unit::Count,
    STAGE,
    "Transactions aborted, whose records were processed again",
);
/// How long a transaction takes.
pub static TRANSACTION_DURATION: Histogram<2> = Histogram::new(
    "beamline_transaction_duration_seconds",
    Unit::Seconds,
    STAGE,
    LATENCIES,
    "Time a transaction takes to commit, from the last record to the broker's answer",
);
/// How large the state is.
pub static STATE_BYTES: Gauge<2> = Gauge::new(
    "beamline_state_bytes",
    Unit::Bytes,
    STAGE,
    "Memory of the detector's state, over the assigned partitions",
);
/// How large the state outside of memory is.
pub static SPILLED_BYTES: Gauge<2> = Gauge::new(
    "beamline_state_spilled_bytes",
    Unit::Bytes,
    STAGE,
    "State of the detector that its memory (`--state-mib`) has no room for, in files of the service",
);
/// How many keys have state.
pub static STATE_KEYS: Gauge<2> = Gauge::new(
    "beamline_state_keys",
    Unit::Count,
    STAGE,
    "Keys with state of the detector, or open windows and groups of the aggregator, over the assigned partitions",
);
/// How much state is written.
pub static SNAPSHOT_BYTES: Counter<2> =
    Counter::new("beamline_snapshot_bytes_total", Unit::Bytes, STAGE, "Bytes of state snapshots written and committed");
/// How long a partition's state takes to come back.
pub static RESTORE_DURATION: Histogram<2> = Histogram::new(
    "beamline_restore_duration_seconds",
    Unit::Seconds,
    STAGE,
    RESTORES,
    "Time to restore the state of a partition: its snapshots read and its input replayed",
);
/// How often partitions have moved.
pub static REBALANCES: Counter<2> = Counter::new(
    "beamline_rebalances_total",
    Unit::Count,
    STAGE,
    "Times that the assignment of partitions has changed",
);
/// Partitions at work here.
pub static PARTITIONS_ASSIGNED: Gauge<2> =
    Gauge::new("beamline_partitions_assigned", Unit::Count, STAGE, "Partitions assigned to this process");
/// How far event time lags behind.
pub static WATERMARK_DELAY: Gauge<2> = Gauge::new(
    "beamline_watermark_delay_seconds",
    Unit::Seconds,
    STAGE,
    "Wall-clock time less the latest event time, of the assigned partition that is furthest behind",
);
/// Records that came too late.
pub static LATE_RECORDS: Counter<2> =
    Counter::new("beamline_late_records_total", Unit::Count, STAGE, "Records that came after their window had closed");
/// Windows that were closed.
pub static WINDOWS_CLOSED: Counter<2> =
    Counter::new("beamline_windows_closed_total", Unit::Count, STAGE, "Windows closed, their results final");
/// Anomalies.
pub static ANOMALIES: Counter<2> =
    Counter::new("beamline_anomalies_total", Unit::Count, STAGE, "Events found anomalous, whatever layers say so");
/// Alarms of a layer.
pub static ALARMS: Counter<3> = Counter::new(
    "beamline_alarms_total",
    Unit::Count,
    ["stream", "stage", "layer"],
    "Alarms of the detector, by layer; an event may set off several",
);
/// Rows that were stored.
pub static STORE_ROWS: Counter<2> =
    Counter::new("beamline_store_rows_total", Unit::Count, STAGE, "Rows that the store has acknowledged");
/// Requests that the store got.
pub static STORE_WRITES: Counter<3> = Counter::new(
    "beamline_store_writes_total",
    Unit::Count,
    ["stream", "stage", "result"],
    "Write requests to the store: `acknowledged` or `failed`",
);
/// Requests that the store got again.
pub static STORE_RETRIES: Counter<2> =
    Counter::new("beamline_store_retries_total", Unit::Count, STAGE, "Write requests made again");
/// How long the store takes.
pub static STORE_WRITE_DURATION: Histogram<2> = Histogram::new(
    "beamline_store_write_duration_seconds",
    Unit::Seconds,
    STAGE,
    LATENCIES,
    "Time from a write request to the store's acknowledgement, retries included",
);
/// How old probes are when a store has them.
pub static PROBE_AGE: Histogram<2> = Histogram::new(
    "beamline_probe_age_seconds",
    Unit::Seconds,
    STAGE,
    LATENCIES,
    "Time from sending a probe to the store's acknowledgement of the rows before it, by the clocks of the generator and \
     the writer",
);
/// When the newest probe that a store has was sent.
pub static PROBE_STORED_TIME: Gauge<3> = Gauge::new(
    "beamline_probe_stored_timestamp_seconds",
    Unit::Seconds,
    ["stream", "stage", "partition"],
    "When the newest probe of a partition that the store has was sent; until there is one, when the writer took the \
     partition",
);
/// Requests to the schema registry.
pub static REGISTRY_REQUESTS: Counter<1> = Counter::new(
    "beamline_registry_requests_total",
    Unit::Count,
    ["result"],
    "Requests to the schema registry: `answered` or `failed`",
);
/// Requests to the schema registry that were made again.
pub static REGISTRY_RETRIES: Counter<0> =
    Counter::new("beamline_registry_retries_total", Unit::Count, [], "Requests to the schema registry made again");
/// Events that the generator has sent.
pub static GENERATOR_RECORDS: Counter<1> = Counter::new(
    "beamline_generator_records_total",
    Unit::Count,
    ["stream"],
    "Events that the generator has sent and the broker has acknowledged",
);
/// How long the generator was held up.
pub static GENERATOR_BACKPRESSURE: Histogram<1> = Histogram::new(
    "beamline_generator_backpressure_seconds",
    Unit::Seconds,
    ["stream"],
    LATENCIES,
    "Time that a batch of events waited for room in the generator's queue to the broker, where it had to",
);
/// Probes that the generator has sent.
pub static PROBES_SENT: Counter<1> = Counter::new(
    "beamline_probes_sent_total",
    Unit::Count,
    ["stream"],
    "Probes that the generator has sent and committed: one a second and partition among events, at most one in 30 seconds \
     where nothing else comes",
);
/// When the generator has sent its newest probes.
pub static PROBE_SENT_TIME: Gauge<1> = Gauge::new(
    "beamline_probe_sent_timestamp_seconds",
    Unit::Seconds,
    ["stream"],
    "When the newest probes were sent that the generator has committed",
);
/// Spans that the collector has got.
pub static SPANS_EXPORTED: Counter<0> =
    Counter::new("beamline_spans_exported_total", Unit::Count, [], "Spans that the trace collector has accepted");
/// Spans that the collector has not got.
pub static SPANS_DROPPED: Counter<1> = Counter::new(
    "beamline_spans_dropped_total",
    Unit::Count,
    ["reason"],
    "Spans given up: the queue was full (`queue`), or the collector did not take them (`collector`)",
);
/// The lag that the autoscaler sees.
pub static AUTOSCALER_LAG: Gauge<1> = Gauge::new(
    "beamline_autoscaler_lag_records",
    Unit::Count,
    ["deployment"],
    "Records that wait for a Deployment, as the autoscaler sees it",
);
/// The replicas that the autoscaler sees.
pub static AUTOSCALER_REPLICAS: Gauge<1> = Gauge::new(
    "beamline_autoscaler_replicas",
    Unit::Count,
    ["deployment"],
    "Replicas that are wanted of a Deployment, as the autoscaler sees it",
);
/// What the autoscaler has decided.
pub static AUTOSCALER_DECISIONS: Counter<2> = Counter::new(
    "beamline_autoscaler_decisions_total",
    Unit::Count,
    ["deployment", "decision"],
    "Decisions: `up`, `down`, or why nothing was done",
);
/// Whether this autoscaler is the one that acts.
pub static AUTOSCALER_LEADER: Gauge<0> =
    Gauge::new("beamline_autoscaler_leader", Unit::Count, [], "1 where this autoscaler is the one that acts, else 0");
/// What runs here.
pub static BUILD_INFO: Gauge<3> = Gauge::new(
    "beamline_build_info",
    Unit::Count,
    ["service", "version", "revision"],
    "Always 1; its labels say what runs",
);

/// All of them, in the order of the documentation.
pub static ALL: [&dyn Metric; 42] = [
    &RECORDS_IN,
    &RECORDS_OUT,
    &RECORDS_FILTERED,
    &RECORDS_REJECTED,
    &DEAD_LETTERS,
    &CONSUMER_LAG,
    &HOT_KEY_SHARE,
    &END_TO_END_LATENCY,
    &TRANSACTIONS_COMMITTED,
    &TRANSACTIONS_ABORTED,
    &TRANSACTION_DURATION,
    &STATE_BYTES,
    &SPILLED_BYTES,
    &STATE_KEYS,
    &SNAPSHOT_BYTES,
    &RESTORE_DURATION,
    &REBALANCES,
    &PARTITIONS_ASSIGNED,
    &WATERMARK_DELAY,
    &LATE_RECORDS,
    &WINDOWS_CLOSED,
    &ANOMALIES,
    &ALARMS,
    &STORE_ROWS,
    &STORE_WRITES,
    &STORE_RETRIES,
    &STORE_WRITE_DURATION,
    &PROBE_AGE,
    &PROBE_STORED_TIME,
    &REGISTRY_REQUESTS,
    &REGISTRY_RETRIES,
    &GENERATOR_RECORDS,
    &GENERATOR_BACKPRESSURE,
    &PROBES_SENT,
    &PROBE_SENT_TIME,
    &SPANS_EXPORTED,
    &SPANS_DROPPED,
    &AUTOSCALER_LAG,
    &AUTOSCALER_REPLICAS,
    &AUTOSCALER_DECISIONS,
    &AUTOSCALER_LEADER,
    &BUILD_INFO,
];
