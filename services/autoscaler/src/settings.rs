//! The autoscaler's settings.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use service::settings::{Kafka, Process, Secret, Settings};

use crate::Policy;

/// The autoscaler's settings.
#[derive(Debug, Clone, Args)]
pub struct AutoscalerSettings {
    /// What is scaled, in JSON: a list of deployment, stream, service, group, topic, min and max.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) targets: PathBuf,
    /// The namespace of the Deployments and of the lease.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) namespace: String,
    /// The Lease whose holder scales, so that of several processes one does.
    #[arg(long, value_name = "NAME", default_value = "beamline-autoscaler")]
    pub(crate) lease: String,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How often to look.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(crate) interval: Duration,
    /// The lag, in time that the stream needs for as many records, above which replicas are added.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) lag_high: Duration,
    /// The lag below which replicas are removed.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = humantime::parse_duration)]
    pub(crate) lag_low: Duration,
    /// Fewer records than these never count as high.
    #[arg(long, value_name = "RECORDS", default_value_t = 1_000)]
    pub(crate) lag_records_min: u64,
    /// How long after a change replicas may be added.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) cool_down_up: Duration,
    /// How long after a change, and how long of low lag, before a replica is removed.
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = humantime::parse_duration)]
    pub(crate) cool_down_down: Duration,
    /// How to reach Kafka.
    #[command(flatten)]
    pub(crate) kafka: Kafka,
    /// What every process has.
    #[command(flatten)]
    pub(crate) process: Process,
}

impl AutoscalerSettings {
    /// How a Deployment with these bounds is scaled.
    pub(crate) fn policy(&self, min: u32, max: u32) -> Policy {
        Policy {
            min,
            max,
            lag_high: self.lag_high,
            lag_low: self.lag_low,
            lag_records_min: self.lag_records_min,
            cool_down_up: self.cool_down_up,
            cool_down_down: self.cool_down_down,
        }
    }
}

impl Settings for AutoscalerSettings {
    const NAME: &'static str = "autoscaler";
    const ABOUT: &'static str = "Scales the services of streams on their lag and where it is going";

    fn process(&self) -> &Process {
        &self.process
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        self.kafka.secrets()
    }

    fn check(&self) -> Vec<String> {
        let mut wrong = [self.kafka.check(), self.process.check()].concat();
        if self.interval.is_zero() {
            wrong.push("--interval must be longer than nothing; 5s is usual".to_owned());
        }
        if self.lag_low >= self.lag_high {
            wrong.push("--lag-low must be less than --lag-high, or replicas would come and go".to_owned());
        }
        for (name, cool_down) in [("up", self.cool_down_up), ("down", self.cool_down_down)] {
            if cool_down < self.interval * 2 {
                wrong.push(format!(
                    "--cool-down-{name} must be at least two times --interval, to see what a change does"
                ));
            }
        }
        wrong
    }
}
