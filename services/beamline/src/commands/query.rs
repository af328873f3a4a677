//! `beamline query`: SQL over results.

use std::io::{ErrorKind, IsTerminal, Read, stdin, stdout};

use store::{OutputFormat, QueryOptions, StoreError, TableLimits, query as sql};

use crate::{
    Failure,
    cli::{QueryArgs, QueryFormat},
    results,
};

pub(crate) fn query(args: QueryArgs) -> Result<(), Failure> {
    let terminal = stdout().is_terminal();
    if args.format == QueryFormat::Parquet && terminal {
        return Err(Failure::configuration(
            "Parquet is not for terminals; redirect it: `beamline query ... > rows.parquet`",
        ));
    }
    let text = match args.sql.as_str() {
        "-" => {
            let mut text = String::new();
            stdin().read_to_string(&mut text).map_err(Failure::run_time)?;
            text
        }
        text => text.to_owned(),
    };
    let folders = results::folders(args.results)?;
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
        let answer = sql::open(&folders, &options).await?.sql(&text).await?;
        store::print(answer, format(args.format), limits, &mut stdout()).await
    });
    match asked.and_then(|printed| printed) {
        Ok(printed) => {
            if let Some(note) = printed.note {
                tracing::warn!("{note}");
            }
            Ok(())
        }
        // Whoever reads has seen enough.
        Err(StoreError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(failure(error)),
    }
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
    }
}
