//! Which column dates an event, and how its time is read.

use serde_json::json;

use crate::{
    InferError, calendar,
    derived::{best, derived},
    guess::Kind,
    names::{self, has_word, shown, words},
    planned::{Plan, Planned},
    table::{Cell, Column, Table},
    times, topic,
};

/// Words of times that are not the event's.
const OTHER_TIMES: [&str; 18] = [
    "birth",
    "birthday",
    "expiry",
    "expires",
    "updated",
    "modified",
    "end",
    "ended",
    "due",
    "deleted",
    "first",
    "last",
    "processed",
    "withdrawn",
    "validity",
    "hist",
    "ref",
    "reference",
];

/// Names that say that a column has the event's time.
const SURE: [&str; 9] =
    ["timestamp", "event_time", "event_timestamp", "time", "datetime", "date_time", "ts", "date", "obs_time"];

/// The last words of names that say so of text.
const SURE_ENDS: [&str; 6] = ["at", "time", "timestamp", "datetime", "date", "utc"];

/// Of so many rows one may be without a time.
const GAPS_SHARE: usize = 2;

/// Finds the time, or makes one of the rows' numbers.
///
/// # Errors
/// Where a column is named like a time and cannot be read as one, and `no_time` does not allow that.
pub(crate) fn time(plan: &mut Plan, table: &Table, no_time: bool) -> Result<(), InferError> {
    if !no_time && (joined(plan, table) || own(plan, table) || within(plan, table) || written(plan, table)) {
        return Ok(());
    }
    if let Some((sql, why)) = calendar::of_parts(plan, table).filter(|_| !no_time) {
        plan.time = derived(plan, table, "event_time", Kind::Time, sql, &why);
        plan.time_reason = format!("derived: {why}");
        return Ok(());
    }
    if let Some((column, value)) = unread(plan, table).filter(|_| !no_time) {
        return Err(InferError::sample(format!(
            "the column {} is named like a time, and {value:?} in it is not one that can be read; docs/inputs.md says what \
             can. With --no-time rows are numbered instead",
            shown(&column)
        )));
    }
    if table.topic.is_some() {
        let why = "no column has a time in every message: the time that its producer or broker gave it";
        plan.time = derived(plan, table, "message_time", Kind::Time, topic::TIME.to_owned(), why);
        plan.time_reason = format!("derived: {why}");
        return Ok(());
    }
    let sql = "to_timestamp_micros(1735689600000000 + _row * 1000000)".to_owned();
    let why = if no_time { "numbered, as --no-time asks" } else { "the file has no times" };
    plan.time = derived(plan, table, "row_time", Kind::Time, sql, &format!("{why}: a row a second, from 2025 on"));
    plan.time_reason = "derived: no column has a time in every row".to_owned();
    plan.notes.push(format!("no column has a time in every row, so `{}` is made of the row's number", plan.time));
    Ok(())
}

/// A column that is a time, or days that can be made one.
fn own(plan: &mut Plan, table: &Table) -> bool {
    let scores = plan.columns.iter().enumerate().map(|(place, column)| (place, score(column, table)));
    let Some(place) = best(scores) else { return false };
    let column = plan.columns[place].clone();
    let gaps = column.column(table).map_or(0, Column::gaps);
    if let Kind::Days(days) = column.kind {
        let why = days.reason(&column.name);
        plan.time = derived(plan, table, "event_time", Kind::Time, days.sql(&column.sql), &why);
        plan.time_reason = why;
    } else {
        plan.time = column.name;
        plan.time_reason = "a time that every row of the sample has".to_owned();
    }
    note_gaps(plan, gaps, table.rows);
    true
}

fn note_gaps(plan: &mut Plan, gaps: usize, rows: usize) {
    if gaps > 0 {
        plan.time_reason = format!("a time that {} of {rows} rows of the sample have", rows - gaps);
        plan.notes.push(format!("{gaps} of {rows} rows of the sample have no time; they will be dead letters"));
    }
}

/// A time within an object.
fn within(plan: &mut Plan, table: &Table) -> bool {
    let scores = plan.inner.iter().enumerate().map(|(place, column)| (place, score(column, table)));
    let Some(place) = best(scores) else { return false };
    let column = plan.inner[place].clone();
    let gaps = column.cells.as_ref().map_or(0, Column::gaps);
    let (sql, name, why) = match column.kind {
        Kind::Epoch(digits) => {
            (times::from_epoch(&column.sql, digits), column.name.as_str(), "a time within an object".to_owned())
        }
        Kind::Days(days) => (days.sql(&column.sql), "event_time", days.reason(&column.name)),
        _ => (column.sql.clone(), column.name.as_str(), "a time within an object".to_owned()),
    };
    plan.time = derived(plan, table, name, Kind::Time, sql, &why);
    plan.time_reason = match column.kind {
        Kind::Days(_) => why,
        _ => "a time within an object, which every row of the sample has".to_owned(),
    };
    note_gaps(plan, gaps, table.rows);
    true
}

