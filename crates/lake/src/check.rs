//! Whether a writer could begin with a lake or go on with it: the place takes files as the writers need it, and the
//! tables that are there have the stream's columns. Nothing is left behind.

mod probe;
mod shapes;

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use sink::Table;

use crate::{Descriptor, Format, LakeError, Location};

/// How long the store may take to answer; its client alone would try for minutes.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// What was found of a lake.
#[derive(Debug)]
pub struct Checked {
    /// What was looked at, in that order.
    pub findings: Vec<Finding>,
    /// The store's own time in milliseconds since 1970, just read; `None` on a disk.
    pub time: Option<i64>,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub about: About,
    /// Whether a writer could go on.
    pub verdict: Verdict,
    /// What was found; where it is wrong, with what to do.
    pub text: String,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The place.
    Store,
    /// What lies there.
    Tables,
}

/// Whether a writer could go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It could.
    Good,
    /// It could, and somebody should know this.
    Doubtful,
    /// It could not.
    Wrong,
    /// It was not looked at, because something before it is wrong.
    Skipped,
}

impl Finding {
    fn new(about: About, verdict: Verdict, text: impl Into<String>) -> Self {
        Self { about, verdict, text: text.into() }
    }
}

/// Looks at a lake as a writer of these tables would find it.
pub async fn check(location: &Location, stream: &str, time: &str, tables: &[(Table, SchemaRef)]) -> Checked {
    let looked = tokio::time::timeout(ANSWER_MAX, look(location, stream, time, tables)).await;
    let wrong = |text: String| Checked {
        findings: vec![
            Finding::new(About::Store, Verdict::Wrong, text),
            Finding::new(About::Tables, Verdict::Skipped, "not checked, since the store cannot be used"),
        ],
        time: None,
    };
    match looked {
        Ok(Ok(checked)) => checked,
        Ok(Err(error)) => wrong(format!("{error}; {}", probe::remedy(location, &error))),
        Err(_) => {
            let seconds = ANSWER_MAX.as_secs();
            wrong(format!("{} does not answer within {seconds} s; {}", location.url(), probe::UNREACHABLE))
        }
    }
}

async fn look(
    location: &Location,
    stream: &str,
    time: &str,
    tables: &[(Table, SchemaRef)],
) -> Result<Checked, LakeError> {
    let (store, path) = location.open()?;
    let probed = probe::probe(location, &store, &path).await?;
    let mut findings = vec![probed.finding];
    match Descriptor::read(&store, &path).await {
        Err(LakeError::Missing { .. }) => {
            let text = format!("{} holds no lake yet; the writer makes it", location.url());
            findings.push(Finding::new(About::Tables, Verdict::Good, text));
            findings.extend(shapes::unknown_to_delta(tables));
        }
        Err(error) => return Err(error),
        Ok(there) => match Descriptor::new(there.format, stream, time, tables).refusal(&there) {
            Some(refusal) => findings.push(Finding::new(About::Tables, Verdict::Wrong, refusal)),
            None => match there.format {
                Format::Delta => findings.extend(shapes::delta(location, &store, time, tables).await?),
                Format::Parquet | Format::Orc => findings.extend(shapes::files(&there, tables)?),
            },
        },
    }
    Ok(Checked { findings, time: probed.time })
}

#[cfg(test)]
mod tests;
