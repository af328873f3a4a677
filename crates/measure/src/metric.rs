//! A metric: its name, its labels and what it means, in one place.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
};

use metrics::{Key, Label, Level, Metadata, SharedString, Unit};

/// How a metric's value behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Many values, counted by size.
    Histogram,
}

/// What there is to know about a metric.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// As Prometheus calls it.
    pub name: &'static str,
    /// How its value behaves.
    pub kind: Kind,
    /// What its value counts.
    pub unit: Unit,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// The upper bounds of a histogram's buckets, ascending; empty for others.
    pub buckets: &'static [f64],
    /// What it means.
    pub help: &'static str,
}

/// Any metric.
pub trait Metric: Sync {
    /// What there is to know about it.
    fn description(&'static self) -> Description;
}

/// A metric with `N` labels whose value only grows.
#[derive(Debug)]
pub struct Counter<const N: usize>(Facts<N>);

/// A metric with `N` labels whose value goes up and down.
#[derive(Debug)]
pub struct Gauge<const N: usize>(Facts<N>);

/// A metric with `N` labels that counts values by size.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    facts: Facts<N>,
    buckets: &'static [f64],
}

/// A gauge whose last label is a name that changes, such as that of a key. The collector keeps a series for every value that a label
/// ever had; of this gauge each set of its first three labels has one series at most, and none where nothing is named.
#[derive(Debug)]
pub struct Named {
    facts: Facts<4>,
    now: Mutex<BTreeMap<[String; 3], (String, f64)>>,
}

#[derive(Debug)]
struct Facts<const N: usize> {
    name: &'static str,
    unit: Unit,
    labels: [&'static str; N],
    help: &'static str,
}

const METADATA: Metadata<'static> = Metadata::new("beamline", Level::INFO, None);

impl<const N: usize> Facts<N> {
    fn key(&self, values: [&str; N]) -> Key {
        let pair = |(name, value): (&'static str, &str)| Label::new(name, value.to_owned());
        let labels: Vec<Label> = self.labels.into_iter().zip(values).map(pair).collect();
        Key::from_parts(self.name, labels)
    }

    const fn description(&'static self, kind: Kind, buckets: &'static [f64]) -> Description {
        Description { name: self.name, kind, unit: self.unit, labels: &self.labels, buckets, help: self.help }
    }
}

impl<const N: usize> Counter<N> {
    pub(crate) const fn new(name: &'static str, unit: Unit, labels: [&'static str; N], help: &'static str) -> Self {
        Self(Facts { name, unit, labels, help })
    }

    /// The counter with these labels, in their order. Keep it where a lot is counted.
    pub fn of(&self, labels: [&str; N]) -> metrics::Counter {
        let key = self.0.key(labels);
        metrics::with_recorder(|recorder| recorder.register_counter(&key, &METADATA))
    }
}

impl<const N: usize> Gauge<N> {
    pub(crate) const fn new(name: &'static str, unit: Unit, labels: [&'static str; N], help: &'static str) -> Self {
        Self(Facts { name, unit, labels, help })
    }

    /// The gauge with these labels, in their order. Keep it where it is set often.
    pub fn of(&self, labels: [&str; N]) -> metrics::Gauge {
        let key = self.0.key(labels);
        metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA))
    }
}

impl<const N: usize> Histogram<N> {
    pub(crate) const fn new(
        name: &'static str,
        unit: Unit,
        labels: [&'static str; N],
        buckets: &'static [f64],
        help: &'static str,
    ) -> Self {
        Self { facts: Facts { name, unit, labels, help }, buckets }
    }

    /// The histogram with these labels, in their order. Keep it where a lot is recorded.
    pub fn of(&self, labels: [&str; N]) -> metrics::Histogram {
        let key = self.facts.key(labels);
        metrics::with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))
    }
}

impl Named {
    pub(crate) const fn new(name: &'static str, unit: Unit, labels: [&'static str; 4], help: &'static str) -> Self {
        Self { facts: Facts { name, unit, labels, help }, now: Mutex::new(BTreeMap::new()) }
    }

    /// Says what is named now with these labels, and its value.
    pub fn set(&self, labels: [&str; 3], named: Option<(&str, f64)>) {
        let (labels, mut now) = (labels.map(str::to_owned), self.now());
        match named {
            Some((name, value)) => drop(now.insert(labels, (name.to_owned(), value))),
            None => drop(now.remove(&labels)),
        }
    }

    /// All that is named now, in Prometheus' text format; nothing where nothing is.
    pub fn text(&self) -> String {
        let Facts { name, labels, help, .. } = &self.facts;
        let (mut text, now) = (String::new(), self.now());
        if !now.is_empty() {
            text = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
        }
        for (first, (last, value)) in &*now {
            let values = first.iter().chain([last]).map(|value| escaped(value));
            let pairs: Vec<String> =
                labels.iter().zip(values).map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}{{{}}} {value}", pairs.join(","));
        }
        text
    }

    fn now(&self) -> MutexGuard<'_, BTreeMap<[String; 3], (String, f64)>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of a label as it stands between quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

impl Metric for Named {
    fn description(&'static self) -> Description {
        self.facts.description(Kind::Gauge, &[])
    }
}

impl<const N: usize> Metric for Counter<N> {
    fn description(&'static self) -> Description {
        self.0.description(Kind::Counter, &[])
    }
}

impl<const N: usize> Metric for Gauge<N> {
    fn description(&'static self) -> Description {
        self.0.description(Kind::Gauge, &[])
    }
}

impl<const N: usize> Metric for Histogram<N> {
    fn description(&'static self) -> Description {
        self.facts.description(Kind::Histogram, self.buckets)
    }
}

impl Description {
    /// Tells the collector about the metric.
    pub(crate) fn describe(&self) {
        let (name, unit, help) = (self.name.into(), Some(self.unit), SharedString::const_str(self.help));
        metrics::with_recorder(|recorder| match self.kind {
            Kind::Counter => recorder.describe_counter(name, unit, help),
            Kind::Gauge => recorder.describe_gauge(name, unit, help),
            Kind::Histogram => recorder.describe_histogram(name, unit, help),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_shown_at_a_time_and_none_where_there_is_none() {
        let named = Named::new("beamline_shares", Unit::Count, ["stream", "stage", "partition", "key"], "Shares");
        assert_eq!(named.text(), "");
        named.set(["s", "enricher", "0"], Some(("a", 0.25)));
        named.set(["s", "enricher", "0"], Some(("b\"\n\\", 0.5)));
        named.set(["s", "enricher", "1"], Some(("c", 0.75)));
        named.set(["s", "enricher", "1"], None);
        let expected = r#"beamline_shares{stream="s",stage="enricher",partition="0",key="b\"\n\\"} 0.5"#;
        assert_eq!(named.text(), format!("# HELP beamline_shares Shares\n# TYPE beamline_shares gauge\n{expected}\n"));
    }
}
