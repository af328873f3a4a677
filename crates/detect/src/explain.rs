//! Why an event alarms: what each layer that does found in it.

use crate::{
    Cause, Common, Layer, Scores, Seen,
    arrivals::{self, SHORT},
    cause::Finding,
    detector::Detector,
    parts::Split,
};

/// What a layer found, the value that it is about, and of a text how often it was seen: by the key, and by others where that says more.
type Found = (Finding, f64, Option<(Seen, Option<Seen>)>);

impl Detector {
    /// What made the layers alarm, the rarest first.
    #[cold]
    pub(crate) fn explain(
        &self,
        parts: &Split<'_>,
        (x, all): (&[f64], &[f64]),
        (time, frozen): (Option<i64>, Option<&Common>),
        scores: &Scores,
        causes: &mut Vec<Cause>,
    ) {
        let mut alarmed: Vec<Layer> = self.layers().iter().copied().filter(|layer| scores.alarmed(*layer)).collect();
        alarmed.sort_by(|a, b| scores.bits[*b as usize].total_cmp(&scores.bits[*a as usize]));
        let events = *parts.events;
        let young = self.young(events, frozen);
        for layer in alarmed {
            let score = scores.scores[layer as usize];
            let key = (events, &*parts.judged);
            let of_young = young.and_then(|frozen| self.judging.threshold_young(layer, key, score, frozen));
            let threshold =
                of_young.map_or_else(|| self.judging.threshold(layer, parts.judged), |(threshold, _)| threshold);
            let threshold = threshold.min(score);
            let found = self.findings(layer, parts, (x, all), (time, frozen), threshold);
            causes.extend(found.into_iter().map(|(Finding { feature, expected, deviation }, value, seen)| Cause {
                layer,
                score,
                threshold,
                feature,
                value,
                expected,
                deviation,
                seen: seen.map(|(seen, _)| seen),
                others: seen.and_then(|(_, others)| others).or(of_young.and_then(|(_, others)| others)),
            }));
        }
    }

    /// What a layer found in the numbers `x` or in `all` features, each with the value that it is about.
    fn findings(
        &self,
        layer: Layer,
        parts: &Split<'_>,
        (x, all): (&[f64], &[f64]),
        (time, frozen): (Option<i64>, Option<&Common>),
        threshold: f64,
    ) -> Vec<Found> {
        let (moments, covariance, half_space) = (&*parts.moments, &*parts.covariance, &*parts.half_space);
        let repeated = |missing| self.repeats.as_ref()?.explain(parts.repeats, missing);
        let found: Vec<Finding> = match layer {
            Layer::Ewma => self.moments.as_ref().map(|layer| layer.explain(moments, x, threshold)).unwrap_or_default(),
            Layer::Mahalanobis => {
                self.covariance.as_ref().and_then(|layer| layer.explain(covariance, x, threshold)).into_iter().collect()
            }
            Layer::Chains => {
                self.half_space.as_ref().and_then(|layer| layer.explain(half_space, x, threshold)).into_iter().collect()
            }
            Layer::Rate => {
                let (now, usual) = arrivals::rates(parts.arrivals);
                let expected = (0.0, usual / SHORT);
                return vec![(Finding { feature: None, expected, deviation: now / usual }, now, None)];
            }
            Layer::Season => {
                let found = self.season.as_ref().zip(time);
                found.and_then(|(layer, time)| layer.explain(parts.season, x, time, threshold)).into_iter().collect()
            }
            Layer::Stuck => repeated(false).into_iter().collect(),
            Layer::Missing => repeated(true).into_iter().collect(),
            Layer::Burst => Vec::new(),
            Layer::Frequency => {
                let layer = self.frequencies.as_ref();
                let found = layer.and_then(|layer| layer.explain(parts.frequencies, all, frozen));
                let share = |seen: Seen| f64::from(seen.times) / f64::from(seen.of.max(1));
                return found
                    .into_iter()
                    .map(|(found, seen, others)| (found, share(seen), Some((seen, others))))
                    .collect();
            }
        };
        let of_all = matches!(layer, Layer::Stuck | Layer::Missing);
        let named = |found: Finding| {
            // Layers that see numbers only count those.
            let feature = found.feature.map(|feature| if of_all { feature } else { self.numbers[feature] });
            (Finding { feature, ..found }, feature.map_or(f64::NAN, |feature| all[feature]), None)
        };
        found.into_iter().map(named).collect()
    }
}
