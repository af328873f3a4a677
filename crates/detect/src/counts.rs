//! Rows of counts of events that are added up.

/// Events of a row at which its counts are halved, so that the past is forgotten.
pub(crate) const EVENTS_MAX: u64 = 1 << 20;

/// Adds counts, and halves those of a row that become too many.
pub(crate) fn add(counts: &mut [u64], block: &[u64], row: usize) {
    for (row, added) in counts.chunks_exact_mut(row).zip(block.chunks_exact(row)) {
        row.iter_mut().zip(added).for_each(|(count, added)| *count += added);
        while row.iter().sum::<u64>() > EVENTS_MAX {
            row.iter_mut().for_each(|count| *count /= 2);
        }
    }
}

/// All of them together.
pub(crate) fn sum(counts: &[u64]) -> u32 {
    u32::try_from(counts.iter().sum::<u64>()).unwrap_or(u32::MAX)
}