fn score(planned: &Planned, table: &Table) -> u32 {
    let is_time = matches!(planned.kind, Kind::Time | Kind::Epoch(_) | Kind::Days(_));
    let enough = |column: &Column| column.gaps() * GAPS_SHARE <= column.cells.len();
    let Some(column) = planned.column(table).filter(|column| is_time && enough(column)) else { return 0 };
    let name = words(&column.name).join("_");
    let score = match name.as_str() {
        "timestamp" | "event_time" | "event_timestamp" => 1000,
        "time" | "datetime" | "ts" | "date_time" => 900,
        _ if has_word(&name, &["midpoint", "obs", "observation", "exposure"]) => 800,
        "jd" | "mjd" | "hjd" | "bjd" => 700,
        _ if has_word(&name, &["time", "timestamp", "ts", "datetime"]) => 600,
        _ if has_word(&name, &["created", "date", "at"]) => 400,
        _ => 200,
    };
    let score = if has_word(&name, &OTHER_TIMES) { score / 10 } else { score };
    if column.has_gaps() { score / 2 } else { score }
}

/// A date in one column and a time of day in another.
fn joined(plan: &mut Plan, table: &Table) -> bool {
    let all = |column: &Column, is: fn(&str) -> bool| {
        column.gaps() * GAPS_SHARE <= column.cells.len() && column.texts().next().is_some() && column.texts().all(is)
    };
    let find = |kinds: fn(&Kind) -> bool, is: fn(&str) -> bool, named: &[&str]| {
        plan.columns.iter().position(|planned| {
            let column = planned.column(table).filter(|column| column.field.is_none());
            kinds(&planned.kind) && column.is_some_and(|column| has_word(&column.name, named) && all(column, is))
        })
    };
    let date = find(|kind| matches!(kind, Kind::Time | Kind::Text), times::is_date, &["date", "day", "datum", "utc"]);
    let clock = find(|kind| *kind == Kind::Text, times::is_clock, &["time", "clock", "hour", "utc", "tod", "hms"]);
    let (Some(date), Some(clock)) = (date, clock) else { return false };
    let (Some(dates), Some(clocks)) = (plan.columns[date].column(table), plan.columns[clock].column(table)) else {
        return false;
    };
    let both_there = |(date, clock): (&Cell, &Cell)| match (date, clock) {
        (Cell::Text(date), Cell::Text(clock)) => Some(format!("{} {}", date.trim(), clock.trim())),
        _ => None,
    };
    let texts: Vec<String> = dates.cells.iter().zip(&clocks.cells).filter_map(both_there).collect();
    let gaps = table.rows - texts.len();
    if gaps * GAPS_SHARE > table.rows {
        return false;
    }
    let (date_sql, clock_sql) = (&plan.columns[date].sql, &plan.columns[clock].sql);
    // Where one of the two is missing there is no time: `concat` would make midnight of that.
    let both = match gaps {
        0 => format!("concat(trim({date_sql}), ' ', trim({clock_sql}))"),
        _ => format!("trim({date_sql}) || ' ' || trim({clock_sql})"),
    };
    let sql = if texts.iter().all(|text| times::is_time(text)) {
        format!("parse_timestamp({both})")
    } else if let Some(format) = times::format_of(texts.iter().map(String::as_str)) {
        format!("to_timestamp_micros({both}, {})", names::literal(format))
    } else {
        return false;
    };
    let why = format!("the date in {} and the time of day in {}", shown(&dates.name), shown(&clocks.name));
    // SQL joins texts.
    (plan.columns[date].kind, plan.columns[date].avro) = (Kind::Text, json!("string"));
    plan.columns[date].derive = plan.columns[date].derive.take().filter(|_| plan.columns[date].doc.is_some());
    plan.time = derived(plan, table, "event_time", Kind::Time, sql, &why);
    plan.time_reason = format!("joined: {why}");
    if gaps > 0 {
        plan.notes.push(format!("{gaps} of {} rows of the sample have no time; they will be dead letters", table.rows));
    }
    true
}

/// A time in another form than those that the sources know.
fn written(plan: &mut Plan, table: &Table) -> bool {
    let found = plan.columns.iter().filter(|planned| planned.kind == Kind::Text).find_map(|planned| {
        let column = planned.column(table).filter(|column| !column.has_gaps())?;
        let format = times::format_of(column.texts())?;
        let why = format!("{} is written {format}", shown(&column.name));
        Some((format!("to_timestamp_micros({}, {})", planned.sql, names::literal(format)), why))
    });
    let Some((sql, why)) = found else { return false };
    plan.time = derived(plan, table, "event_time", Kind::Time, sql, &why);
    plan.time_reason = format!("derived: {why}");
    true
}

/// A column that is named like the event's time, and a value in it that cannot be read.
fn unread(plan: &Plan, table: &Table) -> Option<(String, String)> {
    let is_sure = |planned: &&Planned| {
        let words = words(planned.doc.as_ref().unwrap_or(&planned.name));
        let is_text = planned.kind == Kind::Text;
        SURE.contains(&words.join("_").as_str())
            || is_text && words.last().is_some_and(|last| SURE_ENDS.contains(&last.as_str()))
    };
    let column = plan.columns.iter().find(is_sure)?.column(table)?;
    let bad = |text: &&str| !times::is_time(text) && !times::is_epoch(text);
    let value = column.texts().find(bad).or_else(|| column.texts().next())?;
    Some((column.name.clone(), value.chars().take(60).collect()))
}

#[cfg(test)]
mod tests;
