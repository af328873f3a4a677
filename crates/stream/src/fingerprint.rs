//! A hash over everything that could change a result, so that state of another detector is never continued.

use serde_json::Value as Json;
use twox_hash::xxhash3_128::Hasher;

use crate::{Layer, Spec, Store};

/// Goes up when the same definition would give other results than before.
const VERSION: u32 = 1;

/// 32 hexadecimal digits (XXH3, 128 bits) over the version, the definition without `source`, `store`, metadata and
/// the names of files, the Avro schema (its white space aside) and the lookup tables' bytes in order.
pub(crate) fn fingerprint(spec: &Spec, avro: &str, tables: &[Vec<u8>]) -> String {
    let mut relevant = Spec { schema: String::new(), source: None, store: Store::default(), ..spec.clone() };
    // What is expected changes no result.
    relevant.expect = None;
    relevant.quality.iter_mut().for_each(|rule| rule.max_failing = None);
    for lookup in &mut relevant.enrich.lookups {
        lookup.table.clear();
    }
    if let Some(detect) = &mut relevant.detect {
        detect.layers.ewma = written_out(&detect.layers.ewma);
        detect.layers.mahalanobis = written_out(&detect.layers.mahalanobis);
        detect.layers.chains = written_out(&detect.layers.chains);
    }
    let avro = serde_json::from_str::<Json>(avro).map_or_else(|_| avro.to_owned(), |schema| schema.to_string());
    let definition = serde_json::json!(relevant).to_string();
    let version = VERSION.to_string();
    let parts = [version.as_bytes(), definition.as_bytes(), avro.as_bytes()];
    let mut hashed = Vec::new();
    for part in parts.into_iter().chain(tables.iter().map(Vec::as_slice)) {
        // Lengths keep neighbouring parts apart.
        hashed.extend_from_slice(&(part.len() as u64).to_le_bytes());
        hashed.extend_from_slice(part);
    }
    format!("{:032x}", Hasher::oneshot(&hashed))
}

/// The same layer with its defaults as settings, so that writing them out changes nothing.
fn written_out<T: Clone + Default>(layer: &Layer<T>) -> Layer<T> {
    layer.settings().map_or(Layer::Switch(false), Layer::Settings)
}
