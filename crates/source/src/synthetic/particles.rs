//! The particles that synthetic events have.

/// A kind of particle: its name, its mass in GeV and its charge in units of e (Particle Data Group, Review of Particle
/// Physics, 2026).
pub const PARTICLES: [(&str, f64, i64); 9] = [
    ("electron", 0.000_510_998_95, -1),
    ("positron", 0.000_510_998_95, 1),
    ("muon", 0.105_658_375_5, -1),
    ("antimuon", 0.105_658_375_5, 1),
    ("photon", 0.0, 0),
    ("proton", 0.938_272_088_16, 1),
    ("neutron", 0.939_565_420_5, 0),
    ("pion_plus", 0.139_570_39, 1),
    ("pion_minus", 0.139_570_39, -1),
];
