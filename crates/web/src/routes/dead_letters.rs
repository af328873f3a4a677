//! Dead letters: which there are and why, and each one's bytes, decoded as far as that goes.

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{Int32Type, Int64Type},
};
use axum::{extract::State, http::HeaderMap, response::Response};
use live::cells::{hex, iso, text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    DeadLetterIds,
    answer::{Names, Params, json},
    app::App,
    hub::Shown,
    page_cursor::PageCursor,
    problem::Problem,
    sql::literal,
};

/// Dead letters of a page where nobody says how many,
const LIMIT_DEFAULT: u64 = 50;
/// and at most.
const LIMIT_MAX: u64 = 500;
/// Reasons that are counted apart.
const REASONS_MAX: u64 = 100;
/// Bytes of a payload that a list shows,
const PREVIEW_BYTES: usize = 200;
/// and that one letter shows.
const SHOWN_BYTES: usize = 65_536;

/// Which dead letters, and from where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filters {
    /// How many at most: 50 without it, 500 at most.
    limit: Option<u64>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Only those of this kind: decode, identity, quality, expression.
    kind: Option<String>,
    /// Only those that failed at this rule or column.
    rule: Option<String>,
    /// Only those with this reason.
    reason: Option<String>,
    /// Only those that were not repaired yet (`open`), or were (`redriven`).
    #[param(inline)]
    state: Option<LetterState>,
}

/// Whether a dead letter was repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LetterState {
    Open,
    Redriven,
}

/// That a dead letter was repaired.
#[derive(Debug, Serialize, ToSchema)]
struct Redriven {
    /// Who put it back.
    author: String,
    /// When it was accepted, ISO 8601 in UTC.
    at: String,
    /// What has become of it.
    outcome: &'static str,
}

/// A page of dead letters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LettersPage {
    /// All dead letters by kind, rule and reason, the most frequent first.
    counts: Vec<ReasonCount>,
    /// The newest first.
    letters: Vec<Letter>,
    /// What to send as `cursor` for the page behind this one; null at the end.
    next: Option<String>,
    /// All that are committed,
    total: u64,
    /// and those that were not repaired and put back.
    open: u64,
}

/// Dead letters of a reason.
#[derive(Debug, Serialize, ToSchema)]
struct ReasonCount {
    kind: String,
    rule: String,
    reason: String,
    count: u64,
}

/// A dead letter.
#[derive(Debug, Serialize, ToSchema)]
struct Letter {
    /// Its identity: in one process where the record stood in its source; on Kafka the topic's ending, the
    /// partition and the offset that it came from.
    position: String,
    partition: i32,
    kind: String,
    /// The rule or column that it failed at; empty where it could not be decoded.
    rule: String,
    /// Why, as a sentence.
    reason: String,
    /// How long it is.
    bytes: usize,
    /// How it begins, as text.
    preview: String,
    /// Who repaired it, where somebody did.
    redriven: Option<Redriven>,
    /// What the list is ordered by.
    #[serde(skip)]
    order: String,
}

/// A dead letter with its bytes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LetterView {
    letter: Letter,
    /// Its bytes, 65,536 of them at most.
    hex: String,
    /// The same as text, where they are UTF-8.
    text: Option<String>,
    /// Its columns, where it is a JSON object.
    decoded: Option<Value>,
    /// Why it has no columns.
    decode_error: Option<String>,
    /// Whether there are more bytes than are shown.
    truncated: bool,
}

