//! The parts of a key's block of words.

/// Where the parts of a state begin. The first word counts events, and judging begins behind it.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    moments: usize,
    covariance: usize,
    arrivals: usize,
    repeats: usize,
    season: usize,
    frequencies: usize,
    pub(crate) half_space: usize,
    pub(crate) end: usize,
}

/// The parts of a state.
pub(crate) struct Split<'s> {
    pub(crate) events: &'s mut u64,
    pub(crate) judged: &'s mut [u64],
    pub(crate) moments: &'s mut [u64],
    pub(crate) covariance: &'s mut [u64],
    pub(crate) arrivals: &'s mut [u64],
    pub(crate) repeats: &'s mut [u64],
    pub(crate) season: &'s mut [u64],
    pub(crate) frequencies: &'s mut [u64],
    pub(crate) half_space: &'s mut [u64],
}

impl Parts {
    /// Of parts of so many words, in their order.
    pub(crate) fn new(words: [usize; 7], half_space: usize) -> Self {
        let mut end = 1;
        let [_, moments, covariance, arrivals, repeats, season, frequencies] = words.map(|words| {
            end += words;
            end - words
        });
        Self { moments, covariance, arrivals, repeats, season, frequencies, half_space: end, end: end + half_space }
    }

    pub(crate) fn split<'s>(&self, words: &'s mut [u64]) -> Split<'s> {
        let (head, rest) = words.split_at_mut(1);
        let (judged, rest) = rest.split_at_mut(self.moments - 1);
        let (moments, rest) = rest.split_at_mut(self.covariance - self.moments);
        let (covariance, rest) = rest.split_at_mut(self.arrivals - self.covariance);
        let (arrivals, rest) = rest.split_at_mut(self.repeats - self.arrivals);
        let (repeats, rest) = rest.split_at_mut(self.season - self.repeats);
        let (season, rest) = rest.split_at_mut(self.frequencies - self.season);
        let (frequencies, half_space) = rest.split_at_mut(self.half_space - self.frequencies);
        Split { events: &mut head[0], judged, moments, covariance, arrivals, repeats, season, frequencies, half_space }
    }
}
