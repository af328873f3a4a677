//! The exactly-once runtime on Kafka: topics, transactions, state, dead letters.
