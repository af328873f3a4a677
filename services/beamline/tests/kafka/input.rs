//! Events as JSON lines, with some of every bad kind among them.

use std::{fmt::Write, fs, path::Path};

use fixtures::Random;

/// Writes `events` events, one of each bad kind in each thousand of them.
pub(crate) fn write(path: &Path, events: u64) {
    let mut text = String::with_capacity(events as usize * 256);
    let mut numbers = Random::default();
    let mut random = || numbers.unit();
    for event in 0..events {
        let energy = (random() * 8.0 - 2.0).exp();
        let (x, y, z) = (random() * energy - energy / 2.0, random() * 40.0 - 20.0, random() * 100.0 - 50.0);
        let detector = (random() * 200.0) as u32;
        // One in each thousand comes a minute after its time.
        let delay = if event % 1000 == 950 { 60_000_000 } else { 0 };
        let time = 1_735_689_600_000_000_u64 + event * 1000 - delay;
        let (mut id, mut energy_text) = (format!("\"event-{event:08}\""), format!("{energy:?}"));
        match event % 1000 {
            100 => {
                text.push_str("{\"event_id\": \"torn\n");
                continue;
            }
            300 => "null".clone_into(&mut id),
            500 => "\"much\"".clone_into(&mut energy_text),
            700 => "-1.5".clone_into(&mut energy_text),
            // An integer divided by zero.
            900 => "77.2".clone_into(&mut energy_text),
            _ => {}
        }
        writeln!(
            text,
            "{{\"event_id\": {id}, \"timestamp\": {time}, \"particle_type\": \"muon\", \"energy_gev\": {energy_text}, \
             \"momentum_x\": {x:?}, \"momentum_y\": {y:?}, \"momentum_z\": {z:?}, \"detector_id\": \"D{detector}\", \
             \"is_anomaly\": false}}"
        )
        .unwrap();
    }
    fs::write(path, text).unwrap();
}
