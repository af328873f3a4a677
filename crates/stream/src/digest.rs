//! The hash that fingerprints are made of.

use twox_hash::xxhash3_128::Hasher;

/// Goes up when the same definition would give other results than before; the detector's scores have [`SCORES_VERSION`](crate::columns::SCORES_VERSION).
const VERSION: &[u8] = b"2";

/// Over the version and these parts.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hashed = Vec::new();
    for part in [VERSION].into_iter().chain(parts) {
        // Lengths keep neighbouring parts apart.
        hashed.extend_from_slice(&(part.len() as u64).to_le_bytes());
        hashed.extend_from_slice(part);
    }
    format!("{:032x}", Hasher::oneshot(&hashed))
}
