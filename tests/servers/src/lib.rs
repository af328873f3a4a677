//! Real servers for the tests: Kafka, schema registries, Cassandra, HDFS, Jaeger, Prometheus, S3, and Spark.
//!
//! No containers: the servers come from Maven, Go and Python packages, are kept in one folder of the user
//! (`BEAMLINE_SERVERS`, or `beamline-servers` in the user's cache folder) and run as plain processes on 127.0.0.1, at
//! free ports, with their data in a temporary folder. A server ends with the value that stands for it, and with the
//! test's process, however that ends.

mod apicurio;
mod artifacts;
mod cassandra;
mod certificates;
mod error;
mod go;
mod guard;
mod hdfs;
mod kafka;
mod kafka_streams;
mod net;
mod node;
mod process;
mod program;
mod prometheus;
mod proxy;
mod python;
mod registry;
mod s3;
mod scratch;
mod spark;

pub use self::{
    apicurio::Apicurio,
    cassandra::Cassandra,
    error::ServerError,
    go::{GoRegistry, Jaeger},
    hdfs::Hdfs,
    kafka::{Kafka, KafkaOptions},
    net::{free_port, http_get, http_request},
    node::Node,
    program::Program,
    prometheus::Prometheus,
    proxy::Proxy,
    python::{python, python_of_inputs},
    registry::Registry,
    s3::S3,
    spark::Spark,
};
