//! `beamline verify`: whether results are whole, and whether two of them are the same.

use std::{
    io::{Write, stdout},
    path::Path,
};

use arrow::{
    array::AsArray,
    datatypes::{Int64Type, SchemaRef},
    util::display::array_value_to_string,
};
use service::load_stream;
use stage::Ledger;
use store::{Manifest, QueryOptions, Results, Session, Table, query as sql};

use super::{
    query::{ask_failure, failure},
    replay_on_kafka,
};
use crate::{
    Failure,
    cli::VerifyArgs,
    on_kafka::{self, Servers},
};

/// How many differing rows are shown.
const SHOWN_MAX: usize = 10;

pub(crate) fn verify(args: VerifyArgs) -> Result<(), Failure> {
    match on_kafka::connect(&args.on_kafka)? {
        Some(servers) => sql::block_on(replayed(args, servers)).map_err(failure)?,
        None => sql::block_on(run(args)).map_err(failure)?,
    }
}

/// Whether a replay of a stream made the same events as the stream has on its own topics.
async fn replayed(args: VerifyArgs, servers: Servers) -> Result<(), Failure> {
    let live = load_stream(&args.results)?;
    let other = args.other.as_deref().map(load_stream).transpose()?.unwrap_or_else(|| live.clone());
    let (topics, into) = (live.topics(), replay_on_kafka::topics(&other, &args.replayed));
    let taken_in = replay_on_kafka::taken_in(&args.replayed);
    let mut checks = Checks::default();
    checks.note(format!("{} against {}", topics.scored, into.scored))?;
    let (a, b) = (table_of(&topics.raw), table_of(&into.raw));
    let sides =
        vec![servers.tables(live.clone(), topics, taken_in.clone()), servers.tables(other.clone(), into, taken_in)];
    let session = ask::open(&ask::Source::Kafka(sides), &QueryOptions::default()).await.map_err(ask_failure)?;
    let common = common(&mut checks, Table::ProcessedData, &live.scored, &other.scored)?;
    compare(&mut checks, &session, &a, &b, &live.definition.spec.id, &common).await?;
    checks.verdict()
}

/// What a stream's processed data is called beside another's.
fn table_of(stream: &str) -> String {
    format!("{}.processed_data", stream.replace('-', "_"))
}

/// The columns that both sides have; a failed check where one has others.
fn common(checks: &mut Checks, table: Table, a: &SchemaRef, b: &SchemaRef) -> Result<Vec<String>, Failure> {
    let columns = |schema: &SchemaRef| schema.fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
    let common: Vec<String> = columns(a).into_iter().filter(|name| columns(b).contains(name)).collect();
    let alone: Vec<String> = columns(a).into_iter().chain(columns(b)).filter(|name| !common.contains(name)).collect();
    if !alone.is_empty() {
        checks.check(false, format!("{table}: columns of one side only: {}", alone.join(", ")))?;
    }
    Ok(common)
}

async fn run(args: VerifyArgs) -> Result<(), Failure> {
    let mut checks = Checks::default();
    for folder in [Some(&args.results), args.other.as_ref()].into_iter().flatten() {
        let manifest = manifest(folder)?;
        checks.note(format!(
            "{}: stream `{}`, {} records committed",
            folder.display(),
            manifest.stream,
            manifest.position
        ))?;
        let session = sql::open(&[folder], &QueryOptions::default()).await.map_err(failure)?;
        whole(&mut checks, &session, &manifest).await?;
    }
    if let Some(other) = &args.other {
        same(&mut checks, &args.results, other).await?;
    }
    checks.verdict()
}

fn manifest(folder: &Path) -> Result<Manifest, Failure> {
    let manifest = Results::new(folder).manifest().map_err(failure)?;
    manifest.ok_or_else(|| Failure::configuration(format!("there are no results in {}", folder.display())))
}

/// The checks so far.
#[derive(Default)]
struct Checks {
    failed: u32,
}

impl Checks {
    fn note(&mut self, text: String) -> Result<(), Failure> {
        writeln!(stdout(), "{text}").map_err(Failure::run_time)
    }

    fn check(&mut self, good: bool, text: String) -> Result<(), Failure> {
        self.failed += u32::from(!good);
        self.note(format!("  {}  {text}", if good { "ok  " } else { "FAIL" }))
    }

    fn verdict(self) -> Result<(), Failure> {
        match self.failed {
            0 => Ok(()),
            1 => Err(Failure::run_time("a check failed")),
            failed => Err(Failure::run_time(format!("{failed} checks failed"))),
        }
    }
}

/// Every record accounted for, the files as the ledger says, and every id once.
async fn whole(checks: &mut Checks, session: &Session, manifest: &Manifest) -> Result<(), Failure> {
    let ledger: Ledger = serde_json::from_value(manifest.ledger.clone()).map_err(Failure::run_time)?;
    checks.check(
        ledger.balances() && ledger.records == manifest.position,
        format!(
            "ledger: {} in = {} out + {} filtered + {} dead-lettered + {} late",
            ledger.records, ledger.out, ledger.filtered, ledger.dead_lettered, ledger.late
        ),
    )?;
    let counts = [
        (Table::ProcessedData, ledger.out + ledger.late),
        (Table::Anomalies, ledger.anomalies + ledger.silences),
        (Table::DeadLetters, ledger.dead_lettered),
        (Table::Late, ledger.late),
    ];
    for (table, wanted) in counts.into_iter().filter(|(table, _)| manifest.schemas.contains_key(table)) {
        // An event may be too late for several aggregates.
        let counted = if table == Table::Late { format!("DISTINCT {}", quoted(&manifest.id)) } else { "*".to_owned() };
        let found = number(session, &format!("SELECT count({counted}) FROM {table}")).await?;
        let dropped = manifest.dropped_rows(table);
        let good = match table {
            // How many events the dropped rows were of is not known.
            Table::Late if dropped > 0 => found <= wanted && wanted <= found + dropped,
            _ => found + dropped == wanted,
        };
        let kept = if dropped > 0 { format!(" and {dropped} dropped by retention") } else { String::new() };
        checks.check(good, format!("{table}: {found} rows stored{kept}, {wanted} in the ledger"))?;
    }
    let id = quoted(&manifest.id);
    let repeated = number(
        session,
        &format!("SELECT count(*) FROM (SELECT {id} FROM processed_data GROUP BY {id} HAVING count(*) > 1)"),
    )
    .await?;
    checks.check(repeated == 0, format!("ids: {repeated} values of `{}` stand more than once", manifest.id))
}

