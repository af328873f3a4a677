//! Aggregates the events of a stream over event time.
