//! A service as a whole: its settings from all layers, and its life as a process.

#![allow(clippy::unwrap_used)]

mod dummy;
mod life;
mod settings;
mod traces;
