//! A metric: its name, its labels and what it means, in one place.

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
