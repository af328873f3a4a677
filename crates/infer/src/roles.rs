//! Which column identifies an event, which partitions the stream, and which dates it.

use std::collections::BTreeSet;

use crate::{
    InferError, clock,
    derived::{best, derived},
    features,
    guess::Kind,
    names::{self, has_word, words},
    planned::{Plan, Planned},
    table::{Column, Table},
    topic,
};

/// Words of things that many events have in common, so that their identity is not the event's.
const THINGS: [&str; 43] = [
    "object",
    "target",
    "star",
    "detector",
    "sensor",
    "device",
    "host",
    "hostname",
    "symbol",
    "ticker",
    "station",
    "channel",
    "machine",
    "node",
    "user",
    "customer",
    "account",
    "series",
    "instance",
    "service",
    "server",
    "asset",
    "probe",
    "vehicle",
    "meter",
    "site",
    "location",
    "region",
    "client",
    "player",
    "source",
    "module",
    "unit",
    "stock",
    "instrument",
    "pump",
    "turbine",
    "patient",
    "card",
    "session",
    "product",
    "item",
    "category",
];

/// What alerts of telescopes call a single detection, without the signs between words.
const ALERTS: [&str; 5] = ["candid", "diasourceid", "alertid", "candidateid", "detectionid"];

/// Words of kinds of events: a worse key, but one.
const KINDS: [&str; 8] = ["type", "kind", "class", "particle", "pdg", "level", "method", "name"];

/// Keys that have detectors of their own at most, as a share of the sample's rows.
const KEYS_SHARE: usize = 2;

/// Gives the roles, deriving what the file lacks, then chooses the features.
///
/// # Errors
/// Where a column is named like a time and cannot be read as one, and `no_time` does not allow that.
pub(crate) fn assign(mut plan: Plan, table: &mut Table, no_time: bool) -> Result<Plan, InferError> {
    clock::time(&mut plan, table, no_time)?;
    let table = &*table;
    id(&mut plan, table);
    key(&mut plan, table);
    let (time, id, key) = (plan.time.clone(), plan.id.clone(), plan.key.clone());
    for column in &mut plan.columns {
        column.required = [&time, &id, &key].contains(&&column.name);
    }
    features::choose(&mut plan, table);
    Ok(plan)
}

fn distinct(column: &Column) -> usize {
    column.texts().collect::<BTreeSet<_>>().len()
}

fn is_identity(kind: &Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Long)
}

fn id(plan: &mut Plan, table: &Table) {
    let own = plan.columns.iter().enumerate();
    if let Some(place) = best(own.map(|(place, column)| (place, id_score(column, table)))) {
        plan.id = plan.columns[place].name.clone();
        plan.id_reason = "named like an identity, and different in every row of the sample".to_owned();
        return;
    }
    let within = plan.inner.iter().enumerate();
    if let Some(place) = best(within.map(|(place, column)| (place, id_score(column, table)))) {
        let column = plan.inner[place].clone();
        let sql = format!("CAST({} AS VARCHAR)", column.sql);
        plan.id = derived(plan, table, &column.name, Kind::Text, sql, "an identity within an object");
        plan.id_reason =
            "within an object: named like an identity, and different in every row of the sample".to_owned();
        return;
    }
    if table.topic.is_some() {
        let why = "no column identifies a message: its topic, partition and offset";
        plan.id = derived(plan, table, "message_id", Kind::Text, topic::ID.to_owned(), why);
        plan.id_reason = "derived: no column named like an identity is different in every message".to_owned();
        return;
    }
    let sql = "concat(_file, '-', CAST(_row AS VARCHAR))".to_owned();
    plan.id = derived(
        plan,
        table,
        "row_id",
        Kind::Text,
        sql,
        "no column identifies a row: the file's name and the row's number",
    );
    plan.id_reason = "derived: no column named like an identity is different in every row".to_owned();
}

