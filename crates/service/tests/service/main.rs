//! A service as a whole: its settings from all layers, and its life as a process.

mod dummy;
mod life;
mod settings;
