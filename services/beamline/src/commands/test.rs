//! `beamline test`: the cases of streams, and in what they and their streams disagree.

mod first;
mod show;

use std::{
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    sync::Arc,
};

use cases::{Case, CaseFile, Difference, Share};
use service::load_stream;
use source::Router;
use stream::Stream;

pub(crate) use self::first::write_first;
use self::show::Show;
use crate::{Failure, cli::TestArgs};

pub(crate) fn test(args: TestArgs) -> Result<(), Failure> {
    let mut out = stdout().lock();
    if args.json_schema {
        return writeln!(out, "{}", stream::document_schema::<CaseFile>()).map_err(Failure::run_time);
    }
    if args.write {
        for path in args.streams.iter().filter(|path| !cases_of(path).exists()) {
            let written = write_first(path, false)?;
            writeln!(out, "wrote {}", written.display()).map_err(Failure::run_time)?;
        }
    }
    let show = Show::new(args.color);
    let only = args.only.as_deref().unwrap_or_default();
    let (mut run, mut failed, mut failures) = (0, 0, Vec::new());
    // A definition is often named by a pattern that fits its cases too.
    for path in args.streams.iter().filter(|path| !is_cases(path)) {
        match test_stream(path, only, &show, &mut out) {
            Ok(counts) => (run, failed) = (run + counts.0, failed + counts.1),
            Err(failure) => failures.push(failure),
        }
    }
    match run {
        0 if failures.is_empty() => {
            return Err(Failure::configuration(format!("no case has `{only}` in its name")));
        }
        0 => {}
        _ => writeln!(out, "{} of {run} cases passed", run - failed).map_err(Failure::run_time)?,
    }
    if failed > 0 {
        failures.push(Failure::run_time(format!("{failed} of {run} cases disagree with their streams")));
    }
    Failure::all(failures)
}

/// Where the cases of a definition are.
pub(crate) fn cases_of(definition: &Path) -> PathBuf {
    definition.with_extension("test.yaml")
}

/// Whether a file has cases, by its name.
pub(crate) fn is_cases(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".test.yaml")
}

/// Reads and checks a file of cases.
pub(crate) fn read_cases(path: &Path) -> Result<CaseFile, Failure> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::configuration(format!("cannot read the cases {name}: {error}")))?;
    CaseFile::read(&name, &text).map_err(Failure::configuration)
}

/// Runs the cases of one stream. Gives how many there are, and how many of them disagree.
fn test_stream(path: &Path, only: &str, show: &Show, out: &mut impl Write) -> Result<(usize, usize), Failure> {
    let stream = load_stream(path)?;
    let cases = cases_of(path);
    if !cases.exists() {
        let (path, cases) = (path.display(), cases.display());
        let message = format!("there is no {cases}; `beamline test {path} --write` writes a first case");
        return Err(Failure::configuration(message));
    }
    let file = read_cases(&cases)?;
    writeln!(out, "{}", path.display()).map_err(Failure::run_time)?;
    let (mut run, mut failed) = (0, 0);
    for case in file.cases.iter().filter(|case| case.name.contains(only)) {
        let differences = differences(&stream, case, file.tolerance)
            .map_err(|failure| Failure::configuration(format!("{}: {failure}", cases.display())))?;
        run += 1;
        failed += usize::from(!differences.is_empty());
        show.case(out, &case.name, &differences).map_err(Failure::run_time)?;
    }
    Ok((run, failed))
}

fn differences(stream: &Arc<Stream>, case: &Case, tolerance: f64) -> Result<Vec<Difference>, Failure> {
    let outcome = outcome(stream, case)?;
    cases::compare(case, &outcome, tolerance).map_err(Failure::configuration)
}

/// What becomes of a case's events.
fn outcome(stream: &Arc<Stream>, case: &Case) -> Result<cases::Outcome, Failure> {
    let events: Vec<_> = case.events.iter().map(|event| event.json().into()).collect();
    let records = source::decode_objects(stream.input.arrow().clone(), &events).map_err(Failure::configuration)?;
    let spec = &stream.definition.spec;
    let shares = Router::new(&spec.key, spec.partitions).route(records).map_err(Failure::configuration)?;
    let share = |share: source::Share| Share { partition: share.partition, rows: share.rows, rejected: share.rejected };
    cases::run(stream, shares.into_iter().map(share).collect()).map_err(Failure::run_time)
}
