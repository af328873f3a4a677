//! What an event costs, by layer, with few keys (all in the cache) and with many (none is).

use detect::{Detector, KeyState, Settings};
use divan::{Bencher, counter::ItemsCount};

const FEATURES: usize = 6;

/// Events a sample; with 10,000 keys each is met six times.
const EVENTS: usize = 60_000;

fn main() {
    divan::main();
}

fn layers(names: &str) -> Settings {
    let mut settings = Settings::with_features(FEATURES);
    settings.ewma = settings.ewma.filter(|_| names == "all" || names == "ewma");
    settings.mahalanobis = settings.mahalanobis.filter(|_| names == "all" || names == "mahalanobis");
    settings.chains = settings.chains.filter(|_| names == "all" || names == "chains");
    settings
}

/// Rows of features, uniform sums of three: no outliers, close to normal.
fn rows(count: usize) -> Vec<[f64; FEATURES]> {
    let mut state = 7u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count).map(|_| std::array::from_fn(|_| uniform() + uniform() + uniform())).collect()
}

#[divan::bench(args = ["ewma", "mahalanobis", "chains", "all"], consts = [16, 10_000], sample_count = 20, sample_size = 1)]
fn score<const KEYS: usize>(bencher: Bencher, names: &str) {
    let (Ok(detector), rows) = (Detector::new(layers(names)), rows(EVENTS)) else { return };
    let mut states: Vec<KeyState> = (0..KEYS).map(|key| detector.fresh(&key.to_le_bytes())).collect();
    for event in 0..300 * KEYS {
        detector.score(&mut states[event % KEYS], &rows[(event * 7919) % EVENTS]);
    }
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let mut alarms = 0;
        for (event, row) in rows.iter().enumerate() {
            alarms += detector.score(&mut states[event % KEYS], row).alarms;
        }
        alarms
    });
}

#[divan::bench(sample_count = 20)]
fn snapshot_and_restore(bencher: Bencher) {
    let Ok(detector) = Detector::new(Settings::with_features(FEATURES)) else { return };
    let state = detector.fresh(b"key");
    bencher.bench_local(|| detector.restore(&detector.snapshot(&state)));
}

/// What the same results on every platform cost: the logarithm of `libm` against the platform's.
#[divan::bench(args = ["libm", "platform"], sample_count = 20)]
fn logarithm(bencher: Bencher, which: &str) {
    let values: Vec<f64> = (1..1_000).map(f64::from).collect();
    let log2 = if which == "libm" { libm::log2 } else { f64::log2 };
    bencher.counter(ItemsCount::new(values.len())).bench_local(|| values.iter().map(|x| log2(*x)).sum::<f64>());
}
