//! How much memory the states of keys may take, and where those go that it has no room for.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A place outside of memory for the states of one partition, by number. It is a cache: nobody looks for a state that was not
/// written by the same process, so it need not outlive the process.
pub trait Spill: Send + fmt::Debug {
    /// Keeps a state in place of the one that had its number. All states of a partition have the same length.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn write(&mut self, number: u32, state: &[u8]) -> io::Result<()>;

    /// The state that was written last under this number.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn read(&mut self, number: u32) -> io::Result<Vec<u8>>;
}

/// Makes such places.
pub trait Spills: Send + Sync + fmt::Debug {
    /// A place for one partition.
    ///
    /// # Errors
    /// Where there is none.
    fn open(&self) -> io::Result<Box<dyn Spill>>;
}

/// The memory for the states of all partitions of a process. Each stage that keeps states has an equal share of it, so that a
/// busy partition cannot push out the states of the others.
#[derive(Debug, Clone)]
pub struct StateMemory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes: usize,
    stages: AtomicUsize,
    spills: Option<Box<dyn Spills>>,
}

impl StateMemory {
    /// Every state is kept in memory: for tools that read a bounded sample, and for tests.
    #[must_use]
    pub fn unbounded() -> Self {
        Self(Arc::new(Shared { bytes: usize::MAX, stages: AtomicUsize::new(0), spills: None }))
    }

    /// So many bytes of states are kept in memory; the others go to `spills`, those that were not used for longest first.
    #[must_use]
    pub fn bounded(bytes: usize, spills: impl Spills + 'static) -> Self {
        Self(Arc::new(Shared { bytes, stages: AtomicUsize::new(0), spills: Some(Box::new(spills)) }))
    }

    /// The share of one stage, until it is dropped.
    pub(crate) fn share(&self) -> MemoryShare {
        self.0.stages.fetch_add(1, Ordering::Relaxed);
        MemoryShare(self.0.clone())
    }
}

/// What one stage may take of a [`StateMemory`].
#[derive(Debug)]
pub(crate) struct MemoryShare(Arc<Shared>);

impl MemoryShare {
    /// How many states of so many bytes may be in memory now: at least one.
    pub(crate) fn states(&self, state_bytes: usize) -> usize {
        (self.0.bytes / self.0.stages.load(Ordering::Relaxed).max(1) / state_bytes.max(1)).max(1)
    }

    /// A place for the states of a partition; `None` where all of them stay in memory.
    pub(crate) fn open(&self) -> io::Result<Option<Box<dyn Spill>>> {
        self.0.spills.as_ref().map(|spills| spills.open()).transpose()
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.0.stages.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nowhere;

    impl Spills for Nowhere {
        fn open(&self) -> io::Result<Box<dyn Spill>> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    #[test]
    fn the_memory_is_shared_by_the_stages_that_are_there() {
        let memory = StateMemory::bounded(1000, Nowhere);
        let first = memory.share();
        assert_eq!(first.states(100), 10);
        let second = memory.share();
        assert_eq!((first.states(100), second.states(100)), (5, 5));
        drop(first);
        assert_eq!(second.states(100), 10);
        assert_eq!(second.states(10_000), 1, "a state is needed to score anything");
    }
}
