//! `beamline dlq`: the records that could not go on, and the way back for those that were repaired.

mod payload;
mod redrive;
mod show;
mod whole;

use std::{
    io::{IsTerminal, Write, stdout},
    path::PathBuf,
};

use arrow::{array::AsArray, datatypes::Int64Type};
use ask::{AskError, Source};
use store::{OutputFormat, QueryOptions, Session, StoreError, TableLimits, query as sql};

use super::query::ask_failure;
use crate::{
    Failure,
    cli::{DlqArgs, DlqCommand, DlqFormat, DlqListArgs, TopicsOfArgs},
    on_kafka, results,
};

/// Reasons with what differs from record to record left out: quoted values, and numbers that stand alone. A rule's own
/// text stays as it is.
const PATTERN: &str = r#"CASE WHEN kind = 'quality' THEN reason ELSE
    regexp_replace(regexp_replace(reason, '"(\\.|[^"\\])*"', '"…"', 'g'), '(^|[ (])-?[0-9][0-9.,eE+-]*', '${1}#', 'g')
END"#;

/// Dead letters have short columns but for the reason.
const LETTERS_MAX: usize = 100;

pub(crate) fn dlq(args: DlqArgs) -> Result<(), Failure> {
    match args.command {
        DlqCommand::List(args) => list(args),
        DlqCommand::Show(args) => show::show(args),
        DlqCommand::Redrive(args) => redrive::redrive(args),
    }
}

fn list(args: DlqListArgs) -> Result<(), Failure> {
    let Place { source, name, position } = place(args.results, &args.topics)?;
    let text = format!(
        "SELECT kind, rule, reason, count(*) AS letters, min(position) AS first_position, max(position) AS last_position \
         FROM (SELECT kind, rule, {position} AS position, {PATTERN} AS reason FROM dead_letters) \
         GROUP BY kind, rule, reason ORDER BY letters DESC, kind, rule, reason"
    );
    let (format, limits) = match (args.format, stdout().is_terminal()) {
        (DlqFormat::Json, _) => (OutputFormat::Json, TableLimits::FILE),
        (DlqFormat::Text, true) => (OutputFormat::Table, TableLimits { letters: LETTERS_MAX, ..TableLimits::TERMINAL }),
        (DlqFormat::Text, false) => (OutputFormat::Table, TableLimits::FILE),
    };
    let listed = sql::block_on(async {
        let session = ask::open(&source, &QueryOptions::default()).await?;
        if args.format == DlqFormat::Text {
            let letters = count(&session).await?;
            writeln!(stdout(), "{letters} dead letters in {name}").map_err(StoreError::Output)?;
            if letters == 0 {
                return Ok(());
            }
        }
        let printed = store::print(session.sql(&text).await?, format, limits, &mut stdout()).await?;
        if let Some(note) = printed.note {
            tracing::warn!("{note}");
        }
        Ok(())
    });
    ended(listed)
}

/// Where dead letters are looked for.
struct Place {
    source: Source,
    /// What messages call it.
    name: String,
    /// The column that says where in its input a letter stood.
    position: &'static str,
}

/// Topics, the folder that was named, or the one that was written last.
fn place(named: Option<PathBuf>, topics: &TopicsOfArgs) -> Result<Place, Failure> {
    if let Some(source) = on_kafka::tables(topics)? {
        return Ok(Place { source, name: "the topic".to_owned(), position: "\"offset\"" });
    }
    let folders = results::folders(named.into_iter().collect())?;
    let folder = folders.into_iter().next();
    let folder = folder.ok_or_else(|| Failure::configuration("name a folder of results with --results"))?;
    let name = folder.display().to_string();
    Ok(Place { source: Source::Results(vec![folder]), name, position: "position" })
}

async fn count(session: &Session) -> Result<i64, StoreError> {
    let mut answer = session.sql("SELECT count(*) FROM dead_letters").await?;
    let rows = answer.next().await?;
    Ok(rows.map_or(0, |rows| rows.column(0).as_primitive::<Int64Type>().value(0)))
}

/// How a command that only prints ends: whoever stopped reading has seen enough.
fn ended(done: Result<Result<(), AskError>, StoreError>) -> Result<(), Failure> {
    match done.map_err(AskError::from).and_then(|done| done) {
        Err(AskError::Store(StoreError::Output(error))) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(ask_failure),
    }
}
