//! What keys have in common, of a detector, as bytes and back.

use crate::{Common, DetectError, Detector, snapshot};

impl Detector {
    /// What keys have in common before anything was seen; `None` where they share nothing.
    #[must_use]
    pub fn nothing_in_common(&self) -> Option<Common> {
        self.shared.then(|| Common::of(self.texts()))
    }

    /// What keys have in common as bytes, as [`Detector::snapshot`] gives a state.
    #[must_use]
    pub fn snapshot_common(&self, common: &Common) -> Vec<u8> {
        snapshot::write(self.fingerprint, &common.words)
    }

    /// What keys have in common from the bytes of a snapshot.
    ///
    /// # Errors
    /// Where the bytes are not a snapshot made with the same settings by this version.
    pub fn restore_common(&self, bytes: &[u8]) -> Result<Common, DetectError> {
        Ok(Common { words: snapshot::read(self.fingerprint, Common::of(self.texts()).words.len(), bytes)? })
    }
}
