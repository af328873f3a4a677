//! The names are as Prometheus wants them, none is left out, and the documentation is that of the code.

use std::{collections::HashSet, env, fs, path::Path};

use measure::{ALL, Kind};

#[test]
fn names_follow_the_rules() {
    let mut seen = HashSet::new();
    for metric in ALL.iter().map(|metric| metric.description()) {
        let name = metric.name;
        assert!(seen.insert(name), "{name} is there twice");
        assert!(name.starts_with("beamline_"), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
        assert_eq!(name.ends_with("_seconds"), metric.unit == metrics::Unit::Seconds, "{name}");
        assert_eq!(metric.buckets.is_empty(), metric.kind != Kind::Histogram, "{name}");
        assert!(metric.buckets.is_sorted(), "{name}");
        assert!(!metric.help.is_empty() && !metric.help.ends_with('.'), "{name}");
    }
}

#[test]
fn none_is_left_out() {
    let source = include_str!("../src/names.rs");
    let declared = source.lines().filter(|line| {
        let kinds = [": Counter<", ": Gauge<", ": Histogram<", ": Named "];
        line.starts_with("pub static ") && kinds.iter().any(|kind| line.contains(kind))
    });
    assert_eq!(declared.count(), ALL.len());
}

#[test]
fn the_documentation_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let text = measure::markdown();
    if env::var_os("BEAMLINE_WRITE_DOCS").is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    assert!(fs::read_to_string(&path).unwrap_or_default() == text, "run `make metrics-docs`");
}
