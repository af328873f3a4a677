//! Hashes over what a result, or state, follows from: state of another detector is never continued.

use serde_json::{Value as Json, json};

use crate::{Detect, Layer, Spec, Store, check::Checked, columns, digest::hash, provenance::Provenance};

/// What tells definitions apart: 32 hexadecimal digits each (XXH3, 128 bits).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprints {
    /// Changes when anything changes that could change a result (so not with `store` or `source`).
    pub definition: String,
    /// Changes when the detector's state cannot be continued: another key, other features or layers, other values of the
    /// columns that they are over. Not with rules, filters and columns that no feature follows from.
    pub detector: String,
    /// Changes when the windows' state cannot be continued: other aggregates, or other values of the columns that they are
    /// over.
    pub windows: String,
}

impl Fingerprints {
    pub(crate) fn of(spec: &Spec, checked: &Checked) -> Self {
        let mut spec = spec.clone();
        spec.detect = spec.detect.map(written_out);
        Self {
            definition: definition(&spec, checked),
            detector: detector(&spec, checked),
            windows: windows(&spec, checked),
        }
    }
}

/// Over the definition without `source`, `store`, metadata and the names of files, the Avro schema (its white space
/// aside) and the lookup tables' bytes in order.
fn definition(spec: &Spec, checked: &Checked) -> String {
    let mut relevant = Spec { schema: String::new(), source: None, store: Store::default(), ..spec.clone() };
    // What is expected or drawn changes no result.
    (relevant.expect, relevant.page) = (None, None);
    relevant.quality.iter_mut().for_each(|rule| rule.max_failing = None);
    for lookup in &mut relevant.enrich.lookups {
        lookup.table.clear();
    }
    let avro = checked.input.avro();
    let avro = serde_json::from_str::<Json>(avro).map_or_else(|_| avro.to_owned(), |schema| schema.to_string());
    // Only where anything is detected, so that another version of the scores, or another column of the detector's, touches
    // nothing else.
    let columns = |detect| columns::detector(detect).iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let scores =
        relevant.detect.as_ref().map(|detect| json!([columns::scores_version(detect), columns(detect)]).to_string());
    let scores = scores.unwrap_or_default();
    let relevant = json!(relevant).to_string();
    let parts = [relevant.as_bytes(), avro.as_bytes(), scores.as_bytes()].into_iter().filter(|part| !part.is_empty());
    hash(parts.chain(checked.tables.iter().map(Vec::as_slice)))
}

fn detector(spec: &Spec, checked: &Checked) -> String {
    let over = checked.features.iter().flat_map(|feature| feature.columns()).map(String::as_str);
    let follows = Provenance { spec, checked }.of(over.chain([spec.key.as_str()]));
    // Rules and episodes change nothing of what is learned.
    let learned = spec.detect.clone().map(|detect| Detect { rules: Vec::new(), episode_after: None, ..detect });
    let version = spec.detect.as_ref().map_or(columns::SCORES_VERSION, columns::scores_version);
    hash([json!([spec.key, learned, follows, version]).to_string().as_bytes()])
}

fn windows(spec: &Spec, checked: &Checked) -> String {
    let aggregates = checked.aggregates.list.iter();
    let calls = aggregates.clone().flat_map(|aggregate| &aggregate.select).flat_map(|(_, select)| select.calls());
    let over =
        calls.flat_map(|call| [&call.argument, &call.filter]).flatten().flat_map(|expression| expression.columns());
    let groups = aggregates.flat_map(|aggregate| &aggregate.group_by);
    let of_row = [spec.key.as_str(), spec.id.as_str(), spec.time.as_str()];
    let follows = Provenance { spec, checked }.of(over.chain(groups).map(String::as_str).chain(of_row));
    hash([json!([spec.key, spec.id, spec.time, spec.aggregate, follows]).to_string().as_bytes()])
}

/// The same detection with the layers' defaults as settings, so that writing them out changes nothing.
fn written_out(mut detect: Detect) -> Detect {
    let layers = &mut detect.layers;
    (layers.ewma, layers.mahalanobis, layers.chains) =
        (settings(&layers.ewma), settings(&layers.mahalanobis), settings(&layers.chains));
    layers.silence = settings(&layers.silence);
    detect
}

fn settings<T: Clone + Default>(layer: &Layer<T>) -> Layer<T> {
    layer.settings().map_or(Layer::Switch(false), Layer::Settings)
}
