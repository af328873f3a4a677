//! The columns that the detector appends to an event, those of the aggregates, and those of late events: their names,
//! types and order, in one place.

use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::Detect;

/// Boolean, never null: whether any rule or layer calls the event an anomaly.
pub const ANOMALOUS: &str = "anomalous";

/// Float64, never null: the largest ratio of a learned layer's score to its threshold, from 1 on an alarm; 0 while
/// the key's layers are warming up.
pub const ANOMALY_SCORE: &str = "anomaly_score";

/// Float64: the largest |z| of any feature; null while the key is warming up.
pub const SCORE_EWMA: &str = "score_ewma";

/// Float64: the Mahalanobis distance of the features; null while the key is warming up.
pub const SCORE_MAHALANOBIS: &str = "score_mahalanobis";

/// Float64: the score of the half-space chains; null while the key is warming up.
pub const SCORE_CHAINS: &str = "score_chains";

/// Utf8: the names of the rules and layers that fired, rules first, separated by commas; null where none did.
pub const ANOMALY_REASONS: &str = "anomaly_reasons";

/// Every name that the detector may use. A definition cannot give one of them to a column of its own.
pub const RESERVED: [&str; 6] =
    [ANOMALOUS, ANOMALY_SCORE, SCORE_EWMA, SCORE_MAHALANOBIS, SCORE_CHAINS, ANOMALY_REASONS];

/// The learned layers as the reasons name them, in the order of their score columns.
pub const LAYERS: [&str; 3] = ["ewma", "mahalanobis", "chains"];

/// The columns that a detector with these settings appends, in their order. Without features no learned layer is on.
pub fn detector(detect: &Detect) -> Vec<Field> {
    let layers = &detect.layers;
    let learned = [
        (SCORE_EWMA, layers.ewma.settings().is_some()),
        (SCORE_MAHALANOBIS, layers.mahalanobis.settings().is_some()),
        (SCORE_CHAINS, layers.chains.settings().is_some()),
    ];
    let mut fields =
        vec![Field::new(ANOMALOUS, DataType::Boolean, false), Field::new(ANOMALY_SCORE, DataType::Float64, false)];
    let on = learned.iter().filter(|(_, on)| *on && !detect.features.is_empty());
    fields.extend(on.map(|(name, _)| Field::new(*name, DataType::Float64, true)));
    fields.push(Field::new(ANOMALY_REASONS, DataType::Utf8, true));
    fields
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
