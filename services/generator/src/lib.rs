//! Sends the events of a stream to Kafka.
