//! The states that workers have no room for in memory.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use stage::{Spill, Spills};

/// Keeps them as long as their process is there, and counts how often one was put there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outside(Arc<AtomicU64>);

impl Outside {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Spills for Outside {
    fn open(&self) -> io::Result<Box<dyn Spill>> {
        Ok(Box::new(Kept { states: HashMap::new(), count: self.0.clone() }))
    }
}

/// Those of a partition.
#[derive(Debug)]
struct Kept {
    states: HashMap<u32, Vec<u8>>,
    count: Arc<AtomicU64>,
}

impl Spill for Kept {
    fn write(&mut self, number: u32, state: &[u8]) -> io::Result<()> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.states.insert(number, state.to_vec());
        Ok(())
    }

    fn read(&mut self, number: u32) -> io::Result<Vec<u8>> {
        self.states.get(&number).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
