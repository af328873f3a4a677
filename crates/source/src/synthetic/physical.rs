//! Particle events as a detector at a collider sees them: leptons from the decay of resonances, two events a decay.
//!
//! Before the detector the mass shell holds. The tracker measures the momentum with a relative resolution of
//! [`MOMENTUM_RESOLUTION`], the calorimeter the energy with [`ENERGY_RESOLUTION`], independently, directions exactly.
//! So (E² − p² − m²) / 2√(E⁴σ_E² + p⁴σ_p²) of an ordinary event is normal with variance 1.

use std::{f64::consts::PI, sync::Arc};

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

use super::{
    block::{Anomalies, BLOCK_EVENTS, Block, Place, Profile},
    decay::{FourVector, decay, on_shell},
    particles::PARTICLES,
    random::Random,
};

/// Relative resolution of the momentum.
pub(crate) const MOMENTUM_RESOLUTION: f64 = 0.01;

/// Relative resolution of the energy.
pub(crate) const ENERGY_RESOLUTION: f64 = 0.01;

/// The detector's cells reach to this pseudorapidity; what is beyond counts to the outermost.
const ETA_MAX: f64 = 3.0;

/// How much closer together the events of a burst are.
const BURST_FACTOR: i64 = 50;

const COLUMNS: [&str; 8] =
    ["event_number", "particle_type", "charge", "mass_gev", "momentum_x", "momentum_y", "momentum_z", "energy_gev"];

/// Leptons from resonances.
pub(crate) struct Physical {
    names: Vec<String>,
    cells: Cells,
    share: f64,
}

/// The detector's cells: equal steps of pseudorapidity and azimuth.
struct Cells {
    count: u32,
    rings: u32,
    sectors: u32,
}

impl Cells {
    fn new(count: u32) -> Self {
        let rings = f64::from(count).sqrt().floor().max(1.0) as u32;
        Self { count, rings, sectors: count.div_ceil(rings) }
    }

    fn of(&self, momentum: [f64; 3]) -> u32 {
        let [x, y, z] = momentum;
        let eta = libm::asinh(z / (x * x + y * y).sqrt().max(1e-12));
        let ring = ((eta + ETA_MAX) / (2.0 * ETA_MAX) * f64::from(self.rings)).clamp(0.0, f64::from(self.rings - 1));
        let turn = (libm::atan2(y, x) + PI) / (2.0 * PI);
        let sector = (turn * f64::from(self.sectors)).clamp(0.0, f64::from(self.sectors - 1));
        (ring as u32 * self.sectors + sector as u32).min(self.count - 1)
    }
}

impl Physical {
    pub(crate) fn new(definition: &stream::Synthetic) -> Self {
        let names = COLUMNS.map(str::to_owned).to_vec();
        Self { names, cells: Cells::new(definition.keys.max(1)), share: definition.anomalies }
    }
}

/// The columns of a block while it is made.
struct Made {
    particles: Vec<usize>,
    measured: Vec<FourVector>,
    keys: Vec<u32>,
}

impl Physical {
    fn make(&self, random: &mut Random, anomalies: &Anomalies) -> Made {
        let mut made = Made {
            particles: Vec::with_capacity(BLOCK_EVENTS),
            measured: Vec::with_capacity(BLOCK_EVENTS),
            keys: Vec::with_capacity(BLOCK_EVENTS),
        };
        for first in (0..BLOCK_EVENTS).step_by(2) {
            // Electron and positron, or muon and antimuon; which comes first is open.
            let family = 2 * random.below(2);
            let swap = random.below(2);
            let mass = PARTICLES[family].1;
            for (product, lepton) in decay(random, mass).into_iter().enumerate() {
                let kind = anomalies.kinds[first + product];
                let seen = measure(random, lepton, kind);
                made.particles.push(family + (product ^ swap));
                made.keys.push(self.cells.of(lepton.momentum));
                made.measured.push(seen);
            }
        }
        made
    }
}

/// What the detector measures of a lepton.
fn measure(random: &mut Random, lepton: FourVector, kind: Option<&str>) -> FourVector {
    let true_one = match kind {
        // Far from any lepton's mass, and far beyond the resolution.
        Some("wrong_mass") => {
            let momentum: f64 = lepton.momentum.iter().map(|component| component * component).sum();
            on_shell(lepton.momentum, random.between(0.6, 1.2) * momentum.sqrt())
        }
        Some("energy_scale") => FourVector { energy: lepton.energy * random.between(1.15, 1.5), ..lepton },
        _ => lepton,
    };
    let momentum = 1.0 + MOMENTUM_RESOLUTION * random.normal();
    let energy = 1.0 + ENERGY_RESOLUTION * random.normal();
    FourVector { energy: true_one.energy * energy, momentum: true_one.momentum.map(|component| component * momentum) }
}

impl Profile for Physical {
    fn prefixes(&self) -> [&'static str; 2] {
        ["evt", "det"]
    }

    fn key(&self) -> &'static str {
        "detector_id"
    }

    fn columns(&self) -> &[String] {
        &self.names
    }

    fn block(&self, random: &mut Random, place: Place) -> Block {
        let runs = ["hot_cell", "rate_burst", "stuck_value"];
        let anomalies = Anomalies::lay_out(random, self.share, &["energy_scale", "wrong_mass"], &runs);
        let Made { particles, mut measured, mut keys } = self.make(random, &anomalies);
        let mut times = place.times;
        for (kind, run) in &anomalies.runs {
            let (start, cell) = (run.start, keys[run.start]);
            match *kind {
                "rate_burst" => {
                    let begin = times[start];
                    times[run.clone()].iter_mut().for_each(|time| *time = begin + (*time - begin) / BURST_FACTOR);
                }
                // One cell fires all the time, with what it really sees elsewhere turned towards it.
                "hot_cell" => {
                    let towards = measured[start].momentum;
                    measured[run.clone()].iter_mut().for_each(|seen| seen.momentum = turned(seen.momentum, towards));
                    keys[run.clone()].fill(cell);
                }
                _ => {
                    let stuck = measured[start];
                    measured[run.clone()].fill(stuck);
                    keys[run.clone()].fill(cell);
                }
            }
        }
        let number = |value: fn(&FourVector) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(measured.iter().map(value)))
        };
        let first = place.first;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values((0..BLOCK_EVENTS as u64).map(|index| ((first + index) / 2) as i64))),
            Arc::new(StringArray::from_iter_values(particles.iter().map(|kind| PARTICLES[*kind].0))),
            Arc::new(Int64Array::from_iter_values(particles.iter().map(|kind| PARTICLES[*kind].2))),
            Arc::new(Float64Array::from_iter_values(particles.iter().map(|kind| PARTICLES[*kind].1))),
            number(|seen| seen.momentum[0]),
            number(|seen| seen.momentum[1]),
            number(|seen| seen.momentum[2]),
            number(|seen| seen.energy),
        ];
        Block { keys, times, anomalies: anomalies.kinds, columns }
    }
}

/// A momentum of the same size in another direction.
fn turned(momentum: [f64; 3], towards: [f64; 3]) -> [f64; 3] {
    let size = |vector: [f64; 3]| vector.iter().map(|component| component * component).sum::<f64>().sqrt();
    let factor = size(momentum) / size(towards).max(1e-12);
    towards.map(|component| component * factor)
}
