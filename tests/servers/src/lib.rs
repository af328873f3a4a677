//! Real servers for the tests: Kafka, schema registries, Cassandra, Jaeger, S3.
