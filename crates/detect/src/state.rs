//! The state of a key.

use hints::prefetch;

/// What was learned about a key: one flat block of words, laid out by the detector that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    pub(crate) words: Box<[u64]>,
}

/// How many words a line of the processor's cache has.
const LINE_WORDS: usize = 64 / size_of::<u64>();

impl KeyState {
    /// Has the processor fetch one of so many parts. A state that is used a moment later in a hundred places is then there: the
    /// processor would wait for one line after the other, where it can wait for many at once, and work meanwhile.
    pub fn fetch(&self, part: usize, parts: usize) {
        let lines = self.words.len().div_ceil(LINE_WORDS);
        let [from, to] = [part, part + 1].map(|part| (lines * part / parts * LINE_WORDS).min(self.words.len()));
        self.words[from..to].iter().step_by(LINE_WORDS).for_each(prefetch);
    }
}
