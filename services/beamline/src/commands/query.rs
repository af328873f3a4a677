//! `beamline query`: SQL over results.

use std::io::{ErrorKind, IsTerminal, Read, stdin, stdout};

use ask::{AskError, Source};
use store::{OutputFormat, QueryOptions, StoreError, TableLimits, query as sql};

use crate::{
    Failure,
    cli::{QueryArgs, QueryFormat},
    cql_settings, on_kafka, results,
};

pub(crate) fn query(args: QueryArgs) -> Result<(), Failure> {
    let terminal = stdout().is_terminal();
    let binary = match args.format {
        QueryFormat::Parquet => Some(("Parquet", "parquet")),
        QueryFormat::Orc => Some(("ORC", "orc")),
        QueryFormat::Table | QueryFormat::Csv | QueryFormat::Json => None,
    };
    if let Some((name, ending)) = binary.filter(|_| terminal) {
        return Err(Failure::configuration(format!(
            "{name} is not for terminals; redirect it: `beamline query ... > rows.{ending}`"
        )));
    }
    let text = match args.sql.as_str() {
        "-" => {
            let mut text = String::new();
            stdin().read_to_string(&mut text).map_err(Failure::run_time)?;
            text
        }
        text => text.to_owned(),
    };
    let source = source(&args)?;
    let options = QueryOptions {
        rows_max: args.limit.filter(|rows| *rows > 0),
        memory_bytes_max: usize::try_from(args.memory << 20).unwrap_or(usize::MAX),
        ..QueryOptions::default()
    };
    let limits = match (terminal, args.limit) {
        (true, None) => TableLimits::TERMINAL,
        (true, Some(_)) => TableLimits { rows: TableLimits::FILE.rows, ..TableLimits::TERMINAL },
        (false, _) => TableLimits::FILE,
    };
    let asked = sql::block_on(async {
        let session = ask::open(&source, &options).await?;
        let answer = session.sql(&text).await?;
        Ok::<_, AskError>(store::print(answer, format(args.format), limits, &mut stdout()).await?)
    });
    match asked.map_err(AskError::from).and_then(|printed| printed) {
        Ok(printed) => {
            if let Some(note) = printed.note {
                tracing::warn!("{note}");
            }
            Ok(())
        }
        // Whoever reads has seen enough.
        Err(AskError::Store(StoreError::Output(error))) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(ask_failure(error)),
    }
}

pub(crate) fn ask_failure(error: AskError) -> Failure {
    match error {
        AskError::Store(error) => failure(error),
        AskError::Cql(error) => cql_settings::failure(error),
        AskError::NoTopic { .. } => Failure::configuration(error),
        error => Failure::run_time(error),
    }
}

/// Which store the command line speaks of: the one it names, or else folders of results.
fn source(args: &QueryArgs) -> Result<Source, Failure> {
    if let Some(lake) = &args.lake {
        return Ok(Source::Lake(lake::Location::parse(lake).map_err(Failure::configuration)?));
    }
    if let Some(source) = on_kafka::tables(&args.topics)? {
        return Ok(source);
    }
    if !args.cql.nodes.is_empty() {
        return Ok(Source::Cql {
            settings: cql_settings::settings(&args.cql)?,
            full_scan: args.full_scan,
            stream: None,
        });
    }
    Ok(Source::Results(results::folders(args.results.clone())?))
}

/// What a person can mend is a configuration error; anything else went wrong at run time.
pub(crate) fn failure(error: StoreError) -> Failure {
    match &error {
        StoreError::Query { .. } | StoreError::NoQuery { .. } | StoreError::NoResults { .. } => {
            Failure::configuration(error)
        }
        _ => Failure::run_time(error),
    }
}

fn format(format: QueryFormat) -> OutputFormat {
    match format {
        QueryFormat::Table => OutputFormat::Table,
        QueryFormat::Csv => OutputFormat::Csv,
        QueryFormat::Json => OutputFormat::Json,
        QueryFormat::Parquet => OutputFormat::Parquet,
        QueryFormat::Orc => OutputFormat::Orc,
    }
}
