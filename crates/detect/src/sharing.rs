//! What keys have in common, of a detector, as bytes and back.

use crate::{Common, DetectError, Detector, snapshot};

impl Detector {
    /// What keys have in common before anything was seen; `None` where they share nothing.
    #[must_use]
    pub fn nothing_in_common(&self) -> Option<Common> {
        let texts = if self.shares_texts { self.texts() } else { 0 };
        (self.shares_texts || self.shares_scores).then(|| Common::of(texts, self.shares_scores))
    }

    /// What keys have in common as bytes, as [`Detector::snapshot`] gives a state.
    #[must_use]
    pub fn snapshot_common(&self, common: &Common) -> Vec<u8> {
        snapshot::write_packed(self.fingerprint, &common.to_words())
    }

    /// What keys have in common from the bytes of a snapshot.
    ///
    /// # Errors
    /// Where the bytes are not a snapshot made with the same settings by this version.
    pub fn restore_common(&self, bytes: &[u8]) -> Result<Common, DetectError> {
        let nothing = self.nothing_in_common().unwrap_or_else(|| Common::of(0, false));
        let words = snapshot::read(self.fingerprint, nothing.words(), bytes)?;
        Ok(nothing.with(&words))
    }
}
