//! How a command is told to work on Kafka instead of files.

use std::path::PathBuf;

use clap::Args;
use service::settings::{KafkaAccess, RegistryAccess};

/// A stream on Kafka, instead of files.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kafka")]
pub struct OnKafkaArgs {
    /// Work on Kafka instead: some of its brokers, host:port,host:port.
    #[arg(long, value_name = "HOSTS")]
    pub kafka: Option<String>,
    /// The schema registry, base path included.
    #[arg(long, value_name = "URL", env = "BEAMLINE_REGISTRY_URL", hide_env_values = true)]
    pub registry: Option<String>,
    /// As whom Kafka is reached.
    #[command(flatten)]
    pub kafka_access: KafkaAccess,
    /// As whom the registry is reached.
    #[command(flatten)]
    pub registry_access: RegistryAccess,
}

/// A stream's topics, to be asked.
#[derive(Debug, Clone, Args)]
pub struct TopicsOfArgs {
    /// How Kafka is reached.
    #[command(flatten)]
    pub on_kafka: OnKafkaArgs,
    /// The definition of the stream whose topics are asked.
    #[arg(long, value_name = "FILE", help_heading = "Kafka", requires = "kafka")]
    pub stream: Option<PathBuf>,
}

/// A topic that another program writes, to guess a definition from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kafka")]
pub struct InitTopicArgs {
    /// How Kafka is reached.
    #[command(flatten)]
    pub on_kafka: OnKafkaArgs,
    /// The topic whose messages are looked at.
    #[arg(long, value_name = "NAME", requires = "kafka")]
    pub topic: Option<String>,
    /// The Avro schema that plain Avro messages were written with.
    #[arg(long, value_name = "FILE", requires = "kafka")]
    pub schema: Option<PathBuf>,
}

/// A replay on Kafka.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kafka")]
pub struct ReplayedArgs {
    /// Only what was taken in at this time or later (2025-01-31, 2025-01-31T12:00:00Z).
    #[arg(long, value_name = "TIME", value_parser = time, requires = "kafka")]
    pub since: Option<i64>,
    /// Only what was taken in before this time.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "kafka")]
    pub until: Option<i64>,
    /// What the topics of the results are called: NAME.scored and so on [default: STREAM-replay].
    #[arg(long, value_name = "NAME", requires = "kafka")]
    pub into: Option<String>,
}

/// A time in milliseconds since 1970; UTC where it does not say.
pub(super) fn time(text: &str) -> Result<i64, String> {
    let whole = if text.len() == "2025-01-31".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let time = humantime::parse_rfc3339_weak(&whole)
        .map_err(|_| "a time is written 2025-01-31 or 2025-01-31T12:00:00Z".to_owned())?;
    let since = time.duration_since(std::time::UNIX_EPOCH).map_err(|_| "that is before 1970".to_owned())?;
    Ok(since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_or_instants() {
        assert_eq!(time("2025-01-01"), Ok(1_735_689_600_000));
        assert_eq!(time("2025-01-01T00:00:01Z"), Ok(1_735_689_601_000));
        assert_eq!(time("2025-01-01 00:00:00.5"), Ok(1_735_689_600_500));
        assert!(time("yesterday").is_err() && time("1969-01-01").is_err());
    }
}
