//! What expressions cost a row: `cargo bench --profile dev -p expr` (the profile that the pipeline is built with).
//!
//! Time is for 4096 rows; the item rate is rows a second.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::Schema,
};
use divan::{Bencher, counter::ItemsCount};
use expr::Expression;

const ROWS: usize = 4096;

/// What an enriched particle stream computes: five columns and the filter.
const SIX: [&str; 6] = [
    "sqrt(momentum_x * momentum_x + momentum_y * momentum_y)",
    "pseudorapidity(momentum_x, momentum_y, momentum_z)",
    "mass_shell_pull(energy_gev, momentum_x, momentum_y, momentum_z, mass_gev, 0.05 * energy_gev)",
    "energy_gev / nullif(mass_gev, 0)",
    "CASE WHEN energy_gev > 500 THEN 'high' WHEN energy_gev > 50 THEN 'medium' ELSE 'low' END",
    "energy_gev >= 0.5 AND momentum_z BETWEEN -500 AND 500",
];

/// Other functions of the field.
const FIELD: [&str; 7] = [
    "transverse_momentum(momentum_x, momentum_y)",
    "azimuth(momentum_x, momentum_y)",
    "rapidity(energy_gev, momentum_z)",
    "delta_r(momentum_x, momentum_y, momentum_z, 0.5)",
    "invariant_mass(energy_gev, momentum_x, momentum_y, momentum_z, energy_gev, momentum_z, momentum_x, momentum_y)",
    "invariant_mass_ptetaphim(energy_gev, 1.5, momentum_x, mass_gev, energy_gev, -0.5, momentum_y, mass_gev)",
    "ln(energy_gev)",
];

fn main() {
    divan::main();
}

fn batch() -> RecordBatch {
    let numbers = |seed: u64, low: f64, high: f64| -> ArrayRef {
        let mut state = seed;
        let values = (0..ROWS).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            low + (high - low) * (state >> 11) as f64 / (1u64 << 53) as f64
        });
        Arc::new(Float64Array::from_iter_values(values))
    };
    let kinds = ["electron", "muon", "pion", "kaon", "proton"];
    RecordBatch::try_from_iter([
        ("event_number", Arc::new(Int64Array::from_iter_values(0..ROWS as i64)) as ArrayRef),
        ("particle_type", Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| kinds[row * 7 % 5])))),
        ("energy_gev", numbers(1, 0.1, 1000.0)),
        ("momentum_x", numbers(2, -50.0, 50.0)),
        ("momentum_y", numbers(3, -50.0, 50.0)),
        ("momentum_z", numbers(4, -600.0, 600.0)),
        ("mass_gev", numbers(5, 0.0, 1.0)),
    ])
    .unwrap()
}

fn run(bencher: Bencher, expressions: &[&str]) {
    let batch = batch();
    let compiled: Vec<Expression> =
        expressions.iter().map(|sql| Expression::compile(sql, batch.schema_ref()).unwrap()).collect();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        for expression in &compiled {
            divan::black_box(expression.evaluate(&batch).unwrap());
        }
    });
}

#[divan::bench]
fn six_expressions(bencher: Bencher) {
    run(bencher, &SIX);
}

#[divan::bench(args = SIX)]
fn each_of_six(bencher: Bencher, sql: &str) {
    run(bencher, &[sql]);
}

#[divan::bench(args = FIELD)]
fn field(bencher: Bencher, sql: &str) {
    run(bencher, &[sql]);
}

/// A guard that keeps every second row from failing.
#[divan::bench]
fn guarded_division(bencher: Bencher) {
    run(bencher, &["event_number % 2 <> 0 AND 10 / (event_number % 2) > 2"]);
}

/// One row of the batch fails.
#[divan::bench]
fn one_failing_row(bencher: Bencher) {
    run(bencher, &["10 / (event_number - 1000)"]);
}

/// Every row fails: the worst case.
#[divan::bench]
fn all_rows_failing(bencher: Bencher) {
    run(bencher, &["CAST(particle_type AS BIGINT)"]);
}

#[divan::bench]
fn compile(bencher: Bencher) {
    let batch = batch();
    let schema: &Schema = batch.schema_ref();
    bencher.bench_local(|| Expression::compile(SIX[2], schema).unwrap());
}
