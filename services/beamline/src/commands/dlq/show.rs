//! `beamline dlq show`: dead letters one by one.

use std::io::{self, BufWriter, Write, stdout};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::{DataType, Int32Type, Int64Type},
};
use ask::{AskError, Source};
use clap::ValueEnum;
use serde_json::json;
use store::{QueryOptions, StoreError, query as sql};

use super::{
    Place, ended, payload, place,
    whole::{self, Payload, Wholes},
};
use crate::{
    Failure,
    cli::{DeadLetterKind, DlqFormat, DlqShowArgs},
    commands::query::ask_failure,
};

/// How many letters text shows where nobody says.
const SHOWN: u64 = 20;

/// How a letter is printed.
#[derive(Clone, Copy)]
enum Look {
    Text,
    Json,
    Payload,
}

/// Which letters are wanted.
struct Wanted<'a> {
    rule: Option<&'a str>,
    kind: Option<DeadLetterKind>,
    position: Option<u64>,
}

pub(super) fn show(args: DlqShowArgs) -> Result<(), Failure> {
    let Place { source, name, position } = place(args.results.clone(), &args.topics)?;
    let look = match (args.payload, args.format) {
        (true, _) => Look::Payload,
        (false, DlqFormat::Json) => Look::Json,
        (false, DlqFormat::Text) => Look::Text,
    };
    let limit = match (args.limit, look) {
        (Some(0), _) | (None, Look::Json | Look::Payload) => None,
        (Some(limit), _) => Some(limit),
        (None, Look::Text) => Some(SHOWN),
    };
    let options = QueryOptions { rows_max: limit, ..QueryOptions::default() };
    let mut wholes = Wholes::of(&source).map_err(ask_failure)?;
    let wanted = Wanted { rule: args.rule.as_deref(), kind: args.kind, position: args.position };
    let text = query(&wanted, position, wholes.is_some(), limit);
    let mut gone = 0;
    let shown = sql::block_on(async {
        let mut answer = ask::open(&source, &options).await?.sql(&text).await?;
        let mut out = BufWriter::new(stdout());
        let mut letters = 0;
        while let Some(rows) = answer.next().await? {
            letters += rows.num_rows();
            let payloads = complete(&rows, &mut wholes)?;
            gone += payloads.iter().filter(|payload| payload.gone.is_some()).count();
            print(&mut out, look, &rows, &payloads).map_err(StoreError::Output)?;
        }
        out.flush().map_err(StoreError::Output)?;
        match (letters, answer.truncated()) {
            (0, _) => tracing::warn!("{name} has no such dead letter"),
            (_, true) => tracing::warn!("the first {letters} are shown, there are more: --limit 0 shows all"),
            _ => {}
        }
        Ok(())
    });
    ended(shown)?;
    match gone {
        0 => Ok(()),
        _ => Err(Failure::run_time(format!("the whole of {gone} events is gone: only their first bytes are left"))),
    }
}

/// The events of dead letters of a kind as they came, one a line.
///
/// # Errors
/// Where the whole of one of them cannot be had any more.
pub(super) fn originals(source: &Source, kind: DeadLetterKind) -> Result<Vec<u8>, Failure> {
    let mut wholes = Wholes::of(source).map_err(ask_failure)?;
    let wanted = Wanted { rule: None, kind: Some(kind), position: None };
    let text = query(&wanted, "\"offset\"", wholes.is_some(), None);
    let (mut lines, mut gone) = (Vec::new(), None);
    let asked = sql::block_on(async {
        let mut answer = ask::open(source, &QueryOptions::default()).await?.sql(&text).await?;
        while let Some(rows) = answer.next().await? {
            for payload in complete(&rows, &mut wholes)? {
                lines.extend(payload::line(&payload.bytes).into_bytes());
                lines.push(b'\n');
                gone = gone.take().or(payload.gone);
            }
        }
        Ok(())
    });
    ended(asked)?;
    match gone {
        None => Ok(lines),
        Some(reason) => Err(Failure::run_time(format!("nothing was sent: {reason}"))),
    }
}

