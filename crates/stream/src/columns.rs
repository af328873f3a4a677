//! The columns that the detector appends to an event: their names, types and order, in one place.

use arrow::datatypes::{DataType, Field};

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
