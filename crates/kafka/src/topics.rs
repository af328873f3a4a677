//! The topics that a stream needs: what they should be, and whether they are.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use broker::{Admin, Connection, NewTopic, Topic};
use stream::{Stream, Topics};

use crate::{KafkaError, messages::size::Sizes};

/// How long events stay: a week, so that a consumer that is down over a weekend misses nothing.
const EVENTS_RETENTION_MS: u64 = 7 * 24 * 3600 * 1000;
/// How long dead letters and late events stay: a month, because a person has to look at them.
const DEAD_LETTERS_RETENTION_MS: u64 = 30 * 24 * 3600 * 1000;
/// How long parts of groups stay: a day, after which nobody may have read them.
const PARTIALS_RETENTION_MS: u64 = 24 * 3600 * 1000;
/// Segments of state: small, because only closed ones are compacted, and a restart reads what is not.
const STATE_SEGMENT_BYTES: u64 = 16 << 20;

/// How long news of a new topic may take to every broker, and a missing one to be made.
const SPREAD_MAX: Duration = Duration::from_secs(20);

/// A topic as the definition wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPlan {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: u32,
    /// Settings that differ from the cluster's.
    pub settings: BTreeMap<String, String>,
}

/// What is not as the definition wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The topic is missing.
    Missing,
    /// It has another number of partitions: keys are, or would be, in other ones than their state.
    Partitions {
        /// How many there are.
        found: u32,
        /// How many there should be.
        wanted: u32,
    },
    /// A setting has another value.
    Setting {
        /// Which.
        name: String,
        /// What it is.
        found: String,
        /// What it should be.
        wanted: String,
    },
}

impl std::fmt::Display for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => formatter.write_str("is missing"),
            Self::Partitions { found, wanted } => write!(formatter, "has {found} partitions, and should have {wanted}"),
            Self::Setting { name, found, wanted } => write!(formatter, "has {name}={found}, and should have {wanted}"),
        }
    }
}

/// The setting that says what becomes of old records.
const POLICY: &str = "cleanup.policy";
/// The setting that says how large a batch a topic takes.
const MESSAGE_BYTES: &str = "max.message.bytes";

impl Difference {
    /// Whether a step cannot run on it.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Missing | Self::Partitions { .. } => true,
            // Events, or the dead letters that they become, would be refused, and their partition would stand still.
            Self::Setting { name, found, wanted } if name == MESSAGE_BYTES => {
                let bytes = |text: &str| text.parse::<u64>().unwrap_or_default();
                bytes(found) < bytes(wanted)
            }
            Self::Setting { .. } => false,
        }
    }

    /// Whether `topics apply` cannot change it.
    fn is_lasting(&self) -> bool {
        matches!(self, Self::Partitions { .. })
    }
}

/// The topics that a stream needs.
pub fn plan_topics(stream: &Stream, topics: &Topics) -> Vec<TopicPlan> {
    let partitions = stream.definition.spec.partitions;
    let sizes = Sizes::of(stream);
    let sized = |name: &str, settings: &[(&str, String)], bytes: usize| {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        let settings = settings.chain([(MESSAGE_BYTES.to_owned(), bytes.to_string())]).collect();
        TopicPlan { name: name.to_owned(), partitions, settings }
    };
    let plan = |name: &str, settings: &[(&str, String)]| sized(name, settings, sizes.message());
    let large = |name: &str, settings: &[(&str, String)]| sized(name, settings, sizes.state());
    let kept = |ms: u64| vec![(POLICY, "delete".to_owned()), ("retention.ms", ms.to_string())];
    let state = vec![
        (POLICY, "compact".to_owned()),
        ("segment.bytes", STATE_SEGMENT_BYTES.to_string()),
        ("min.cleanable.dirty.ratio", "0.1".to_owned()),
    ];
    let compacted = vec![(POLICY, "compact".to_owned())];
    let mut plans = vec![
        plan(&topics.raw, &kept(EVENTS_RETENTION_MS)),
        plan(&topics.enriched, &kept(EVENTS_RETENTION_MS)),
        plan(&topics.scored, &kept(EVENTS_RETENTION_MS)),
        plan(&topics.anomalies, &kept(DEAD_LETTERS_RETENTION_MS)),
        large(&topics.aggregates, &compacted),
        plan(&topics.dead_letters, &kept(DEAD_LETTERS_RETENTION_MS)),
        plan(&topics.late, &kept(DEAD_LETTERS_RETENTION_MS)),
        large(&topics.detector_state, &state),
        large(&topics.aggregator_state, &state),
    ];
    if stream.aggregates.are_merged() {
        // One partition: whoever merges a group needs all its parts, and there are few.
        let single = |plan: TopicPlan| TopicPlan { partitions: 1, ..plan };
        plans.push(single(large(&topics.partials, &kept(PARTIALS_RETENTION_MS))));
        plans.push(single(large(&topics.merger_state, &state)));
    }
    // A replay is not shown on a page of its own.
    if topics.raw == stream.name() {
        plans.push(TopicPlan { partitions: 1, ..plan(&topics.notes, &compacted) });
    }
    plans
}

/// What differs between a plan and the cluster, topic by topic; nothing where all is well.
///
/// # Errors
/// Where the cluster does not answer or does not allow it.
pub fn check_topics(connection: &Connection, plans: &[TopicPlan]) -> Result<Vec<(String, Difference)>, KafkaError> {
    let admin = Admin::connect(connection)?;
    let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
    let found = admin.topics(&names)?;
    let mut differences = Vec::new();
    for plan in plans {
        for difference in compare(plan, found.get(&plan.name)) {
            differences.push((plan.name.clone(), difference));
        }
    }
    Ok(differences)
}

