//! The lines of a lake: whether a writer could begin there, or go on.

use lake::{About, Location, Verdict};
use stream::Stream;

use super::report::{Clock, Report};
use crate::Failure;

pub(super) fn check(
    stream: &Stream,
    location: &Location,
    report: &mut Report,
    clocks: &mut Vec<Clock>,
) -> Result<(), Failure> {
    let sources = stores::sources(stream)?;
    let tables: Vec<_> = sources.iter().map(|source| (source.table, source.columns.clone())).collect();
    let time = &stream.definition.spec.time;
    let checked = store::query::block_on(lake::check(location, stream.name(), time, &tables));
    let checked = checked.map_err(Failure::run_time)?;
    // Times of object stores leave out the part of the second.
    clocks.extend(checked.time.map(|time| Clock::read("the object store", time + 500)));
    for finding in checked.findings {
        let what = match finding.about {
            About::Store => "store",
            About::Tables => "tables",
        };
        match finding.verdict {
            Verdict::Good => report.good(what, &finding.text),
            Verdict::Doubtful => report.doubtful(what, &finding.text),
            Verdict::Wrong => report.wrong(what, &finding.text),
            Verdict::Skipped => report.skipped(what, &finding.text),
        }?;
    }
    Ok(())
}
