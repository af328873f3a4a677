//! How long things took, in classes, so that any number of them takes a few bytes.

use std::collections::BTreeMap;

/// Factor from one class to the next, of times that are measured here.
const STEP: f64 = 1.1;
/// The first of these classes ends here, in seconds.
const LEAST: f64 = 1e-4;

/// How many took no longer than the end of a class, and longer than that of the one before. Ends are in microseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times(BTreeMap<u64, f64>);

impl Times {
    /// Of a histogram among the metrics of a service, over all its labels.
    pub(crate) fn of_metric(text: &str, name: &str) -> Self {
        let mut up_to: BTreeMap<u64, f64> = BTreeMap::new();
        for line in text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix("_bucket{")) {
            let end = line.split("le=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            let count: f64 = line.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or_default();
            let end = if end == "+Inf" { u64::MAX } else { (end.parse::<f64>().unwrap_or_default() * 1e6) as u64 };
            *up_to.entry(end).or_default() += count;
        }
        let mut below = 0.0;
        Self(up_to.into_iter().map(|(end, count)| (end, count - std::mem::replace(&mut below, count))).collect())
    }

    /// Those that came since.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let of = |end: &u64| before.0.get(end).copied().unwrap_or_default();
        Self(self.0.iter().map(|(end, count)| (*end, (count - of(end)).max(0.0))).collect())
    }

    pub(crate) fn add(&mut self, more: &Self) {
        more.0.iter().for_each(|(end, count)| *self.0.entry(*end).or_default() += count);
    }

    /// Adds one of so many seconds.
    pub(crate) fn see(&mut self, seconds: f64) {
        let class = (seconds.max(LEAST) / LEAST).log(STEP).ceil();
        *self.0.entry((LEAST * STEP.powf(class) * 1e6) as u64).or_default() += 1.0;
    }

    pub(crate) fn count(&self) -> f64 {
        self.0.values().sum()
    }

    /// The time in milliseconds that this share took no longer than; between the ends of a class in proportion.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = self.count() * share;
        let (mut below, mut begin) = (0.0, 0.0);
        for (end, count) in self.0.iter().filter(|(_, count)| **count > 0.0) {
            let begin_of_class = self.0.range(..end).next_back().map_or(begin, |(end, _)| *end as f64);
            if below + count >= wanted {
                let within = (wanted - below) / count;
                return Some((begin_of_class + within * (*end as f64 - begin_of_class)) / 1e3);
            }
            (below, begin) = (below + count, *end as f64);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_where_the_classes_say() {
        let metrics = |first: u32, all: u32| {
            format!(
                "t_bucket{{stage=\"a\",le=\"0.1\"}} {first}\nt_bucket{{stage=\"a\",le=\"0.2\"}} {all}\nt_bucket{{stage=\"a\",le=\"+Inf\"}} {all}\n"
            )
        };
        let (before, after) = (Times::of_metric(&metrics(7, 7), "t"), Times::of_metric(&metrics(57, 107), "t"));
        let new = after.since(&before);
        assert_eq!(new.count(), 100.0);
        assert_eq!((new.quantile(0.25), new.quantile(0.75)), (Some(50.0), Some(150.0)));
        let mut seen = Times::default();
        (1..=1000).for_each(|millis| seen.see(f64::from(millis) / 1e3));
        let p99 = seen.quantile(0.99).unwrap();
        assert!((950.0..1030.0).contains(&p99), "{p99}");
    }
}
