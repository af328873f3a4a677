//! Finds anomalies in the events of a stream.
