//! Enriches the events of a stream.
