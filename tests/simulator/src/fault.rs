//! What is done to the workers of a history.

use fixtures::Random;

use crate::trouble::Trouble;

/// What is done to the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A process is gone at this call, and comes back after so long, under its name or another.
    Crash { back: u64, same: bool },
    /// A process stands still for so long.
    Freeze(u64),
    /// A process more.
    Join,
    /// A process less, in good order.
    Leave,
    /// The group moves a partition.
    Shuffle,
    /// A call of the producer goes wrong.
    Trouble(Trouble),
    /// All processes of a step are gone, and its group loses offsets of these partitions (a bit each).
    Lose { partitions: u64 },
}

impl Fault {
    /// One that is drawn.
    pub(crate) fn drawn(random: &mut Random) -> Self {
        match random.below(16) {
            0..=3 => Fault::Crash { back: random.below(15_000_000), same: random.one_in(2) },
            4..=5 => Fault::Freeze(100_000 + random.below(25_000_000)),
            6..=7 => Fault::Join,
            8 => Fault::Leave,
            9 => Fault::Shuffle,
            10 => Fault::Lose { partitions: 1 + random.below(7) },
            _ => Fault::Trouble(Trouble::drawn(random)),
        }
    }
}
