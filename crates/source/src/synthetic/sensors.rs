//! Sensors that report in turn: a daily cycle, slow drift, noise, a battery that runs down and is changed.

use std::{f64::consts::TAU, sync::Arc};

use arrow::array::{ArrayRef, Float64Array};

use super::{
    block::{BLOCK_EVENTS, Block, Place, Profile},
    random::{Random, hash, signed, unit},
    windows::{WINDOW_EVENTS, kind_of},
};

const DAY_MICROS: f64 = 86_400e6;

/// How long a battery lasts.
const BATTERY_MICROS: f64 = 90.0 * DAY_MICROS;

/// Voltage of a fresh battery, and how much of it is lost until it is changed.
const FULL_VOLTS: f64 = 3.2;
const USED_VOLTS: f64 = 0.6;

/// Sensors of temperature (°C), humidity (%), pressure (hPa) and battery (V).
pub(crate) struct Sensors {
    names: Vec<String>,
    seed: u64,
    keys: u64,
    share: f64,
}

impl Sensors {
    pub(crate) fn new(definition: &stream::Synthetic) -> Self {
        let names = ["temperature", "humidity", "pressure", "battery"].map(str::to_owned).to_vec();
        Self { names, seed: definition.seed, keys: u64::from(definition.keys.max(1)), share: definition.anomalies }
    }

    /// Temperature, humidity, pressure and battery of a sensor at a time, with this noise.
    fn read(&self, sensor: u64, micros: i64, noise: [f64; 3]) -> [f64; 4] {
        let days = micros as f64 / DAY_MICROS;
        let own = |what: u64| signed(&[self.seed, sensor, what]);
        let daily = libm::sin(TAU * (days - 0.375 + 0.02 * own(1)));
        let drift = libm::sin(TAU * (days / (20.0 + 5.0 * own(2)) + own(3)));
        let weather = libm::sin(TAU * days / 5.3);
        let temperature = 15.0 + 5.0 * own(4) + 6.0 * daily + 0.8 * drift + 0.2 * noise[0];
        let humidity = 60.0 + 8.0 * own(5) - 12.0 * daily + 3.0 * weather + 1.0 * noise[1];
        let pressure = 1013.0 + 6.0 * own(6) + 9.0 * weather + 0.15 * noise[2];
        let used = micros as f64 / BATTERY_MICROS + unit(hash(&[self.seed, sensor, 7]));
        [temperature, humidity.clamp(0.0, 100.0), pressure, FULL_VOLTS - USED_VOLTS * (used - used.floor())]
    }
}

impl Profile for Sensors {
    fn prefixes(&self) -> [&'static str; 2] {
        ["read", "sensor"]
    }

    fn key(&self) -> &'static str {
        "sensor_id"
    }

    fn columns(&self) -> &[String] {
        &self.names
    }

    fn block(&self, random: &mut Random, place: Place) -> Block {
        let each = self.share / 3.0;
        let spike = each / (1.0 - 2.0 * each);
        let mut values = [const { Vec::new() }; 4];
        let (mut keys, mut anomalies) = (Vec::with_capacity(BLOCK_EVENTS), Vec::with_capacity(BLOCK_EVENTS));
        for (index, time) in place.times.iter().enumerate() {
            let position = place.first + index as u64;
            let (sensor, number) = (position % self.keys, position / self.keys);
            let noise = [random.normal(), random.normal(), random.normal()];
            let mut reading = self.read(sensor, *time, noise);
            let lasting = kind_of(self.seed, sensor, number, each, &["stuck_value", "offset"]);
            let kind = lasting.or_else(|| random.chance(spike).then_some("spike"));
            let own = |what: u64| signed(&[self.seed, sensor, number / WINDOW_EVENTS, what]);
            match kind {
                Some("stuck_value") => reading = self.read(sensor, 0, [own(1), own(2), own(3)]),
                Some("offset") => reading[0] += own(1).signum() * (6.0 + 4.0 * own(2)),
                Some(_) => reading[0] += random.between(12.0, 40.0) * if random.chance(0.5) { 1.0 } else { -1.0 },
                None => {}
            }
            keys.push(sensor as u32);
            anomalies.push(kind);
            values.iter_mut().zip(reading).for_each(|(column, value)| column.push(value));
        }
        let columns = values.map(|column| Arc::new(Float64Array::from(column)) as ArrayRef).to_vec();
        Block { keys, times: place.times, anomalies, columns }
    }
}
