//! `beamline quality`: what the data of results are like, and whether that is what was expected.

use std::{
    io::{Write, stdout},
    time::{SystemTime, UNIX_EPOCH},
};

use arrow::{
    array::{Array, AsArray},
    datatypes::{DataType, Int64Type},
    util::display::array_value_to_string,
};
use serde_json::{Value, json};
use stage::Ledger;
use store::{Manifest, QueryOptions, Results, Session, Table, query as sql};
use stream::{Expect, ExpectColumn, Stream};

use super::query::failure;
use crate::{
    Failure,
    cli::{QualityArgs, QualityFormat},
    results::RESULTS,
};

/// One thing that was looked at.
struct Finding {
    /// What it is of: a rule, a column, the stream.
    of: String,
    /// What was measured.
    measure: &'static str,
    value: Value,
    /// What is allowed, where anything is said about it, and whether the value is.
    allowed: Option<(String, bool)>,
}

pub(crate) fn quality(args: QualityArgs) -> Result<(), Failure> {
    let stream = service::load_stream(&args.stream)?;
    let folder = args.results.unwrap_or_else(|| std::path::Path::new(RESULTS).join(stream.name()));
    let results = Results::new(folder);
    let missing = || Failure::configuration(format!("there are no results in {}", results.root().display()));
    let manifest = results.manifest().map_err(failure)?.ok_or_else(missing)?;
    let findings = sql::block_on(look(&stream, &results, &manifest)).map_err(failure)??;
    let report = as_json(&stream, &manifest, &findings);
    let mut text = serde_json::to_vec_pretty(&report).map_err(Failure::run_time)?;
    text.push(b'\n');
    store::write_atomic(&results.reports().join("quality.json"), &text).map_err(failure)?;
    match args.format {
        QualityFormat::Json => stdout().write_all(&text).map_err(Failure::run_time)?,
        QualityFormat::Table => print(&findings).map_err(Failure::run_time)?,
    }
    match findings.iter().filter(|finding| finding.fails()).count() {
        0 => Ok(()),
        1 => Err(Failure::run_time("the data is not as expected in one thing")),
        count => Err(Failure::run_time(format!("the data is not as expected in {count} things"))),
    }
}

impl Finding {
    fn fails(&self) -> bool {
        self.allowed.as_ref().is_some_and(|(_, fits)| !fits)
    }

    /// A share, of which at most some is allowed.
    fn share(of: &str, measure: &'static str, count: u64, all: u64, most: Option<f64>) -> Self {
        let share = if all == 0 { 0.0 } else { count as f64 / all as f64 };
        let allowed = most.map(|most| (format!("at most {most}"), share <= most));
        Self { of: of.to_owned(), measure, value: json!(share), allowed }
    }
}

async fn look(stream: &Stream, results: &Results, manifest: &Manifest) -> Result<Vec<Finding>, Failure> {
    let ledger: Ledger = serde_json::from_value(manifest.ledger.clone()).map_err(Failure::run_time)?;
    let spec = &stream.definition.spec;
    let expect = spec.expect.clone().unwrap_or_default();
    let mut findings = vec![
        Finding::share("stream", "dead letters", ledger.dead_lettered, ledger.records, expect.dead_letters),
        Finding::share("stream", "late", ledger.late, ledger.records, expect.late),
    ];
    for rule in &spec.quality {
        let failed = ledger.dead_letter_rules.get(&rule.name).copied().unwrap_or(0);
        findings.push(Finding::share(&rule.name, "failing", failed, ledger.records, rule.max_failing));
    }
    let session = sql::open(&[results.root()], &QueryOptions::default()).await.map_err(failure)?;
    findings.push(freshness(&session, stream, &expect).await?);
    for field in manifest.schema(Table::ProcessedData).iter().flat_map(|schema| schema.fields()) {
        let expected = expect.columns.get(field.name()).cloned().unwrap_or_default();
        if !field.data_type().is_nested() {
            findings.extend(column(&session, field.name(), field.data_type(), &expected).await?);
        }
    }
    Ok(findings)
}

