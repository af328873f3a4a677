//! Where a reader begins with a partition that its group has handed over.

/// Where to begin, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// Where the store says; the group has an offset too, or none.
    Kept { offset: u64, committed: Option<u64> },
    /// Where the group says, and the store says nothing.
    Committed(u64),
    /// Where data of an earlier version ends; neither the store nor the group has a position.
    Found(u64),
    /// At the beginning of the partition.
    Beginning,
}

impl Begin {
    /// The store's own position counts for more than the group's: what lies before it is stored, and nothing else is.
    pub(crate) fn of(kept: Option<u64>, committed: Option<u64>, found: Option<u64>) -> Self {
        match (kept, committed, found) {
            (Some(offset), committed, _) => Self::Kept { offset, committed },
            (None, Some(offset), _) => Self::Committed(offset),
            (None, None, Some(offset)) => Self::Found(offset),
            (None, None, None) => Self::Beginning,
        }
    }

    /// The offset; `None` for the beginning of the partition.
    pub(crate) fn offset(self) -> Option<u64> {
        match self {
            Self::Kept { offset, .. } | Self::Committed(offset) | Self::Found(offset) => Some(offset),
            Self::Beginning => None,
        }
    }

    /// Whether the group has to hear of it.
    pub(crate) fn is_news(self) -> bool {
        matches!(self, Self::Kept { offset, committed } if committed != Some(offset))
    }

    /// Says what an operator wants to know.
    pub(crate) fn say(self, (topic, partition): &(String, u32)) {
        match self {
            Self::Kept { offset, committed: None } => {
                tracing::info!(topic, partition, offset, "the group has no offset: going on where the store says");
            }
            Self::Kept { offset, committed: Some(committed) } if offset > committed => {
                tracing::info!(topic, partition, offset, committed, "the store is ahead of the group: going on there");
            }
            Self::Kept { offset, committed: Some(committed) } if offset < committed => {
                tracing::warn!(topic, partition, offset, committed, "the store has less than the group: reading again");
            }
            Self::Found(offset) => {
                tracing::info!(topic, partition, offset, "the group has no offset: going on where the stored data end");
            }
            Self::Beginning => {
                tracing::info!(topic, partition, "neither the group nor the store has a position: reading everything");
            }
            Self::Kept { .. } | Self::Committed(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_counts_for_more_than_the_group_and_both_for_more_than_a_find() {
        let offset = |kept, committed, found| Begin::of(kept, committed, found).offset();
        assert_eq!(offset(Some(7), Some(9), Some(3)), Some(7));
        assert_eq!(offset(None, Some(9), Some(3)), Some(9));
        assert_eq!(offset(None, None, Some(3)), Some(3));
        assert_eq!(offset(None, None, None), None);
    }

    #[test]
    fn the_group_hears_of_what_only_the_store_knew() {
        let news = |kept, committed| Begin::of(kept, committed, None).is_news();
        assert!(news(Some(7), None) && news(Some(7), Some(5)) && news(Some(7), Some(9)));
        assert!(!news(Some(7), Some(7)) && !news(None, Some(7)) && !news(None, None));
    }
}
