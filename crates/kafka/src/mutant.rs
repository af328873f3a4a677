//! Defects that can be put into the workers, to see that the simulator (`tests/simulator`) finds them.
//!
//! Only a build with the feature `mutants` has them, which no service asks for: in all others the compiler leaves them out. In
//! tests the variable `BEAMLINE_MUTANT` names one.

#[cfg(feature = "mutants")]
use std::sync::{
    LazyLock,
    atomic::{AtomicU8, Ordering},
};

/// A defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), expect(unreachable_pub, reason = "nobody chooses one"))]
pub enum Mutant {
    /// Each batch is a transaction of its own, and the offsets are in that of the last one.
    BeginEachBatch = 1,
    /// What is kept back for the end of a transaction is sent after it.
    FlushAfterCommit,
    /// Snapshots that the note with the offsets counts on are not written.
    SnapshotsLeftOut,
    /// The offsets are committed after the outputs.
    OffsetsAfterCommit,
    /// The outputs are committed although the group did not take the offsets.
    OffsetsIgnored,
    /// What was done of partitions that the group has given to others is committed all the same.
    LostPartitionKept,
    /// A row that no topic takes is sent.
    OversizedSent,
    /// A group without offsets begins at the beginning.
    LostOffsetsFromStart,
    /// After a transaction was given up, its input is not read again.
    AbortGoesOn,
    /// After a transaction was given up, what was kept back for its end is sent with the next one.
    AbortKeepsHeld,
    /// The group's offset is read while a transaction may still change it.
    UndecidedOffsets,
    /// Snapshots are read while a transaction may still add some.
    UndecidedState,
    /// What keys share is not written, and the note counts on it.
    SharedLeftOut,
    /// The thread that polls the group reads the state of partitions.
    LoadInline,
    /// All states are kept in memory, whatever there is of it.
    StatesUnbounded,
    /// A worker that panics does not end the others. The simulator runs each alone: a test of crate `kafka` finds it.
    PanicUnnoticed,
}

#[cfg(feature = "mutants")]
static CHOSEN: LazyLock<AtomicU8> = LazyLock::new(|| {
    let named = std::env::var("BEAMLINE_MUTANT").ok();
    let known = Mutant::ALL.into_iter().chain([(Mutant::PanicUnnoticed, "panic-unnoticed")]);
    let chosen = known.into_iter().find(|(_, name)| Some(*name) == named.as_deref());
    AtomicU8::new(chosen.map_or(0, |(mutant, _)| mutant as u8))
});

impl Mutant {
    /// Those that the simulator finds, with their names.
    #[cfg(feature = "mutants")]
    pub const ALL: [(Self, &str); 15] = [
        (Self::BeginEachBatch, "begin-each-batch"),
        (Self::FlushAfterCommit, "flush-after-commit"),
        (Self::SnapshotsLeftOut, "snapshots-left-out"),
        (Self::OffsetsAfterCommit, "offsets-after-commit"),
        (Self::OffsetsIgnored, "offsets-ignored"),
        (Self::LostPartitionKept, "lost-partition-kept"),
        (Self::OversizedSent, "oversized-sent"),
        (Self::LostOffsetsFromStart, "lost-offsets-from-start"),
        (Self::AbortGoesOn, "abort-goes-on"),
        (Self::AbortKeepsHeld, "abort-keeps-held"),
        (Self::UndecidedOffsets, "undecided-offsets"),
        (Self::UndecidedState, "undecided-state"),
        (Self::SharedLeftOut, "shared-left-out"),
        (Self::LoadInline, "load-inline"),
        (Self::StatesUnbounded, "states-unbounded"),
    ];

    /// Puts it into all workers of this process, or takes whichever there is out.
    #[cfg(feature = "mutants")]
    pub fn choose(mutant: Option<Self>) {
        CHOSEN.store(mutant.map_or(0, |mutant| mutant as u8), Ordering::Relaxed);
    }

    #[cfg(feature = "mutants")]
    pub(crate) fn is_chosen(self) -> bool {
        CHOSEN.load(Ordering::Relaxed) == self as u8
    }

    #[cfg(not(feature = "mutants"))]
    pub(crate) const fn is_chosen(self) -> bool {
        let _ = self;
        false
    }
}
