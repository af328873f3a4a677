//! Quantiles of a histogram of Prometheus.

/// Cumulative counts by upper bound, ascending.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Buckets(Vec<(f64, f64)>);

impl Buckets {
    /// Adds a bucket's cumulative count to that of the same bound.
    pub(crate) fn add(&mut self, bound: f64, count: f64) {
        match self.0.binary_search_by(|(known, _)| known.total_cmp(&bound)) {
            Ok(index) => self.0[index].1 += count,
            Err(index) => self.0.insert(index, (bound, count)),
        }
    }

    /// Adds all buckets of another histogram with the same bounds.
    pub(crate) fn add_all(&mut self, other: &Self) {
        other.0.iter().for_each(|(bound, count)| self.add(*bound, *count));
    }

    /// What has come since `before`; all of it where the process has begun again.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let known = |bound: f64| before.0.iter().find(|(other, _)| *other == bound).map_or(0.0, |(_, count)| *count);
        let differences: Vec<(f64, f64)> =
            self.0.iter().map(|(bound, count)| (*bound, count - known(*bound))).collect();
        if differences.iter().any(|(_, count)| *count < 0.0) { self.clone() } else { Self(differences) }
    }

    /// The value below which a share of what was recorded lies: as Prometheus' `histogram_quantile` has it, evenly spread
    /// within a bucket, and the highest finite bound where it lies above that. Nothing where nothing was recorded.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let total = self.0.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
        let rank = share * total;
        let (mut below, mut lower) = (0.0, 0.0);
        for (bound, count) in &self.0 {
            if *count >= rank && bound.is_finite() {
                return Some(lower + (bound - lower) * (rank - below) / (count - below).max(f64::MIN_POSITIVE));
            }
            if bound.is_finite() {
                (below, lower) = (*count, *bound);
            }
        }
        Some(lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(counts: &[(f64, f64)]) -> Buckets {
        let mut buckets = Buckets::default();
        counts.iter().rev().for_each(|(bound, count)| buckets.add(*bound, *count));
        buckets
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let of = buckets(&[(0.1, 50.0), (0.2, 90.0), (1.0, 100.0), (f64::INFINITY, 100.0)]);
        assert_eq!(of.quantile(0.25), Some(0.05));
        let close = |share: f64, value: f64| (of.quantile(share).unwrap() - value).abs() < 1e-12;
        assert!(close(0.5, 0.1) && close(0.7, 0.15) && close(0.95, 0.6));
        let above = buckets(&[(0.1, 1.0), (f64::INFINITY, 10.0)]);
        assert_eq!(above.quantile(0.99), Some(0.1));
        assert_eq!(buckets(&[(0.1, 0.0), (f64::INFINITY, 0.0)]).quantile(0.5), None);
        assert_eq!(Buckets::default().quantile(0.5), None);
    }

    #[test]
    fn only_what_has_come_since_counts() {
        let (before, after) = (buckets(&[(1.0, 5.0), (2.0, 9.0)]), buckets(&[(1.0, 5.0), (2.0, 10.0)]));
        assert_eq!(after.since(&before), buckets(&[(1.0, 0.0), (2.0, 1.0)]));
        // A process that has begun again counts from zero.
        assert_eq!(before.since(&after), before);
    }
}
