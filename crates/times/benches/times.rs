//! Nanoseconds a time that is read from text: `cargo bench -p times`. `jiff` is the library's own parser, for comparison.

use divan::{Bencher, black_box, counter::ItemsCount};

const FORMS: [&str; 5] = [
    "2025-01-02T03:04:05Z",
    "2025-01-02 03:04:05,123",
    "2025-01-02T03:04:05.123456+01:00",
    "1735787045123",
    "Thu, 02 Jan 2025 03:04:05 GMT",
];

#[divan::bench(args = FORMS)]
fn ours(bencher: Bencher<'_, '_>, text: &str) {
    bencher.counter(ItemsCount::new(1usize)).bench(|| times::parse(black_box(text.as_bytes())));
}

#[divan::bench(args = ["2025-01-02T03:04:05Z", "2025-01-02T03:04:05.123456+01:00"])]
fn jiff(bencher: Bencher<'_, '_>, text: &str) {
    bencher.counter(ItemsCount::new(1usize)).bench(|| black_box(text).parse::<jiff::Timestamp>());
}

fn main() {
    divan::main();
}
