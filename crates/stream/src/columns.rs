//! The columns that the detector appends to an event, those of the aggregates, and those of late events: their names,
//! types and order, in one place.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

use crate::Detect;

/// Boolean, never null: whether any rule or layer calls the event an anomaly.
pub const ANOMALOUS: &str = "anomalous";

/// Float64: minus log2 of the estimated chance of an ordinary event at least as odd, by all learned layers together: 10 is
/// about 1 in 1,024. An alarm has at least the bits of the asked false-alarm rate, a rule's too. Null where the event was not
/// scored and no rule fired.
pub const ANOMALY_SCORE: &str = "anomaly_score";

/// Float64: the largest |z| of any feature; null while the key is warming up.
pub const SCORE_EWMA: &str = "score_ewma";

/// Float64: the Mahalanobis distance of the features; null while the key is warming up.
pub const SCORE_MAHALANOBIS: &str = "score_mahalanobis";

/// Float64: the score of the half-space chains; null while the key is warming up.
pub const SCORE_CHAINS: &str = "score_chains";

/// Float64: how much faster than usual the key's last events came, a cumulative sum in bits.
pub const SCORE_RATE: &str = "score_rate";

/// Float64: how rare it is that a feature's value stays the same for so long, in bits.
pub const SCORE_STUCK: &str = "score_stuck";

/// Float64: how rare it is that a feature is missing, in bits.
pub const SCORE_MISSING: &str = "score_missing";

/// Float64: how far the value is from what is usual at the time of day, in standard deviations.
pub const SCORE_SEASON: &str = "score_season";

/// Float64: how much faster than usual the last events of the partition came, a cumulative sum in bits.
pub const SCORE_BURST: &str = "score_burst";

/// Float64: how rare the event's rarest text is for its key, in bits.
pub const SCORE_FREQUENCY: &str = "score_frequency";

/// Utf8: the names of the rules and layers that fired, rules first, separated by commas; null where none did.
pub const ANOMALY_REASONS: &str = "anomaly_reasons";

/// Utf8: what became of the event at the learned layers, `scored`, `warming_up` (its key is still being learned) or
/// `not_scored` (no layer is on, the partition keeps no state for its key, or none of its features is there).
pub const ANOMALY_STATE: &str = "anomaly_state";

/// Utf8: what makes the event an anomaly, in words; null for an ordinary event.
pub const ANOMALY_WORDS: &str = "anomaly_words";

/// List of structs with the fields [`OF_CAUSE`]: the same as numbers, a cause each; null for an ordinary event.
pub const ANOMALY_CAUSES: &str = "anomaly_causes";

/// Utf8: the id of the anomaly's trace, 32 hexadecimal digits; null for an ordinary event.
pub const TRACE_ID: &str = "trace_id";

/// Utf8: which alarms of a key belong together, 16 hexadecimal digits that follow from the key and the first alarm's id; null for
/// an ordinary event. Only where the definition asks for episodes.
pub const EPISODE: &str = "episode";

/// Float64: what the layer `season` expected of its first and its second number, in the units that the words have; null where it is
/// still being learned, or the value is missing. Only where that layer is on.
pub const EXPECTED: [&str; 2] = ["expected", "expected_2"];

/// The fields of a cause: the layer or rule (Utf8, never null); its score and its threshold; the feature (Utf8), its value,
/// the range in which that would not be remarkable, and how far from what was expected it is in standard deviations. All but
/// the first are null for a rule.
pub const OF_CAUSE: [&str; 8] =
    ["layer", "score", "threshold", "feature", "value", "expected_low", "expected_high", "deviation"];

/// Goes up when the same definition gives other scores than before, so that a reader can tell scales apart: 1 was the largest
/// ratio of a layer's score to its threshold, 2 is bits, 3 is bits of another combination, 4 has the layer `season` in bits and takes
/// a layer that is alone at its word. It is in the fingerprints and in the documentation of the score's field in the scored topics.
pub(crate) const SCORES_VERSION: u32 = 4;

/// The same where keys share something (`share_every`): since 5, scores of all layers as well as texts.
const SHARED_SCORES_VERSION: u32 = 5;

/// The version of the scores that a detector gives.
pub(crate) fn scores_version(detect: &Detect) -> u32 {
    if detect.share_every.is_some() { SHARED_SCORES_VERSION } else { SCORES_VERSION }
}

/// Every name that the detector may use, but for [`EPISODE`] and [`EXPECTED`]. A definition cannot give one of them to a column of its own.
pub const RESERVED: [&str; 16] = [
    ANOMALOUS,
    ANOMALY_SCORE,
    SCORE_EWMA,
    SCORE_MAHALANOBIS,
    SCORE_CHAINS,
    SCORE_RATE,
    SCORE_STUCK,
    SCORE_MISSING,
    SCORE_SEASON,
    SCORE_BURST,
    SCORE_FREQUENCY,
    ANOMALY_REASONS,
    ANOMALY_STATE,
    ANOMALY_WORDS,
    ANOMALY_CAUSES,
    TRACE_ID,
];

