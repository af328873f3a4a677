//! A stream in a CQL store: ScyllaDB or Cassandra.
