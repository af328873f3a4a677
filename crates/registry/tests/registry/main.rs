//! The client against answers as they are written down, and against real registries.

#![allow(clippy::unwrap_used)]

mod answers;
mod real;
mod scripted;