fn query(wanted: &Wanted<'_>, column: &str, on_kafka: bool, limit: Option<u64>) -> String {
    let mut conditions = Vec::new();
    if let Some(rule) = wanted.rule {
        // A letter that failed at no rule goes by its kind, in the ledger as well.
        let rule = rule.replace('\'', "''");
        conditions.push(format!("(rule = '{rule}' OR (rule = '' AND kind = '{rule}'))"));
    }
    if let Some(kind) = wanted.kind.and_then(|kind| kind.to_possible_value()) {
        conditions.push(format!("kind = '{}'", kind.get_name()));
    }
    if let Some(position) = wanted.position {
        conditions.push(format!("{column} = {position}"));
    }
    let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
    // One more than is shown, so that it can be said that there are more.
    let limit = limit.map_or_else(String::new, |limit| format!(" LIMIT {}", limit.saturating_add(1)));
    let more = if on_kafka { whole::COLUMNS } else { "" };
    format!(
        "SELECT {column}, partition, kind, rule, reason, payload{more} FROM dead_letters WHERE {conditions} \
         ORDER BY {column}{limit}"
    )
}

/// The payloads of rows, each complete where that can be had.
fn complete(rows: &RecordBatch, wholes: &mut Option<Wholes>) -> Result<Vec<Payload>, AskError> {
    let payload = |(row, bytes): (usize, Vec<u8>)| match wholes {
        Some(wholes) => wholes.payload(rows, row, bytes),
        None => Ok(Payload::complete(bytes)),
    };
    payloads(rows.column(5)).into_iter().enumerate().map(payload).collect()
}

fn print(out: &mut impl Write, look: Look, rows: &RecordBatch, payloads: &[Payload]) -> io::Result<()> {
    let (positions, partitions) =
        (rows.column(0).as_primitive::<Int64Type>(), rows.column(1).as_primitive::<Int32Type>());
    let text = |column: usize, row: usize| -> &str {
        let column = rows.column(column).as_string::<i32>();
        if column.is_null(row) { "" } else { column.value(row) }
    };
    for (row, Payload { bytes, size, gone }) in payloads.iter().enumerate() {
        let (position, partition) = (positions.value(row), partitions.value(row));
        let (kind, rule, reason) = (text(2, row), text(3, row), text(4, row));
        match look {
            // A script must not take the head for the whole.
            Look::Payload if gone.is_some() => {}
            Look::Payload => writeln!(out, "{}", payload::line(bytes))?,
            Look::Json => {
                let (name, value) = match std::str::from_utf8(bytes) {
                    Ok(text) => ("payload", text.to_owned()),
                    Err(_) => ("payload_hex", payload::hex(bytes)),
                };
                let mut letter = json!({
                    "position": position, "partition": partition, "kind": kind, "rule": rule, "reason": reason,
                    name: value,
                });
                if let Some(size) = size {
                    letter["size"] = json!(size);
                }
                if let Some(gone) = gone {
                    letter["gone"] = json!(gone);
                }
                writeln!(out, "{letter}")?;
            }
            Look::Text => {
                let rule = if rule.is_empty() { String::new() } else { format!("  rule {rule}") };
                writeln!(out, "position {position}  partition {partition}  kind {kind}{rule}")?;
                writeln!(out, "  reason   {reason}")?;
                if let (Some(size), Some(gone)) = (size, gone) {
                    writeln!(out, "  size     {size}, of which the first {} are left: {gone}", bytes.len())?;
                }
                writeln!(out, "  payload  {}", payload::line(bytes))?;
            }
        }
    }
    Ok(())
}

/// The payloads of a column: bytes, or hexadecimal text where the results are CSV.
fn payloads(column: &ArrayRef) -> Vec<Vec<u8>> {
    match column.data_type() {
        DataType::Binary => column.as_binary::<i32>().iter().map(|bytes| bytes.unwrap_or_default().to_vec()).collect(),
        _ => column.as_string::<i32>().iter().map(|text| payload::from_hex(text.unwrap_or_default())).collect(),
    }
}
