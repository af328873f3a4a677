//! The newest anomalies, with filters, page by page.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use live::{Anomaly, Column, cells};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    answer::{Names, Params, json},
    app::App,
    hub::Shown,
    page_cursor::PageCursor,
    problem::Problem,
    sql::{Found, literal, name, time_of},
};

/// Anomalies of a page where nobody says how many,
const LIMIT_DEFAULT: u64 = 50;
/// and at most.
const LIMIT_MAX: u64 = 500;

/// Which anomalies, and from where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filters {
    /// How many at most: 50 without it, 500 at most.
    limit: Option<u64>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Only those that this rule or layer called so.
    reason: Option<String>,
    /// Only those of this key.
    key: Option<String>,
    /// Only those from this event time on, ISO 8601.
    from: Option<String>,
    /// Only those before this event time, ISO 8601.
    to: Option<String>,
    /// Only those that somebody acknowledged (`yes`), or nobody (`no`).
    #[param(inline)]
    acknowledged: Option<Choice>,
    /// Only those whose id, key or reasons have this text.
    text: Option<String>,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Choice {
    Yes,
    No,
}

/// A page of anomalies.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    /// The newest event time first.
    anomalies: Vec<Anomaly>,
    /// What to send as `cursor` for the page behind this one; null at the end.
    next: Option<String>,
    /// Up to which commit this is so.
    as_of: String,
    /// The columns of `values`.
    columns: Vec<Column>,
}

/// The newest committed anomalies.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/anomalies",
    params(("stream" = String, Path, description = "the stream's name"), Filters),
    responses((status = 200, body = Page), (status = 504, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn anomalies(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    Params(filters): Params<Filters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    super::must_detect(shown)?;
    let limit = filters.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let as_of = super::as_of(shown);
    let sql = statement(shown, &filters, limit)?;
    // One more than is asked says whether there is another page.
    let found = app.sql.ask(shown, sql, limit + 1).await?;
    let mut anomalies = read(shown, &found);
    let more = anomalies.len() as u64 > limit;
    anomalies.truncate(limit as usize);
    let last = anomalies.last().filter(|_| more);
    let next = last.map(|last| PageCursor(vec![last.time.clone(), last.id.clone()]).to_string());
    shown.acknowledged().mark(&mut anomalies);
    let columns = super::event_columns(shown);
    json(&headers, &Page { anomalies, next, as_of, columns })
}

/// The anomalies that a query found.
pub(crate) fn read(shown: &Shown, found: &Found) -> Vec<Anomaly> {
    let rows = found.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    rows.map(|(batch, row)| {
        let mut anomaly = Anomaly::of(&shown.stream, batch, row);
        // The order of pages rests on the time as it is stored: shown and compared it has the same microseconds.
        if let Some(time) = batch.column_by_name(ORDER) {
            anomaly.time = cells::text(time, row);
            anomaly.values.shift_remove(ORDER);
        }
        anomaly
    })
    .collect()
}

/// The column that pages are ordered by.
const ORDER: &str = "_time";

fn statement(shown: &Shown, filters: &Filters, limit: u64) -> Result<String, Problem> {
    let spec = &shown.stream.definition.spec;
    let (id, key) = (format!("CAST({} AS VARCHAR)", name(&spec.id)), format!("CAST({} AS VARCHAR)", name(&spec.key)));
    let (time, reasons) = (time_of(&name(&spec.time)), name(stream::columns::ANOMALY_REASONS));
    let mut wanted = Vec::new();
    if let Some(reason) = &filters.reason {
        wanted.push(format!("strpos(concat(',', {reasons}, ','), {}) > 0", literal(&format!(",{reason},"))));
    }
    if let Some(of) = &filters.key {
        wanted.push(format!("{key} = {}", literal(of)));
    }
    for (bound, than) in [(&filters.from, ">="), (&filters.to, "<")] {
        if let Some(bound) = bound {
            wanted.push(format!("{time} {than} {}", time_of(&literal(super::checked_time(bound)?))));
        }
    }
    if let Some(text) = filters.text.as_ref().filter(|text| !text.is_empty()) {
        let text = literal(&text.to_lowercase());
        wanted.push(format!("strpos(lower(concat({id}, ' ', {key}, ' ', {reasons})), {text}) > 0"));
    }
    if let Some(choice) = filters.acknowledged {
        let acknowledged = shown.acknowledged();
        let ids: Vec<String> = acknowledged.ids().map(literal).collect();
        match (ids.is_empty(), choice) {
            (true, Choice::Yes) => wanted.push("false".to_owned()),
            (true, Choice::No) => {}
            (false, Choice::Yes) => wanted.push(format!("{id} IN ({})", ids.join(", "))),
            (false, Choice::No) => wanted.push(format!("{id} NOT IN ({})", ids.join(", "))),
        }
    }
    if let Some(cursor) = filters.cursor.as_ref().filter(|cursor| !cursor.is_empty()) {
        let PageCursor(parts) = cursor.parse()?;
        let [after, last] = parts.as_slice() else { return Err(PageCursor::refused()) };
        let after = time_of(&literal(super::checked_time(after)?));
        wanted.push(format!("({time} < {after} OR ({time} = {after} AND {id} < {}))", literal(last)));
    }
    let wanted = if wanted.is_empty() { "true".to_owned() } else { wanted.join(" AND ") };
    Ok(format!(
        "SELECT *, {time} AS {ORDER} FROM anomalies WHERE {wanted} ORDER BY {time} DESC, {id} DESC LIMIT {}",
        limit + 1
    ))
}
