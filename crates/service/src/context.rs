//! What a service gets to run with.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use measure::TracedAs;

use crate::Health;

/// What a service gets to run with, beside its settings.
#[derive(Debug, Clone)]
pub struct Context {
    /// The service's name.
    pub name: &'static str,
    /// Which of its processes this is.
    pub instance: String,
    /// Who it is in traces; nothing where none are sent.
    pub traced_as: Option<TracedAs>,
    /// Where its parts report how they are.
    pub health: Health,
    /// True once it should come to an end.
    pub stop: Arc<AtomicBool>,
}

impl Context {
    /// Whether it should come to an end.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