fn compare(plan: &TopicPlan, found: Option<&Topic>) -> Vec<Difference> {
    let Some(found) = found else { return vec![Difference::Missing] };
    let mut differences = Vec::new();
    if found.partitions != plan.partitions {
        differences.push(Difference::Partitions { found: found.partitions, wanted: plan.partitions });
    }
    for (name, wanted) in &plan.settings {
        let value = found.settings.get(name).cloned().unwrap_or_default();
        if value != *wanted {
            differences.push(Difference::Setting { name: name.clone(), found: value, wanted: wanted.clone() });
        }
    }
    differences
}

/// Those of some topics that are compacted, against the plan: a record without a value deletes a key there.
///
/// # Errors
/// Where the cluster does not answer or does not allow it.
pub(crate) fn compacted(connection: &Connection, names: &[&str]) -> Result<Vec<String>, KafkaError> {
    let found = Admin::connect(connection)?.topics(names)?;
    let is_compacted = |topic: &Topic| topic.settings.get(POLICY).is_some_and(|policy| policy.contains("compact"));
    Ok(found.into_iter().filter(|(_, topic)| is_compacted(topic)).map(|(name, _)| name).collect())
}

/// Makes what is missing and changes what differs; says what was done. Partitions are never added: the keys of a
/// stream that has run would move to other partitions, away from their state.
///
/// # Errors
/// Where the cluster refuses, or a topic has another number of partitions.
pub fn create_topics(
    connection: &Connection,
    plans: &[TopicPlan],
    replication: Option<u16>,
) -> Result<Vec<(String, Difference)>, KafkaError> {
    let differences = check_topics(connection, plans)?;
    if differences.iter().any(|(_, difference)| difference.is_lasting()) {
        return Err(unfit(differences));
    }
    let admin = Admin::connect(connection)?;
    for plan in plans {
        let of_this = || differences.iter().filter(|(name, _)| *name == plan.name);
        if of_this().any(|(_, difference)| *difference == Difference::Missing) {
            let (name, partitions, settings) = (plan.name.clone(), plan.partitions, plan.settings.clone());
            admin.create(&NewTopic { name, partitions, replication, settings })?;
        } else if of_this().next().is_some() {
            admin.set(&plan.name, &plan.settings)?;
        }
    }
    // A broker knows a new topic a moment after another has made it.
    let begun = Instant::now();
    while begun.elapsed() < SPREAD_MAX && !check_topics(connection, plans)?.is_empty() {
        thread::sleep(Duration::from_millis(100));
    }
    Ok(differences)
}

/// Says what is wrong with topics, and what can be done.
fn unfit(differences: Vec<(String, Difference)>) -> KafkaError {
    let (lasting, others): (Vec<_>, Vec<_>) =
        differences.into_iter().partition(|(_, difference)| difference.is_lasting());
    let lines = |of: Vec<(String, Difference)>| {
        of.into_iter().map(|(name, difference)| format!("  `{name}` {difference}")).collect::<Vec<_>>()
    };
    if lasting.is_empty() { KafkaError::Topics(lines(others)) } else { KafkaError::Partitions(lines(lasting)) }
}

/// Makes sure that a step can run: every topic is there, with the partitions that the definition says. A topic that is
/// missing may just have been made, or be about to be: it is waited for.
pub(crate) fn fit(
    connection: &Connection,
    stream: &Stream,
    topics: &Topics,
    stop: &AtomicBool,
) -> Result<(), KafkaError> {
    let mut plans = plan_topics(stream, topics);
    // A stream runs without anybody's notes.
    plans.retain(|plan| plan.name != topics.notes);
    let begun = Instant::now();
    let mut said = false;
    loop {
        let (settings, fatal): (Vec<_>, Vec<_>) =
            check_topics(connection, &plans)?.into_iter().partition(|(_, difference)| !difference.is_fatal());
        if fatal.is_empty() {
            for (topic, difference) in settings {
                tracing::warn!(topic, %difference, "a topic is not as the definition wants it");
            }
            return Ok(());
        }
        // Somebody may be applying the definition right now.
        let waiting = !fatal.iter().any(|(_, difference)| difference.is_lasting());
        let error = unfit(fatal);
        if !waiting || begun.elapsed() > SPREAD_MAX {
            return Err(error);
        }
        if stop.load(Ordering::Relaxed) {
            return Err(KafkaError::Stopped);
        }
        if !std::mem::replace(&mut said, true) {
            tracing::warn!(%error, wait_s = SPREAD_MAX.as_secs(), "topics are not as the stream needs them; they are waited for");
        }
        thread::sleep(Duration::from_millis(250));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_command_can_change_is_told_with_what_can_be_done() {
        let missing = ("events.late".to_owned(), Difference::Missing);
        let said = unfit(vec![missing.clone()]).to_string();
        assert!(said.contains("`events.late` is missing") && said.contains("run `beamline topics apply`"), "{said}");
        let error = unfit(vec![missing, ("events".to_owned(), Difference::Partitions { found: 9, wanted: 8 })]);
        let said = error.to_string();
        assert!(said.contains("`events` has 9 partitions, and should have 8"), "{said}");
        assert!(said.contains("give the stream another `metadata.name`"), "{said}");
        assert!(!said.contains("run `beamline topics apply`") && error.is_configuration(), "{said}");
    }
}
