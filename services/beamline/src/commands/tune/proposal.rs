//! What is proposed, and why.

use std::collections::BTreeSet;

use infer::{Roles, SHARE_EVERY, features_of};
use stream::{DetectRule, Stream, argument};

use super::{alarms::Alarms, history::History};
use crate::{Failure, cli::TuneArgs};

/// The share of ordinary events that may alarm where nobody says it.
const FALSE_ALARM_RATE: f64 = 1e-3;

/// A layer that alarms more than so many times as often as all layers together may is of no use for this stream.
const NOISY: f64 = 5.0;

/// Alarms below which nothing is said of a layer.
const ALARMS_MIN: u64 = 20;

/// Of a key's events, the share that is learned from first, and the share after which a regime is the new normal.
const WARM_UP: (u64, u64, u64) = (8, 32, 256);
const ADAPT_AFTER: (u64, u64, u64) = (4, 500, 10_000);

/// Features that the layer `season` takes.
const SEASON_FEATURES_MAX: usize = 2;

/// The layer of texts, and the function that makes a feature one.
const FREQUENCY: &str = "frequency";

/// Events of a key without an alarm that end an episode.
const EPISODE_AFTER: u64 = 100;

/// What is proposed.
pub(super) struct Proposal {
    features: Vec<(String, String)>,
    rules: Vec<DetectRule>,
    /// The layers that are on where a definition does not name them, and whether each of them is on here.
    usual: [(&'static str, bool); 3],
    /// Those that are off where a definition does not name them.
    named: Vec<&'static str>,
    pub(super) false_alarm_rate: f64,
    median: u64,
    notes: Vec<String>,
}

impl Proposal {
    pub(super) fn new(args: &TuneArgs, stream: &Stream, history: &History) -> Result<Self, Failure> {
        let spec = &stream.definition.spec;
        let looked_up: BTreeSet<&String> = spec.enrich.lookups.iter().flat_map(|lookup| &lookup.columns).collect();
        let schema = history.sample.schema();
        let own = (0..schema.fields().len()).filter(|index| !looked_up.contains(schema.field(*index).name()));
        let sample = history.sample.project(&own.collect::<Vec<_>>()).map_err(Failure::run_time)?;
        let roles = Roles { id: &spec.id, key: &spec.key, time: &spec.time };
        let features = features_of(&sample, roles).map_err(Failure::run_time)?;
        if features.is_empty() {
            return Err(Failure::run_time(
                "no column of the history is a number that varies or a text of few values, nothing can be proposed",
            ));
        }
        let numbers = features.iter().filter(|(sql, _)| argument(sql, FREQUENCY).is_none()).count();
        let mut named = vec!["rate", "stuck", "missing"];
        if (1..=SEASON_FEATURES_MAX).contains(&numbers) && history.has_days() {
            named.push("season");
        }
        let mut usual = ["ewma", "mahalanobis", "chains"].map(|layer| (layer, numbers > 0));
        let mut notes = Vec::new();
        if numbers == 1 {
            usual[1].1 = false;
            notes.push("mahalanobis is off: of one number it sees what ewma does".to_owned());
        }
        let defined = spec.detect.as_ref();
        let asked = args.false_alarm_rate.or(defined.map(|detect| detect.false_alarm_rate));
        Ok(Self {
            features,
            rules: defined.map(|detect| detect.rules.clone()).unwrap_or_default(),
            usual,
            named,
            false_alarm_rate: asked.unwrap_or(FALSE_ALARM_RATE),
            median: history.median(),
            notes,
        })
    }

    /// Turns off the layers that alarm far too often. Whether there were any; one layer always stays.
    pub(super) fn quieten(&mut self, alarms: &Alarms) -> bool {
        let limit = NOISY * self.false_alarm_rate;
        let mut noisy: Vec<(&'static str, u64)> = Vec::new();
        let usual = self.usual.iter().filter(|(_, on)| *on).map(|(layer, _)| *layer);
        for layer in self.named.iter().copied().chain(usual) {
            let found = alarms.by(layer);
            if found >= ALARMS_MIN && found as f64 > limit * alarms.events as f64 {
                noisy.push((layer, found));
            }
        }
        let left = self.named.len() + self.usual.iter().filter(|(_, on)| *on).count() - noisy.len();
        if left == 0 {
            noisy.pop();
        }
        for (layer, found) in &noisy {
            self.named.retain(|named| named != layer);
            self.usual.iter_mut().filter(|(name, _)| name == layer).for_each(|(_, on)| *on = false);
            let share = 1e3 * *found as f64 / alarms.events as f64;
            self.notes.push(format!("{layer} is off: it alarmed at {share:.1} in 1,000 events of the history"));
        }
        !noisy.is_empty()
    }

    /// The section of the definition, without indentation.
    pub(super) fn section(&self) -> String {
        let mut lines = vec!["detect:".to_owned(), "  features:".to_owned()];
        for (sql, reason) in &self.features {
            lines.push(format!("    # {}", reason.replace(['\n', '\r'], " ")));
            lines.push(format!("    - {}", quoted(sql)));
        }
        if !self.rules.is_empty() {
            lines.push("  rules:".to_owned());
        }
        for DetectRule { name, when } in &self.rules {
            lines.push(format!("    - {{ name: {}, when: {} }}", quoted(name), quoted(when)));
        }
        lines.extend(self.notes.iter().map(|note| format!("  # {note}")));
        let off = self.usual.iter().filter(|(_, on)| !on).map(|(layer, _)| format!("{layer}: false"));
        let layers: Vec<String> = self.named.iter().map(|layer| format!("{layer}: true")).chain(off).collect();
        if !layers.is_empty() {
            lines.push(format!("  layers: {{ {} }}", layers.join(", ")));
        }
        lines.push(format!("  false_alarm_rate: {:e}", self.false_alarm_rate));
        lines.push(format!("  # half of the keys have {} events or more in the history", self.median));
        lines.push(format!("  warm_up: {}", part(self.median, WARM_UP)));
        lines.push(format!("  adapt_after: {}", part(self.median, ADAPT_AFTER)));
        lines.push(format!("  episode_after: {EPISODE_AFTER}"));
        lines.push("  # young keys go by what others scored at their age".to_owned());
        lines.push(format!("  share_every: {SHARE_EVERY}"));
        lines.join("\n")
    }

    pub(super) fn tell(&self) -> String {
        let mut text = "proposed:\n".to_owned();
        for (sql, reason) in &self.features {
            text.push_str(&format!("  {sql}  ({reason})\n"));
        }
        let texts = self.features.iter().any(|(sql, _)| argument(sql, FREQUENCY).is_some()).then_some(FREQUENCY);
        let on = self.usual.iter().filter(|(_, on)| *on).map(|(layer, _)| *layer);
        let on = on.chain(self.named.iter().copied()).chain(texts);
        text.push_str(&format!("  layers: {}\n", on.collect::<Vec<_>>().join(", ")));
        self.notes.iter().for_each(|note| text.push_str(&format!("  {note}\n")));
        if part(self.median, WARM_UP) >= self.median {
            text.push_str("note: most keys have too few events to be learned; choose a key that more events share\n");
        }
        text
    }
}

/// A part of a key's events, within bounds.
fn part(events: u64, (of, least, most): (u64, u64, u64)) -> u64 {
    (events / of).clamp(least, most)
}

/// A text as YAML and JSON have it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
