//! What an event costs: by layer, with few keys (all in the cache) and with many (none is), by keys, and by features.

use detect::{Detector, KeyState, Settings};
use divan::{Bencher, counter::ItemsCount};

const FEATURES: usize = 6;
const KEYS: usize = 10_000;

/// Events a sample; with 10,000 keys each is met six times.
const EVENTS: usize = 60_000;

/// Events of a key before it is measured: it has warmed up.
const BEFORE: usize = 300;

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

/// Numbers, uniform sums of three: no outliers, close to normal.
fn numbers(count: usize) -> Vec<f64> {
    let mut state = 7u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count).map(|_| uniform() + uniform() + uniform()).collect()
}

/// Events of so many keys in turns.
fn measure(bencher: Bencher, settings: Settings, keys: usize) {
    let features = settings.features;
    let (Ok(detector), numbers) = (Detector::new(settings), numbers(EVENTS * features)) else { return };
    let rows: Vec<&[f64]> = numbers.chunks(features).collect();
    let mut states: Vec<KeyState> = (0..keys).map(|key| detector.fresh(&key.to_le_bytes())).collect();
    for event in 0..BEFORE * keys {
        detector.score(&mut states[event % keys], rows[(event * 7919) % EVENTS]);
    }
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let mut alarms = 0;
        for (event, row) in rows.iter().enumerate() {
            alarms += detector.score(&mut states[event % keys], row).alarms;
        }
        alarms
    });
}

#[divan::bench(args = ["ewma", "mahalanobis", "chains", "all"], consts = [16, KEYS], sample_count = 20, sample_size = 1)]
fn score<const KEYS: usize>(bencher: Bencher, names: &str) {
    measure(bencher, layers(names), KEYS);
}

#[divan::bench(args = [1, 100, KEYS, 65_536], sample_count = 20, sample_size = 1)]
fn by_keys(bencher: Bencher, keys: usize) {
    measure(bencher, layers("all"), keys);
}

#[divan::bench(args = [2, 6, 8], sample_count = 20, sample_size = 1)]
fn by_features(bencher: Bencher, features: usize) {
    measure(bencher, Settings::with_features(features), KEYS);
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
