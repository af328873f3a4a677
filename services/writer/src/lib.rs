//! Stores the events of a stream.