/// Whether two results have the same rows, whatever files they are in.
async fn same(checks: &mut Checks, one: &Path, other: &Path) -> Result<(), Failure> {
    let (manifest_a, manifest_b) = (manifest(one)?, manifest(other)?);
    checks.note(format!("{} against {}", one.display(), other.display()))?;
    let session = sql::open(&[one, other], &QueryOptions::default()).await.map_err(failure)?;
    let name = manifest_a.stream.replace('-', "_");
    let other_name = manifest_b.stream.replace('-', "_");
    let other_name = if name == other_name { format!("{name}_2") } else { other_name };
    for (table, id) in [(Table::ProcessedData, manifest_a.id.as_str()), (Table::DeadLetters, "position")] {
        let (a, b) = (manifest_a.schema(table), manifest_b.schema(table));
        let (Some(a), Some(b)) = (a, b) else { continue };
        let common = common(checks, table, &a, &b)?;
        compare(checks, &session, &format!("{name}.{table}"), &format!("{other_name}.{table}"), id, &common).await?;
    }
    if manifest_a.schemas.get(&Table::Aggregates).is_some_and(|a| manifest_b.schemas.get(&Table::Aggregates) == Some(a))
    {
        same_aggregates(checks, &session, &format!("{name}.aggregates"), &format!("{other_name}.aggregates")).await?;
    }
    Ok(())
}

/// Whether two tables of results of windows have the same rows: they have no id, and no row twice.
async fn same_aggregates(checks: &mut Checks, session: &Session, a: &str, b: &str) -> Result<(), Failure> {
    let alone =
        |one: &str, other: &str| format!("SELECT count(*) FROM (SELECT * FROM {one} EXCEPT SELECT * FROM {other})");
    let (only_a, only_b) = (number(session, &alone(a, b)).await?, number(session, &alone(b, a)).await?);
    let text = format!("{a} and {b}: {only_a} rows only in the first, {only_b} only in the second");
    checks.check(only_a + only_b == 0, text)
}

async fn compare(
    checks: &mut Checks,
    session: &Session,
    a: &str,
    b: &str,
    id: &str,
    columns: &[String],
) -> Result<(), Failure> {
    let key = quoted(id);
    let differs: Vec<String> = columns
        .iter()
        .filter(|column| *column != id)
        .map(|column| format!("(a.{0} IS DISTINCT FROM b.{0})", quoted(column)))
        .collect();
    let differs = if differs.is_empty() { "false".to_owned() } else { differs.join(" OR ") };
    let from = format!(
        "FROM {a} a FULL JOIN {b} b ON a.{key} = b.{key} WHERE a.{key} IS NULL OR b.{key} IS NULL OR {differs}"
    );
    let count = number(session, &format!("SELECT count(*) {from}")).await?;
    checks.check(count == 0, format!("{a} and {b}: {count} rows differ"))?;
    if count == 0 {
        return Ok(());
    }
    let names: Vec<String> = columns
        .iter()
        .filter(|column| *column != id)
        .map(|column| {
            format!(
                "CASE WHEN a.{0} IS DISTINCT FROM b.{0} THEN ' {1}' ELSE '' END",
                quoted(column),
                column.replace('\'', "''")
            )
        })
        .collect();
    let names = if names.is_empty() { "''".to_owned() } else { format!("concat({})", names.join(", ")) };
    let shown = format!(
        "SELECT coalesce(a.{key}, b.{key}), CASE WHEN a.{key} IS NULL THEN ' only in the second' \
         WHEN b.{key} IS NULL THEN ' only in the first' ELSE {names} END {from} ORDER BY 1 LIMIT {SHOWN_MAX}"
    );
    let mut answer = session.sql(&shown).await.map_err(failure)?;
    while let Some(rows) = answer.next().await.map_err(failure)? {
        for row in 0..rows.num_rows() {
            let text = |column: usize| array_value_to_string(rows.column(column), row).map_err(Failure::run_time);
            checks.note(format!("          {id} {}:{}", text(0)?, text(1)?))?;
        }
    }
    Ok(())
}

async fn number(session: &Session, query: &str) -> Result<u64, Failure> {
    let mut answer = session.sql(query).await.map_err(failure)?;
    match answer.next().await.map_err(failure)? {
        Some(rows) if rows.num_rows() == 1 => Ok(rows.column(0).as_primitive::<Int64Type>().value(0) as u64),
        _ => Err(Failure::run_time("a count has no answer")),
    }
}

fn quoted(column: &str) -> String {
    format!("\"{}\"", column.replace('"', "\"\""))
}
