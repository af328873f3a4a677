//! The client against answers as they are written down, and against real registries.

mod answers;
mod real;
mod scripted;
