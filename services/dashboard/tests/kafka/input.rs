//! A stream of events with anomalies and bad records among them, the same every time.

use std::fmt::Write;

use fixtures::Random;

/// How many records the source has.
pub(crate) const RECORDS: u64 = 6000;
/// Of these, lines that are torn or have a wrong type, energies below 0, and energies that divide by zero.
pub(crate) const BAD: u64 = 4 * RECORDS / 1000;
/// Events with an energy that nothing in the detector gives: an injected anomaly each.
pub(crate) const INJECTED: u64 = 2 * RECORDS / 1000;

pub(crate) const DEFINITION: &str = r#"
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: particles }
spec:
  schema: particle-event.avsc
  id: event_id
  key: detector_id
  time: timestamp
  partitions: 4
  source:
    files: { paths: [input.jsonl] }
  quality:
    - { name: positive_energy, check: "energy_gev > 0" }
  enrich:
    columns:
      pt: "transverse_momentum(momentum_x, momentum_y)"
      eta: "pseudorapidity(momentum_x, momentum_y, momentum_z)"
      phi: "azimuth(momentum_x, momentum_y)"
      share: "100 / (CAST(energy_gev AS BIGINT) - 3377)"
    filter: "energy_gev >= 0.5"
  detect:
    features: ["ln(pt)", eta, "ln(energy_gev)"]
    rules:
      - { name: high_energy, when: "energy_gev > 900" }
  aggregate:
    - name: rates
      window: 10s
      lateness: 10s
      group_by: [detector_id]
      select: { events: "count(*)", max_energy: "max(energy_gev)" }
"#;

/// So many records as lines.
pub(crate) fn lines(records: u64) -> String {
    let mut text = String::new();
    let mut numbers = Random::default();
    let mut random = || numbers.unit();
    for event in 0..records {
        let energy = (random() * 6.0 - 1.5).exp();
        let (x, y, z) = (random() * energy - energy / 2.0, random() * 40.0 - 20.0, random() * 100.0 - 50.0);
        let detector = (random() * 12.0) as u32;
        let mut energy = format!("{energy:?}");
        match event % 1000 {
            100 => {
                text.push_str("{\"event_id\": \"torn\n");
                continue;
            }
            500 => "\"much\"".clone_into(&mut energy),
            700 => "-1.5".clone_into(&mut energy),
            900 => "3377.2".clone_into(&mut energy),
            450 | 950 => "1234.5".clone_into(&mut energy),
            _ => {}
        }
        let time = 1_735_689_600_000_000_u64 + event * 10_000;
        writeln!(
            text,
            "{{\"event_id\": \"event-{event:06}\", \"timestamp\": {time}, \"particle_type\": \"muon\", \
             \"energy_gev\": {energy}, \"momentum_x\": {x:?}, \"momentum_y\": {y:?}, \"momentum_z\": {z:?}, \
             \"detector_id\": \"D{detector}\", \"is_anomaly\": false}}"
        )
        .unwrap();
    }
    text
}
