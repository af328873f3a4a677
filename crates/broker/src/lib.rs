//! A Kafka cluster: how to reach it, its topics, and how far its groups have come.
