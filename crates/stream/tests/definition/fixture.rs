//! A definition that uses everything, and the files it names.

use std::collections::BTreeMap;

use stream::{Diagnostics, FileReader, Stream};

pub(crate) const SCHEMA: &str = r#"{
  "type": "record", "name": "Hit", "namespace": "dev.beamline.test",
  "fields": [
    { "name": "event_id", "type": "string" },
    { "name": "timestamp", "type": { "type": "long", "logicalType": "timestamp-micros" } },
    { "name": "particle_type", "type": "string" },
    { "name": "energy_gev", "type": "double" },
    { "name": "momentum_x", "type": "double" },
    { "name": "momentum_y", "type": "double" },
    { "name": "momentum_z", "type": "double" },
    { "name": "detector_id", "type": "string" },
    { "name": "is_anomaly", "type": "boolean" },
    { "name": "counts", "type": ["null", "long"], "default": null }
  ]
}"#;

pub(crate) const PARTICLES: &str = "particle_type,mass_gev,charge\nelectron,0.000511,-1\nmuon,0.10566,-1\n";

/// A definition that uses everything.
pub(crate) const GOOD: &str = r#"apiVersion: beamline.dev/v1
kind: Stream
metadata:
  name: particle-events
  labels: { team: "calorimeter" }
spec:
  schema: hit.avsc
  id: event_id
  key: detector_id
  time: timestamp
  partitions: 4
  source:
    synthetic:
      profile: uniform
      rate: 1e3
      anomalies: 0.01
      seed: 18446744073709551615
      events: 1e6
      start: 2025-01-31T12:00:00Z
      fields: { energy_gev: [0.1, 1000] }
  quality:
    - { name: positive_energy, check: "energy_gev > 0" }
  enrich:
    lookups:
      - { table: particles.csv, on: particle_type, columns: [mass_gev] }
    columns:
      pt: "sqrt(momentum_x * momentum_x + momentum_y * momentum_y)"
      log_pt: ln(pt)
    filter: "energy_gev >= 0.5 AND mass_gev IS NOT NULL"
  detect:
    features: [log_pt, "ln(energy_gev)"]
    rules:
      - { name: high_energy, when: "energy_gev > 900" }
    layers:
      ewma: { alpha: 0.01 }
      chains: false
    false_alarm_rate: 1e-3
  store:
    files:
      format: parquet
      partition_by: hour
      selections:
        high_energy_events: "energy_gev > 500 OR anomalous"
      statistics: 10s
      final_csv: true
    cql: { table: particle_events, bucket: 1h, anomalies_bucket: 1d, ttl: 30d }
"#;

/// Files in memory.
pub(crate) struct Files(pub(crate) BTreeMap<&'static str, Vec<u8>>);

impl Files {
    pub(crate) fn new() -> Self {
        Files([("hit.avsc", SCHEMA.into()), ("particles.csv", PARTICLES.into())].into())
    }
}

impl FileReader for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| "there is no such file".to_owned())
    }
}

pub(crate) fn load(text: &str) -> Result<Stream, Diagnostics> {
    Stream::load("stream.yaml", text, &Files::new())
}

/// The good definition with `from` replaced by `to`, which must be in it.
pub(crate) fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is not in the definition");
    GOOD.replacen(from, to, 1)
}

/// What is wrong with a definition, one a line; empty where nothing is.
pub(crate) fn errors(text: &str) -> String {
    load(text).err().map(|errors| errors.to_string()).unwrap_or_default()
}
