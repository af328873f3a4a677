//! What the user may do on Kafka, of what a run of all steps does.

use broker::{Admin, BrokerError, Connection, Rights};
use kafka::{Generator, Step};
use stream::Stream;

use super::report::Report;
use crate::Failure;

/// Tries the rights on the topics that are there, on transactions, and on the groups of the steps.
pub(super) fn check(
    stream: &Stream,
    connection: &Connection,
    there: &[&str],
    report: &mut Report,
) -> Result<(), Failure> {
    let rights = Rights::connect(connection).map_err(Failure::run_time)?;
    let found = Admin::connect(connection).and_then(|admin| admin.topics(there));
    let found = found.map_err(Failure::run_time)?;
    for (name, topic) in &found {
        let (read, write) = (rights.read(name), rights.write(name, topic));
        let untried = matches!(write, Ok(false));
        let (read, write) = (refused(read), refused(write.map(drop)));
        if read.is_none() && write.is_none() {
            let tried = if untried { "read; writing was not tried" } else { "read and written" };
            report.good("rights", &format!("`{name}` may be {tried}"))?;
        }
        for reason in [read, write].into_iter().flatten() {
            report.wrong("rights", &reason)?;
        }
    }
    let name = stream.name();
    // A probe of its own: a running service with the same id would be fenced.
    let id = format!("beamline.{name}.check-config");
    match refused(rights.transact(&id)) {
        None => report.good("rights", &format!("transactions with ids such as `{id}` may be made"))?,
        Some(reason) => report.wrong("rights", &reason)?,
    }
    let topics = stream.topics();
    let mut groups = vec![(Generator::group(name), topics.raw.as_str())];
    let steps = [vec![Step::Enrich, Step::Detect], Step::windows(stream)].concat();
    groups.extend(steps.into_iter().map(|step| (step.group(name), step.input(&topics))));
    for (group, topic) in groups.into_iter().filter(|(_, topic)| found.contains_key(*topic)) {
        match refused(rights.group(&group, topic)) {
            None => report.good("rights", &format!("the offsets of group `{group}` may be seen"))?,
            Some(reason) => report.wrong("rights", &reason)?,
        }
    }
    Ok(())
}

/// Why something cannot be done, if so.
fn refused(tried: Result<(), BrokerError>) -> Option<String> {
    tried.err().map(|error| error.to_string())
}
