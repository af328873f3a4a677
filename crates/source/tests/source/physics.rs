//! Physical events are physical, and their anomalies are what their labels say.

use std::{collections::BTreeMap, path::Path};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{Float64Type, Int64Type, TimestampMicrosecondType},
};
use source::PARTICLES;

use crate::{
    house::{options, read_all, stream, try_open},
    synthetic::PARTICLE,
};

struct Hit {
    number: i64,
    mass: f64,
    charge: i64,
    energy: f64,
    momentum: [f64; 3],
    cell: String,
    time: i64,
    kind: Option<String>,
}

fn hits(rows: &RecordBatch) -> Vec<Hit> {
    let float = |name: &str| rows[name].as_primitive::<Float64Type>();
    (0..rows.num_rows())
        .map(|row| {
            let particle = rows["particle_type"].as_string::<i32>().value(row);
            let (_, mass, charge) = PARTICLES.iter().find(|(name, ..)| *name == particle).unwrap();
            let kinds = rows["anomaly_kind"].as_string::<i32>();
            let kind = kinds.iter().nth(row).unwrap().map(str::to_owned);
            assert_eq!(kind.is_some(), rows["is_anomaly"].as_boolean().value(row));
            Hit {
                number: rows["event_number"].as_primitive::<Int64Type>().value(row),
                mass: *mass,
                charge: *charge,
                energy: float("energy_gev").value(row),
                momentum: ["momentum_x", "momentum_y", "momentum_z"].map(|name| float(name).value(row)),
                cell: rows["detector_id"].as_string::<i32>().value(row).to_owned(),
                time: rows["timestamp"].as_primitive::<TimestampMicrosecondType>().value(row),
                kind,
            }
        })
        .collect()
}

/// (E² − p² − m²) / 2√(E⁴σ² + p⁴σ²) with the detector's resolution of one per cent for both.
fn pull(hit: &Hit) -> f64 {
    let p2: f64 = hit.momentum.iter().map(|p| p * p).sum();
    let e2 = hit.energy * hit.energy;
    (e2 - p2 - hit.mass * hit.mass) / (2.0 * 0.01 * (e2 * e2 + p2 * p2).sqrt())
}

#[test]
fn resonances_pulls_and_labels() {
    let settings = "{ synthetic: { profile: physical, rate: 0, events: 40000, anomalies: 0.05, keys: 100, seed: 3 } }";
    let stream = stream(PARTICLE, ["event_id", "detector_id", "timestamp"], settings);
    let rows = read_all(try_open(&stream, &options(Path::new("."))).unwrap().as_mut()).rows;
    let hits = hits(&rows);
    let mut z_masses = Vec::new();
    for pair in hits.chunks(2).filter(|pair| pair.iter().all(|hit| hit.kind.is_none())) {
        assert_eq!((pair[0].number, pair[0].charge, pair[0].mass), (pair[1].number, -pair[1].charge, pair[1].mass));
        let energy = pair[0].energy + pair[1].energy;
        let p2: f64 = (0..3).map(|axis| (pair[0].momentum[axis] + pair[1].momentum[axis]).powi(2)).sum();
        z_masses.extend(Some((energy * energy - p2).max(0.0).sqrt()).filter(|mass| (60.0..120.0).contains(mass)));
    }
    z_masses.sort_by(f64::total_cmp);
    let median = z_masses[z_masses.len() / 2];
    assert!(z_masses.len() > 8_000 && (median - 91.19).abs() < 0.25, "{} {median}", z_masses.len());
    let pulls: Vec<f64> = hits.iter().filter(|hit| hit.kind.is_none()).map(pull).collect();
    let mean = pulls.iter().sum::<f64>() / pulls.len() as f64;
    let sigma = (pulls.iter().map(|pull| (pull - mean).powi(2)).sum::<f64>() / pulls.len() as f64).sqrt();
    assert!(mean.abs() < 0.02 && (sigma - 1.0).abs() < 0.02, "{mean} {sigma}");
    let mut kinds: BTreeMap<&str, Vec<&Hit>> = BTreeMap::new();
    for hit in &hits {
        kinds.entry(hit.kind.as_deref().unwrap_or("none")).or_default().push(hit);
    }
    let names: Vec<_> = kinds.keys().copied().collect();
    assert_eq!(names, ["energy_scale", "hot_cell", "none", "rate_burst", "stuck_value", "wrong_mass"]);
    let share = 1.0 - kinds["none"].len() as f64 / hits.len() as f64;
    assert!((share - 0.05).abs() < 0.015, "{share}");
    let off_shell =
        |kind: &str| kinds[kind].iter().filter(|hit| pull(hit) > 5.0).count() as f64 / kinds[kind].len() as f64;
    assert!(off_shell("energy_scale") > 0.99 && off_shell("wrong_mass") > 0.99);
    assert!(off_shell("none") < 1e-4 && off_shell("hot_cell") < 0.01 && off_shell("rate_burst") < 0.01);
    let stuck = kinds["stuck_value"].windows(2).filter(|pair| pair[0].energy == pair[1].energy).count();
    assert!(stuck as f64 > 0.97 * kinds["stuck_value"].len() as f64, "{stuck}");
    let hot = kinds["hot_cell"].windows(2).filter(|pair| pair[0].cell == pair[1].cell).count();
    assert!(hot as f64 > 0.97 * kinds["hot_cell"].len() as f64, "{hot}");
    let bunched = kinds["rate_burst"].windows(2).filter(|pair| pair[1].time - pair[0].time <= 20).count();
    assert!(bunched as f64 > 0.97 * kinds["rate_burst"].len() as f64, "{bunched}");
    assert!(hits.windows(2).all(|pair| pair[0].time <= pair[1].time));
}

#[test]
fn the_share_of_anomalies_is_as_asked() {
    for share in [0.0, 0.002, 0.3, 1.0] {
        let settings = format!("{{ synthetic: {{ profile: physical, rate: 0, events: 200000, anomalies: {share} }} }}");
        let stream = stream(PARTICLE, ["event_id", "detector_id", "timestamp"], &settings);
        let rows = read_all(try_open(&stream, &options(Path::new("."))).unwrap().as_mut()).rows;
        let found = rows["is_anomaly"].as_boolean().true_count() as f64 / rows.num_rows() as f64;
        assert!((found - share).abs() <= 0.15 * share + 1e-12 || (found - share).abs() < 0.0015, "{found} {share}");
    }
}
