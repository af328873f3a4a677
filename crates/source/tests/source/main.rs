//! Sources as a runtime meets them: opened from a definition, read in pieces, taken up again at any place.

#![allow(clippy::unwrap_used)]

mod bad_input;
mod bytes;
mod derive;
mod house;
mod pace;
mod physics;
mod replay;
mod synthetic;