/// How old the latest event is.
async fn freshness(session: &Session, stream: &Stream, expect: &Expect) -> Result<Finding, Failure> {
    let time = quoted(&stream.definition.spec.time);
    let latest = format!("SELECT CAST(CAST(max({time}) AS TIMESTAMP) AS BIGINT) FROM processed_data");
    let latest = one(session, &latest).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i64;
    let latest = latest.column(0).as_primitive_opt::<Int64Type>().filter(|latest| latest.is_valid(0));
    // DataFusion's TIMESTAMP counts nanoseconds.
    let age = latest.map(|latest| (now - latest.value(0)) as f64 / 1e9);
    let allowed = expect.freshness.map(|most| {
        let most = most.0.as_secs_f64();
        (format!("at most {most} s"), age.is_some_and(|age| age <= most))
    });
    Ok(Finding { of: "stream".to_owned(), measure: "age of the latest event, s", value: json!(age), allowed })
}

async fn column(
    session: &Session,
    name: &str,
    data_type: &DataType,
    expected: &ExpectColumn,
) -> Result<Vec<Finding>, Failure> {
    let column = quoted(name);
    // Distinct values are counted by their text, which every type has.
    let query = format!(
        "SELECT count(*), count(*) - count({column}), CAST(approx_distinct(CAST({column} AS VARCHAR)) AS BIGINT), \
         min({column}), max({column}) FROM processed_data"
    );
    let row = one(session, &query).await?;
    let number = |index: usize| row.column(index).as_primitive::<Int64Type>().value(0) as u64;
    let (rows, nulls, distinct) = (number(0), number(1), number(2));
    let mut findings = vec![Finding::share(name, "nulls", nulls, rows, expected.nulls)];
    let (least, most) = (expected.distinct_min.unwrap_or(0), expected.distinct_max.unwrap_or(u64::MAX));
    let bounded = expected.distinct_min.is_some() || expected.distinct_max.is_some();
    let allowed =
        bounded.then(|| (range(expected.distinct_min, expected.distinct_max), (least..=most).contains(&distinct)));
    findings.push(Finding { of: name.to_owned(), measure: "distinct", value: json!(distinct), allowed });
    for (index, measure, bound) in [(3, "least", expected.min), (4, "most", expected.max)] {
        let text = array_value_to_string(row.column(index), 0).map_err(Failure::run_time)?;
        let value = text.parse::<f64>().ok().filter(|_| data_type.is_numeric());
        let fits = |bound: f64| value.is_none_or(|value| if index == 3 { value >= bound } else { value <= bound });
        let allowed = bound.map(|bound| {
            let words = if index == 3 { "at least" } else { "at most" };
            (format!("{words} {bound}"), fits(bound))
        });
        let value = value.map_or(json!(text), |value| json!(value));
        findings.push(Finding { of: name.to_owned(), measure, value, allowed });
    }
    Ok(findings)
}

fn range(least: Option<u64>, most: Option<u64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, most) => format!("at most {}", most.unwrap_or(u64::MAX)),
    }
}

async fn one(session: &Session, query: &str) -> Result<arrow::array::RecordBatch, Failure> {
    let mut answer = session.sql(query).await.map_err(failure)?;
    answer.next().await.map_err(failure)?.ok_or_else(|| Failure::run_time("a question has no answer"))
}

fn as_json(stream: &Stream, manifest: &Manifest, findings: &[Finding]) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "of": finding.of,
            "measure": finding.measure,
            "value": finding.value,
            "allowed": finding.allowed.as_ref().map(|(allowed, _)| allowed),
            "good": !finding.fails(),
        })
    };
    json!({
        "stream": stream.name(),
        "position": manifest.position,
        "good": !findings.iter().any(Finding::fails),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn print(findings: &[Finding]) -> std::io::Result<()> {
    let mut out = stdout().lock();
    let width = findings.iter().map(|finding| finding.of.chars().count()).max().unwrap_or(0);
    for finding in findings {
        let verdict = match &finding.allowed {
            None => "    ",
            Some((_, true)) => "ok  ",
            Some((_, false)) => "FAIL",
        };
        let allowed = finding.allowed.as_ref().map(|(allowed, _)| format!(" ({allowed})")).unwrap_or_default();
        let value = finding.value.as_str().map_or_else(|| finding.value.to_string(), str::to_owned);
        writeln!(out, "  {verdict}  {:width$}  {}: {value}{allowed}", finding.of, finding.measure)?;
    }
    Ok(())
}

fn quoted(column: &str) -> String {
    format!("\"{}\"", column.replace('"', "\"\""))
}
