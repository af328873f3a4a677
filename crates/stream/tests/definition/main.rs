//! Whole definitions, good, broken and mutated.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod aggregates;
mod broken;
mod fingerprints;
mod fixture;
mod good;
mod mutations;
mod orc;
mod section;
mod topics;
