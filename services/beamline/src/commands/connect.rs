//! `beamline check-config --connect`: whether everything that a run needs is there. Each check is a line that says what it
//! found or what to do; a check that cannot be made because an earlier one failed says so. Nothing is changed.

mod lakes;
mod report;
mod rights;

use std::{env, path::Path};

use broker::Connection;
use lake::Location;
use registry::Registry;
use stream::Stream;

use self::report::{Clock, Report};
use super::{schemas, store};
use crate::{Failure, cli::ConnectArgs, cql_settings, on_kafka::ANSWER_MAX};

/// The servers that the command line or the environment names.
pub(super) struct Servers {
    kafka: Option<Connection>,
    registry: Option<(String, Registry)>,
    cql: Option<cql::Settings>,
    lake: Option<Location>,
}

impl Servers {
    /// What can be connected to; nothing is asked yet.
    ///
    /// # Errors
    /// Where settings cannot be used, or no server is named.
    pub(super) fn named(args: &ConnectArgs) -> Result<Self, Failure> {
        let bootstrap = args.on_kafka.kafka.clone().or_else(|| env::var("BEAMLINE_KAFKA_BOOTSTRAP").ok());
        let kafka = match &bootstrap {
            Some(bootstrap) => {
                Some(args.on_kafka.kafka_access.clone().with_password()?.connection(bootstrap, "beamline"))
            }
            None => None,
        };
        let registry = match &args.on_kafka.registry {
            Some(url) => {
                let access = args.on_kafka.registry_access.clone().with_password(url)?;
                let registry = Registry::new(&access.settings(url)).map_err(Failure::configuration)?;
                Some((url.clone(), registry))
            }
            None => None,
        };
        let cql = if args.cql.nodes.is_empty() { None } else { Some(cql_settings::settings(&args.cql)?) };
        let lake = args.lake.as_deref().map(Location::parse).transpose().map_err(Failure::configuration)?;
        if kafka.is_none() && registry.is_none() && cql.is_none() && lake.is_none() {
            return Err(Failure::configuration(
                "--connect needs a server: name --kafka and --registry, --cql, or --lake, or set \
                 BEAMLINE_KAFKA_BOOTSTRAP, BEAMLINE_REGISTRY_URL, BEAMLINE_CQL, BEAMLINE_LAKE; a run in this process \
                 needs none",
            ));
        }
        Ok(Self { kafka, registry, cql, lake })
    }
}

/// Checks a stream against the servers, and prints every line.
///
/// # Errors
/// Where anything is missing, with how much.
pub(super) fn check(stream: &Stream, path: &Path, servers: &Servers) -> Result<(), Failure> {
    let mut report = Report::default();
    let mut clocks = Vec::new();
    brokers(stream, path, servers, &mut report)?;
    schemas_of(stream, servers, &mut report, &mut clocks)?;
    tables(stream, path, servers, &mut report, &mut clocks)?;
    if let Some(location) = &servers.lake {
        lakes::check(stream, location, &mut report, &mut clocks)?;
    }
    report.clocks(&clocks)?;
    report.end(stream.name())
}

fn brokers(stream: &Stream, path: &Path, servers: &Servers, report: &mut Report) -> Result<(), Failure> {
    let Some(connection) = &servers.kafka else {
        return report.skipped("kafka", "not named: --kafka, or BEAMLINE_KAFKA_BOOTSTRAP");
    };
    if let Err(error) = connection.check(ANSWER_MAX) {
        report.wrong("kafka", &error.to_string())?;
        report.skipped("topics", "not checked, since Kafka does not answer")?;
        return report.skipped("rights", "not checked, since Kafka does not answer");
    }
    report.good("kafka", &format!("{} answers", connection.bootstrap))?;
    let plans = kafka::plan_topics(stream, &stream.topics());
    let mut there = Vec::new();
    for plan in &plans {
        let name = &plan.name;
        match kafka::check_topics(connection, std::slice::from_ref(plan)) {
            Err(error) => report.wrong("topics", &error.to_string())?,
            Ok(differences) if differences.is_empty() => {
                there.push(name.as_str());
                report.good("topics", &format!("`{name}` is as the definition wants it"))?;
            }
            Ok(differences) => {
                if differences.iter().all(|(_, difference)| *difference != kafka::Difference::Missing) {
                    there.push(name.as_str());
                }
                for (_, difference) in differences {
                    let partitions = matches!(difference, kafka::Difference::Partitions { .. });
                    let remedy = match partitions {
                        true => "write its number into `partitions` of the definition, or give the stream another \
                                 name: keys would move"
                            .to_owned(),
                        false => format!("`beamline topics apply {}` does that", path.display()),
                    };
                    let text = format!("`{name}` {difference}; {remedy}");
                    // A run goes on with a warning where only a setting differs.
                    if difference.is_fatal() {
                        report.wrong("topics", &text)
                    } else {
                        report.doubtful("topics", &text)
                    }?;
                }
            }
        }
    }
    rights::check(stream, connection, &there, report)
}

fn schemas_of(stream: &Stream, servers: &Servers, report: &mut Report, clocks: &mut Vec<Clock>) -> Result<(), Failure> {
    let Some((url, registry)) = &servers.registry else {
        let text = "not named: --registry, or BEAMLINE_REGISTRY_URL";
        // Values on Kafka are in Avro.
        return if servers.kafka.is_some() { report.wrong("registry", text) } else { report.skipped("registry", text) };
    };
    match registry.time() {
        Err(error) => {
            let text = format!("{error}; check the URL, base path included, and that the registry is running");
            return report.wrong("registry", &text);
        }
        Ok(time) => {
            report.good("registry", &format!("{url} answers"))?;
            // A date of HTTP leaves out the part of the second.
            clocks.extend(time.map(|time| Clock::read("the registry", time + 500)));
        }
    }
    for (subject, found) in schemas::standings(registry, stream)? {
        match found {
            Ok(text) => report.good("schemas", &format!("{subject}: {text}"))?,
            Err(reasons) => {
                for reason in reasons {
                    report.wrong("schemas", &format!("{subject}: {reason}; change the schema so that it fits"))?;
                }
            }
        }
    }
    Ok(())
}

fn tables(
    stream: &Stream,
    path: &Path,
    servers: &Servers,
    report: &mut Report,
    clocks: &mut Vec<Clock>,
) -> Result<(), Failure> {
    let Some(settings) = &servers.cql else {
        // One store is enough.
        let text = "not named: --cql, or BEAMLINE_CQL; a lake by --lake, or BEAMLINE_LAKE";
        return if servers.lake.is_some() { Ok(()) } else { report.skipped("store", text) };
    };
    let time = store::run(cql::time(settings));
    match time {
        Err(failure) => {
            report.wrong("store", &failure.to_string())?;
            return report.skipped("tables", "not checked, since the store does not answer");
        }
        Ok(time) => clocks.push(Clock::read("the store", time)),
    }
    report.good("store", &format!("{} answers", settings.nodes.join(", ")))?;
    let layouts = store::layouts(stream)?;
    let plan = match store::run(cql::plan(settings, &layouts)) {
        Ok(plan) => plan,
        Err(failure) => return report.wrong("tables", &failure.to_string()),
    };
    for refusal in &plan.refusals {
        report.wrong("tables", refusal)?;
    }
    for change in &plan.changes {
        report.wrong("tables", &format!("{}; `beamline store apply {}` does that", change.why, path.display()))?;
    }
    if plan.refusals.is_empty() && plan.changes.is_empty() {
        report.good("tables", &format!("those of keyspace {} are as the stream needs them", settings.keyspace))?;
    }
    Ok(())
}