/// Dead letters, and how many there are of each reason.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/dead-letters",
    params(("stream" = String, Path, description = "the stream's name"), Filters),
    responses((status = 200, body = LettersPage), (status = 504, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    Params(filters): Params<Filters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    let limit = filters.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let sql = format!(
        "SELECT kind, rule, reason, count(*) AS count FROM dead_letters GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT {REASONS_MAX}"
    );
    let counted = app.sql.ask(shown, sql, REASONS_MAX).await?;
    let found = app.sql.ask(shown, statement(shown, &filters, limit)?, limit + 1).await?;
    let mut letters: Vec<Letter> = rows(&found.batches).map(|(batch, row)| letter(shown, batch, row)).collect();
    let more = letters.len() as u64 > limit;
    letters.truncate(limit as usize);
    let next = letters.last().filter(|_| more);
    let next = next.map(|last| PageCursor(vec![last.order.clone(), last.position.clone()]).to_string());
    let overview = shown.board().overview(crate::hub::now_ms()).dead_letters;
    let counts = rows(&counted.batches).map(|(batch, row)| ReasonCount {
        kind: text(batch.column(0), row),
        rule: text(batch.column(1), row),
        reason: text(batch.column(2), row),
        count: batch.column(3).as_primitive_opt::<Int64Type>().map_or(0, |counts| counts.value(row) as u64),
    });
    json(&headers, &LettersPage { counts: counts.collect(), letters, next, total: overview.total, open: overview.open })
}

/// One dead letter, with its bytes.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/dead-letters/{position}",
    params(
        ("stream" = String, Path, description = "the stream's name"),
        ("position" = String, Path, description = "the letter's `position`, as the list has it"),
    ),
    responses((status = 200, body = LetterView), (status = 504, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    Names((stream, position)): Names<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    let DeadLetterIds { id, order } = shown.watched.dead_letters();
    let sql = format!(
        "SELECT *, {id} AS {ID}, {order} AS {ORDER} FROM dead_letters WHERE {id} = {} LIMIT 1",
        literal(&position)
    );
    let found = app.sql.ask(shown, sql, 1).await?;
    let missing =
        || Problem::not_found("unknown-dead-letter", format!("there is no dead letter at position `{position}`"));
    let (batch, row) = rows(&found.batches).next().ok_or_else(missing)?;
    let payload = readable(shown, payload(batch, row)).await;
    let shown_bytes = &payload[..payload.len().min(SHOWN_BYTES)];
    let (decoded, decode_error) = match serde_json::from_slice::<Value>(&payload) {
        Ok(value @ Value::Object(_)) => (Some(value), None),
        Ok(_) => (None, Some("it is JSON, and not an object".to_owned())),
        Err(error) => (None, Some(format!("it is not JSON: {error}"))),
    };
    let view = LetterView {
        letter: letter(shown, batch, row),
        hex: hex(shown_bytes),
        text: std::str::from_utf8(shown_bytes).ok().map(str::to_owned),
        decoded,
        decode_error,
        truncated: payload.len() > SHOWN_BYTES,
    };
    json(&headers, &view)
}

/// What identifies dead letters, and what orders them.
const ID: &str = "_id";
const ORDER: &str = "_order";

/// The bytes as a person can read them, where they are an event in another form.
async fn readable(shown: &Arc<Shown>, payload: Vec<u8>) -> Vec<u8> {
    let (shown, bytes) = (shown.clone(), payload.clone());
    // The schema may have to be fetched.
    let text = tokio::task::spawn_blocking(move || shown.watched.readable(&bytes)).await;
    text.ok().flatten().unwrap_or(payload)
}

fn statement(shown: &Shown, filters: &Filters, limit: u64) -> Result<String, Problem> {
    let DeadLetterIds { id, order } = shown.watched.dead_letters();
    let mut wanted = vec!["true".to_owned()];
    for (column, value) in [("kind", &filters.kind), ("rule", &filters.rule), ("reason", &filters.reason)] {
        wanted.extend(value.as_ref().map(|value| format!("{column} = {}", literal(value))));
    }
    if let Some(state) = filters.state {
        let positions: Vec<String> = shown.redriven().keys().map(|position| literal(position)).collect();
        match (positions.is_empty(), state) {
            (true, LetterState::Open) => {}
            (true, LetterState::Redriven) => wanted.push("false".to_owned()),
            (false, LetterState::Open) => wanted.push(format!("{id} NOT IN ({})", positions.join(", "))),
            (false, LetterState::Redriven) => wanted.push(format!("{id} IN ({})", positions.join(", "))),
        }
    }
    if let Some(cursor) = filters.cursor.as_ref().filter(|cursor| !cursor.is_empty()) {
        let PageCursor(parts) = cursor.parse()?;
        let [after, last] = parts.as_slice() else { return Err(PageCursor::refused()) };
        let after: i64 = after.parse().map_err(|_| PageCursor::refused())?;
        wanted.push(format!("({order} < {after} OR ({order} = {after} AND {id} < {}))", literal(last)));
    }
    let wanted = wanted.join(" AND ");
    Ok(format!(
        "SELECT *, {id} AS {ID}, {order} AS {ORDER} FROM dead_letters WHERE {wanted} \
         ORDER BY {order} DESC, {id} DESC LIMIT {}",
        limit + 1
    ))
}

fn rows(batches: &[RecordBatch]) -> impl Iterator<Item = (&RecordBatch, usize)> {
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)))
}

fn letter(shown: &Shown, batch: &RecordBatch, row: usize) -> Letter {
    let of = |name: &str| batch.column_by_name(name).map(|column| text(column, row)).unwrap_or_default();
    let partition = batch.column_by_name("partition").and_then(|column| column.as_primitive_opt::<Int32Type>());
    let payload = payload(batch, row);
    let position = of(ID);
    let redriven = shown.redriven().get(&position).cloned();
    let redriven = redriven.map(|note| Redriven {
        outcome: if shown.watched.is_waiting(&note.text) { "waits for the next start" } else { "put back" },
        at: iso(note.at),
        author: note.author,
    });
    Letter {
        redriven,
        order: of(ORDER),
        position,
        partition: partition.map_or(0, |partition| partition.value(row)),
        kind: of("kind"),
        rule: of("rule"),
        reason: of("reason"),
        bytes: payload.len(),
        preview: String::from_utf8_lossy(&payload[..payload.len().min(PREVIEW_BYTES)]).into_owned(),
    }
}

/// The record's bytes. Result files in CSV or JSON have them as hexadecimal digits.
fn payload(batch: &RecordBatch, row: usize) -> Vec<u8> {
    let Some(column) = batch.column_by_name("payload").filter(|column| column.is_valid(row)) else { return Vec::new() };
    match column.as_binary_opt::<i32>() {
        Some(bytes) => bytes.value(row).to_vec(),
        None => unhex(&text(column, row)),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or_default() as u8;
    text.as_bytes().chunks_exact(2).map(|pair| digit(&pair[0]) * 16 + digit(&pair[1])).collect()
}
