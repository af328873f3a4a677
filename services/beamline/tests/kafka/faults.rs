//! Faults while a stream runs.
