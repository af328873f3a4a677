//! Particle events whose fields are uniform within their bounds, independent of each other.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

use super::{
    block::{Anomalies, BLOCK_EVENTS, Block, Place, Profile},
    particles::PARTICLES,
    random::Random,
};

/// By which factor an anomalous energy exceeds the upper bound, at least and at most.
const EXCESS: [f64; 2] = [1.5, 5.0];

/// The columns that are not uniform.
const OWN: [&str; 4] = ["particle_type", "charge", "mass_gev", "event_number"];

/// Particle events with uniform fields.
pub(crate) struct Uniform {
    names: Vec<String>,
    bounds: Vec<[f64; 2]>,
    keys: u32,
    share: f64,
}

impl Uniform {
    /// Fields with bounds of their own, besides energy and momenta, are further columns.
    pub(crate) fn new(definition: &stream::Synthetic) -> Self {
        let mut fields: BTreeMap<String, [f64; 2]> = ["momentum_x", "momentum_y", "momentum_z"]
            .map(|name| (name.to_owned(), [-500.0, 500.0]))
            .into_iter()
            .chain([("energy_gev".to_owned(), [0.1, 1000.0])])
            .collect();
        fields.extend(definition.fields.clone());
        let mut names = OWN.map(str::to_owned).to_vec();
        let (numeric, bounds): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
        names.extend(numeric);
        Self { names, bounds, keys: definition.keys.max(1), share: definition.anomalies }
    }
}

impl Profile for Uniform {
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
        let anomalies = Anomalies::lay_out(random, self.share, &["energy_out_of_range"], &[]);
        let keys = (0..BLOCK_EVENTS).map(|_| random.below(self.keys as usize) as u32).collect();
        let kinds: Vec<usize> = (0..BLOCK_EVENTS).map(|_| random.below(PARTICLES.len())).collect();
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(kinds.iter().map(|kind| PARTICLES[*kind].0))),
            Arc::new(Int64Array::from_iter_values(kinds.iter().map(|kind| PARTICLES[*kind].2))),
            Arc::new(Float64Array::from_iter_values(kinds.iter().map(|kind| PARTICLES[*kind].1))),
            Arc::new(Int64Array::from_iter_values((0..BLOCK_EVENTS).map(|index| place.first as i64 + index as i64))),
        ];
        // Where energy has no column of its own, the anomaly is in the first one.
        let strange = self.names[OWN.len()..].iter().position(|name| name == "energy_gev").unwrap_or_default();
        for (index, [low, high]) in self.bounds.iter().enumerate() {
            let mut values: Vec<f64> = (0..BLOCK_EVENTS).map(|_| random.between(*low, *high)).collect();
            if index == strange {
                for (value, _) in values.iter_mut().zip(&anomalies.kinds).filter(|(_, kind)| kind.is_some()) {
                    *value = high.abs() * random.between(EXCESS[0], EXCESS[1]);
                }
            }
            columns.push(Arc::new(Float64Array::from(values)));
        }
        Block { keys, times: place.times, anomalies: anomalies.kinds, columns }
    }
}
