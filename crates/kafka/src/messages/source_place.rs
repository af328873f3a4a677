//! How far a partition of another program's topic has been read, and where that is now: the topic may have been created
//! again, or messages deleted before they were read.

use serde::{Deserialize, Serialize};

/// How far a partition has been read. As text, its three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, i64, i64)", into = "(u32, i64, i64)")]
pub struct SourcePlace {
    /// Which partition.
    pub partition: u32,
    /// The next offset.
    pub next: i64,
    /// The time of the message before it in milliseconds since 1970, or -1: it tells that message from another at its
    /// offset.
    pub last: i64,
}

impl From<(u32, i64, i64)> for SourcePlace {
    fn from((partition, next, last): (u32, i64, i64)) -> Self {
        Self { partition, next, last }
    }
}

impl From<SourcePlace> for (u32, i64, i64) {
    fn from(place: SourcePlace) -> Self {
        (place.partition, place.next, place.last)
    }
}

/// Where to go on in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    /// At this offset.
    At(i64),
    /// At the message before, to see whether it is still the one that was read.
    Before(i64),
    /// The topic was created again: at its beginning.
    Recreated(i64),
    /// Messages were deleted before they were read: at the first that there is, so many offsets further.
    Deleted(i64, i64),
}

impl SourcePlace {
    /// Where to go on in a partition that has the offsets from `first` to before `end` now.
    pub(crate) fn resume(self, first: i64, end: i64) -> Resume {
        match self.next {
            next if next > end => Resume::Recreated(first),
            next if next < first => Resume::Deleted(first, first - next),
            next if next > first && self.last >= 0 => Resume::Before(next),
            next => Resume::At(next),
        }
    }

    /// Whether the message at an offset shows that the topic was created again. Compaction or a marker of a transaction may
    /// be where the message before stood: then nothing is known, and the topic is taken for the same.
    pub(crate) fn is_other(self, offset: i64, time: i64) -> bool {
        offset == self.next - 1 && self.last >= 0 && time != self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_was_created_again_is_found_out() {
        let place = SourcePlace { partition: 0, next: 10, last: 77 };
        assert_eq!(place.resume(0, 9), Resume::Recreated(0));
        assert_eq!(place.resume(0, 10), Resume::Before(10));
        assert_eq!(place.resume(10, 20), Resume::At(10));
        assert_eq!(place.resume(13, 20), Resume::Deleted(13, 3));
        assert_eq!(SourcePlace { last: -1, ..place }.resume(0, 20), Resume::At(10));
        assert!(place.is_other(9, 78) && !place.is_other(9, 77) && !place.is_other(10, 78));
    }

    #[test]
    fn is_short_as_text() {
        let place = SourcePlace { partition: 3, next: 12, last: -1 };
        let text = serde_json::to_string(&place).unwrap();
        assert_eq!(text, "[3,12,-1]");
        assert_eq!(serde_json::from_str::<SourcePlace>(&text).unwrap(), place);
    }
}
