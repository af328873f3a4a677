//! `beamline topics`: what a stream has on Kafka.

pub(super) mod ledger;
mod place;
mod tail;

use std::{
    io::{Write, stdout},
    path::Path,
};

use broker::Connection;
use kafka::{Difference, TopicPlan};
use service::{Failure, load_stream, settings::Kafka};

use crate::{
    cli::{TopicsArgs, TopicsCommand},
    on_kafka::{self, failure},
};

pub(crate) fn topics(args: TopicsArgs) -> Result<(), Failure> {
    match args.command {
        TopicsCommand::Plan { stream } => plan(&stream),
        TopicsCommand::Apply { stream, kafka, replication } => apply(&stream, &connect(kafka)?, replication),
        TopicsCommand::Check { stream, kafka } => check(&stream, &connect(kafka)?),
        TopicsCommand::Ledger { stream, kafka } => ledger::ledger(&stream, &connect(kafka)?),
        TopicsCommand::Place(args) => place::place(args),
        TopicsCommand::Tail(args) => tail::tail(args),
    }
}

/// The connection that the settings describe, once the cluster has answered on it.
pub(crate) fn connect(settings: Kafka) -> Result<Connection, Failure> {
    on_kafka::answering(settings.with_password()?.connection("beamline"))
}

pub(crate) fn say(line: &str) -> Result<(), Failure> {
    writeln!(stdout(), "{line}").map_err(Failure::run_time)
}

fn plans(stream: &Path) -> Result<Vec<TopicPlan>, Failure> {
    let stream = load_stream(stream)?;
    Ok(kafka::plan_topics(&stream, &stream.topics()))
}

fn plan(stream: &Path) -> Result<(), Failure> {
    for plan in plans(stream)? {
        let settings: Vec<String> = plan.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        say(&format!("{}  partitions={}  {}", plan.name, plan.partitions, settings.join(" ")))?;
    }
    Ok(())
}

fn apply(stream: &Path, connection: &Connection, replication: Option<u16>) -> Result<(), Failure> {
    let plans = plans(stream)?;
    let done = kafka::create_topics(connection, &plans, replication).map_err(failure)?;
    for plan in &plans {
        let of_this: Vec<&Difference> =
            done.iter().filter(|(name, _)| *name == plan.name).map(|(_, difference)| difference).collect();
        let what = match of_this.as_slice() {
            [] => "is as it should be",
            [Difference::Missing] => "made",
            _ => "changed",
        };
        say(&format!("{}  {what}", plan.name))?;
    }
    Ok(())
}

fn check(stream: &Path, connection: &Connection) -> Result<(), Failure> {
    let differences = kafka::check_topics(connection, &plans(stream)?).map_err(failure)?;
    for (topic, difference) in &differences {
        say(&format!("{topic}  {difference}"))?;
    }
    match differences.len() {
        0 => say("every topic is as the definition wants it"),
        _ => {
            Err(Failure::run_time("topics differ from the definition; `beamline topics apply` makes and changes them"))
        }
    }
}
