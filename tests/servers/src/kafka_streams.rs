//! Programs of Kafka Streams, from their source.

use std::path::Path;

use crate::{Program, ServerError, artifacts};

const VERSION: &str = "4.4.0";

impl Program {
    /// Start a program of Kafka Streams and Avro: a Java file, which Java itself compiles.
    ///
    /// # Errors
    /// Where Java or Maven is missing, or the libraries cannot be fetched.
    pub fn start_kafka_streams(source: &Path, args: &[&str]) -> Result<Self, ServerError> {
        let home = artifacts::folder("kafka-streams", VERSION, |folder| {
            artifacts::fetch_jars(include_str!("../artifacts/kafka-streams/pom.xml"), folder)
        })?;
        let jars = home.join("lib/*").display().to_string();
        let source = source.display().to_string();
        let java = ["-Xmx1g", "-cp", &jars, &source];
        Self::start("java", &[&java, args].concat(), &[])
    }
}