fn id_score(planned: &Planned, table: &Table) -> u32 {
    let fits = is_identity(&planned.kind) && planned.name != "_file";
    let Some(column) = planned.column(table).filter(|column| fits && !column.has_gaps()) else { return 0 };
    let words = words(&column.name);
    let ends = words.last().map(String::as_str);
    if distinct(column) < table.rows {
        return 0;
    }
    // What alerts of telescopes call a single detection.
    if ALERTS.contains(&words.concat().as_str()) {
        return 95;
    }
    if !matches!(ends, Some("id" | "uuid" | "guid" | "uid" | "key" | "hash")) {
        return 0;
    }
    match words.as_slice() {
        [_] => 100,
        _ if has_word(&column.name, &THINGS) => 0,
        _ if has_word(&column.name, &["event", "row", "record", "message", "request", "trade", "reading", "alert"]) => {
            90
        }
        _ => 50,
    }
}

fn key(plan: &mut Plan, table: &Table) {
    let score = |column: &Planned| key_score(column, plan, table);
    let own = best(plan.columns.iter().enumerate().map(|(place, column)| (place, score(column))));
    let within = best(plan.inner.iter().enumerate().map(|(place, column)| (place, score(column))));
    let is_better = |inner: usize| own.is_none_or(|own| score(&plan.inner[inner]) > score(&plan.columns[own]));
    if let Some(place) = within.filter(|place| is_better(*place)) {
        let column = plan.inner[place].clone();
        let has_gaps = column.cells.as_ref().is_some_and(Column::has_gaps);
        let sql = match has_gaps || table.typed.is_some() {
            true => format!("coalesce(CAST({} AS VARCHAR), 'none')", column.sql),
            false => format!("CAST({} AS VARCHAR)", column.sql),
        };
        plan.key = derived(plan, table, &column.name, Kind::Text, sql, "a value within an object");
        (plan.key_reason, plan.partitions) =
            ("a value within an object that is named like what events belong to".to_owned(), 4);
        return;
    }
    if let Some(place) = own {
        let column = &plan.columns[place];
        let keys = column.column(table).map_or(0, distinct);
        (plan.key, plan.partitions) = (column.name.clone(), 4);
        plan.key_reason = format!("named like what events belong to; {keys} different in the sample");
        return;
    }
    if let Some(topic) = &table.topic {
        let (sql, why) = topic.key();
        plan.key = derived(plan, table, "message_key", Kind::Text, sql.to_owned(), why);
        (plan.key_reason, plan.partitions) = (format!("derived: {why}"), 4);
        return;
    }
    plan.key = derived(
        plan,
        table,
        "series",
        Kind::Text,
        "_file".to_owned(),
        "no column says what rows belong together: a file is a series",
    );
    (plan.key_reason, plan.partitions) = ("derived: each file is a series of its own".to_owned(), 4);
}

fn key_score(planned: &Planned, plan: &Plan, table: &Table) -> u32 {
    let fits =
        is_identity(&planned.kind) && planned.name != plan.id && planned.name != plan.time && planned.origin.is_some();
    // A value within an object may be missing here and there; such events have a key of their own.
    let enough = |column: &Column| match planned.cells {
        Some(_) => column.gaps() * 2 <= column.cells.len(),
        None => !column.has_gaps(),
    };
    let Some(column) = planned.column(table).filter(|column| fits && enough(column)) else { return 0 };
    if has_word(&column.name, &names::LABELS) {
        return 0;
    }
    let count = distinct(column);
    let few = count * KEYS_SHARE <= table.rows || table.rows < 64;
    let is_text = planned.kind == Kind::Text;
    let ends_in_id = words(&column.name).last().is_some_and(|word| word == "id");
    let place = words(&column.name).iter().find_map(|word| THINGS.iter().position(|thing| thing == word));
    match place {
        Some(place) if few && (is_text || ends_in_id) => 100 - place as u32,
        _ if has_word(&column.name, &KINDS) && count * 16 <= table.rows && (is_text || ends_in_id) => 20,
        _ if ends_in_id && count * 16 <= table.rows => 15,
        _ if is_text && count > 1 && count <= 64 && count * 16 <= table.rows => 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
