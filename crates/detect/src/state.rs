//! The state of a key.

/// What was learned about a key: one flat block of words, laid out by the detector that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    pub(crate) words: Box<[u64]>,
}