/// The learned layers as the reasons name them, in the order of their score columns.
pub const LAYERS: [&str; 9] =
    ["ewma", "mahalanobis", "chains", "rate", "stuck", "missing", "season", "burst", "frequency"];

/// What the reasons call a key that fell silent. No event has that reason: such an alarm is a row of its own.
pub const SILENCE: &str = "silence";

/// The score columns of [`LAYERS`].
pub const LAYER_SCORES: [&str; 9] = [
    SCORE_EWMA,
    SCORE_MAHALANOBIS,
    SCORE_CHAINS,
    SCORE_RATE,
    SCORE_STUCK,
    SCORE_MISSING,
    SCORE_SEASON,
    SCORE_BURST,
    SCORE_FREQUENCY,
];

/// The columns that a detector with these settings appends, in their order. Without features no learned layer is on.
pub fn detector(detect: &Detect) -> Vec<Field> {
    let learned = LAYER_SCORES.into_iter().zip(detect.layers_by_name());
    let doc = format!(
        "version {} of the scores: minus log2 of the estimated chance of an ordinary event at least as odd",
        scores_version(detect)
    );
    let score = codec::documented(Field::new(ANOMALY_SCORE, DataType::Float64, true), &doc);
    let mut fields = vec![Field::new(ANOMALOUS, DataType::Boolean, false), score];
    let on = learned.filter(|(_, (_, on))| *on);
    fields.extend(on.map(|(name, _)| Field::new(name, DataType::Float64, true)));
    fields.push(Field::new(ANOMALY_REASONS, DataType::Utf8, true));
    fields.push(Field::new(ANOMALY_STATE, DataType::Utf8, true));
    fields.push(Field::new(ANOMALY_WORDS, DataType::Utf8, true));
    fields.push(Field::new(ANOMALY_CAUSES, DataType::List(cause()), true));
    fields.push(Field::new(TRACE_ID, DataType::Utf8, true));
    fields.extend(detect.episode_after.map(|_| Field::new(EPISODE, DataType::Utf8, true)));
    let expected = EXPECTED.into_iter().take(detect.expected());
    fields.extend(expected.map(|name| Field::new(name, DataType::Float64, true)));
    fields
}

/// The columns of anomalies that are rows of their own beside scored events: those of the events, of which such a row has an identity
/// and what was found.
pub(crate) fn with_rows_of_their_own(scored: &Schema, identity: [&str; 3]) -> SchemaRef {
    let field = |field: &FieldRef| match identity.contains(&field.name().as_str()) || field.name() == ANOMALOUS {
        true => field.clone(),
        false => Arc::new(field.as_ref().clone().with_nullable(true)),
    };
    let fields: Fields = scored.fields().iter().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, scored.metadata().clone()))
}

/// A cause, as the item of its list.
pub fn cause() -> FieldRef {
    let kind = |name: &str| if matches!(name, "layer" | "feature") { DataType::Utf8 } else { DataType::Float64 };
    let fields: Fields = OF_CAUSE.iter().map(|name| Field::new(*name, kind(name), *name != "layer")).collect();
    Arc::new(Field::new("item", DataType::Struct(fields), false))
}

/// Utf8, never null: which aggregate a row of the aggregates is of.
pub const AGGREGATE: &str = "aggregate";

/// Timestamp: where the window begins; null where it is the whole stream.
pub const WINDOW_START: &str = "window_start";

/// Timestamp: where the window ends, which is no longer part of it; null where it is the whole stream.
pub const WINDOW_END: &str = "window_end";

/// Boolean, never null: whether the window is closed, so that no event in time can change its row any more.
pub const FINAL: &str = "final";

/// What every row of the aggregates begins with.
pub const OF_AGGREGATES: [&str; 4] = [AGGREGATE, WINDOW_START, WINDOW_END, FINAL];

/// Utf8, never null: which aggregate the event was too late for.
pub const LATE_FOR: &str = "late_for";

/// Float64: how many seconds more `lateness` it would have taken; null where the event was left out for another reason.
pub const LATE_BY_SECONDS: &str = "late_by_seconds";

/// Utf8, never null: why the aggregate does not have the event, as a sentence.
pub const LATE_REASON: &str = "late_reason";

/// What a late event's columns begin with.
pub const OF_LATE: [&str; 3] = [LATE_FOR, LATE_BY_SECONDS, LATE_REASON];

/// The type of the ends of a window.
pub fn window_time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
}

/// What every row of the aggregates begins with, as fields.
pub(crate) fn of_aggregates() -> Vec<Field> {
    vec![
        Field::new(AGGREGATE, DataType::Utf8, false),
        Field::new(WINDOW_START, window_time(), true),
        Field::new(WINDOW_END, window_time(), true),
        Field::new(FINAL, DataType::Boolean, false),
    ]
}

/// What a late event's columns begin with, as fields.
pub(crate) fn of_late() -> Vec<Field> {
    vec![
        Field::new(LATE_FOR, DataType::Utf8, false),
        Field::new(LATE_BY_SECONDS, DataType::Float64, true),
        Field::new(LATE_REASON, DataType::Utf8, false),
    ]
}
