//! `beamline dlq show`: dead letters one by one.

use std::io::{self, BufWriter, Write, stdout};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::{DataType, Int32Type, Int64Type},
};
use clap::ValueEnum;
use serde_json::json;
use store::{QueryOptions, StoreError, query as sql};

use super::{Place, ended, payload, place};
use crate::{
    Failure,
    cli::{DlqFormat, DlqShowArgs},
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
    let text = query(&args, position, limit);
    let shown = sql::block_on(async {
        let mut answer = ask::open(&source, &options).await?.sql(&text).await?;
        let mut out = BufWriter::new(stdout());
        let mut letters = 0;
        while let Some(rows) = answer.next().await? {
            letters += rows.num_rows();
            print(&mut out, look, &rows).map_err(StoreError::Output)?;
        }
        out.flush().map_err(StoreError::Output)?;
        match (letters, answer.truncated()) {
            (0, _) => tracing::warn!("{name} has no such dead letter"),
            (_, true) => tracing::warn!("the first {letters} are shown, there are more: --limit 0 shows all"),
            _ => {}
        }
        Ok(())
    });
    ended(shown)
}

fn query(args: &DlqShowArgs, column: &str, limit: Option<u64>) -> String {
    let mut conditions = Vec::new();
    if let Some(rule) = &args.rule {
        // A letter that failed at no rule goes by its kind, in the ledger as well.
        let rule = rule.replace('\'', "''");
        conditions.push(format!("(rule = '{rule}' OR (rule = '' AND kind = '{rule}'))"));
    }
    if let Some(kind) = args.kind.and_then(|kind| kind.to_possible_value()) {
        conditions.push(format!("kind = '{}'", kind.get_name()));
    }
    if let Some(position) = args.position {
        conditions.push(format!("{column} = {position}"));
    }
    let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
    // One more than is shown, so that it can be said that there are more.
    let limit = limit.map_or_else(String::new, |limit| format!(" LIMIT {}", limit.saturating_add(1)));
    format!(
        "SELECT {column}, partition, kind, rule, reason, payload FROM dead_letters WHERE {conditions} \
         ORDER BY {column}{limit}"
    )
}

fn print(out: &mut impl Write, look: Look, rows: &RecordBatch) -> io::Result<()> {
    let (positions, partitions) =
        (rows.column(0).as_primitive::<Int64Type>(), rows.column(1).as_primitive::<Int32Type>());
    let text = |column: usize, row: usize| -> &str {
        let column = rows.column(column).as_string::<i32>();
        if column.is_null(row) { "" } else { column.value(row) }
    };
    let payloads = payloads(rows.column(5));
    for (row, bytes) in payloads.iter().enumerate() {
        let (position, partition) = (positions.value(row), partitions.value(row));
        let (kind, rule, reason) = (text(2, row), text(3, row), text(4, row));
        match look {
            Look::Payload => writeln!(out, "{}", payload::line(bytes))?,
            Look::Json => {
                let (name, value) = match std::str::from_utf8(bytes) {
                    Ok(text) => ("payload", text.to_owned()),
                    Err(_) => ("payload_hex", payload::hex(bytes)),
                };
                let letter = json!({
                    "position": position, "partition": partition, "kind": kind, "rule": rule, "reason": reason,
                    name: value,
                });
                writeln!(out, "{letter}")?;
            }
            Look::Text => {
                let rule = if rule.is_empty() { String::new() } else { format!("  rule {rule}") };
                writeln!(out, "position {position}  partition {partition}  kind {kind}{rule}")?;
                writeln!(out, "  reason   {reason}\n  payload  {}", payload::line(bytes))?;
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
