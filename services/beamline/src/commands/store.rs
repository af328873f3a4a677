//! `beamline store`: the tables of a stream in a CQL store, and the files of a lake.

mod compact;

use std::io::{Write, stdout};

use stream::Stream;

use crate::{
    Failure,
    cli::{StoreArgs, StoreCommand, StoreTablesArgs},
    cql_settings::{failure, settings},
};

pub(crate) fn store(args: StoreArgs) -> Result<(), Failure> {
    match args.command {
        StoreCommand::Plan(args) => {
            let (settings, layouts) = prepare(&args)?;
            let plan = run(cql::plan(&settings, &layouts))?;
            print(&plan)
        }
        StoreCommand::Apply(args) => {
            let (settings, layouts) = prepare(&args)?;
            let plan = run(cql::apply(&settings, &layouts))?;
            for change in &plan.changes {
                tracing::info!(why = %change.why, "done");
            }
            plan.notes.iter().for_each(|note| tracing::info!("{note}"));
            tracing::info!(keyspace = %settings.keyspace, changes = plan.changes.len(), "the store has the stream's tables");
            Ok(())
        }
        StoreCommand::Check(args) => {
            let (settings, layouts) = prepare(&args)?;
            let plan = run(cql::plan(&settings, &layouts))?;
            print(&plan)?;
            match plan.changes.is_empty() && plan.refusals.is_empty() {
                true => Ok(()),
                false => Err(Failure::run_time("the store is not as the stream needs it; run `beamline store apply`")),
            }
        }
        StoreCommand::Compact(args) => compact::compact(&args),
    }
}

fn prepare(args: &StoreTablesArgs) -> Result<(cql::Settings, Vec<cql::Layout>), Failure> {
    let stream = service::load_stream(&args.stream)?;
    let settings = settings(&args.cql)?;
    Ok((settings, layouts(&stream)?))
}

/// How the tables of a stream lie in a CQL store.
pub(super) fn layouts(stream: &Stream) -> Result<Vec<cql::Layout>, Failure> {
    let dead_letters = kafka::dead_letters_schema().map_err(Failure::run_time)?;
    cql::Layout::of(stream, dead_letters.arrow()).map_err(failure)
}

pub(super) fn run<T>(task: impl Future<Output = Result<T, cql::CqlError>>) -> Result<T, Failure> {
    store::query::block_on(task).map_err(Failure::run_time)?.map_err(failure)
}

/// The plan as CQL that could be run by hand, with the reasons as comments.
fn print(plan: &cql::Plan) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let mut lines = Vec::new();
    lines.extend(plan.refusals.iter().map(|refusal| format!("-- refused: {refusal}")));
    lines.extend(plan.notes.iter().map(|note| format!("-- note: {note}")));
    lines.extend(plan.changes.iter().map(|change| format!("-- {}\n{};", change.why, change.statement)));
    if lines.is_empty() {
        lines.push("-- nothing is left to do".to_owned());
    }
    writeln!(out, "{}", lines.join("\n")).map_err(Failure::run_time)
}
