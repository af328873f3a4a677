//! The stream view: series, histograms, keys, the map, and aggregates as they close.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use live::{Column, Histograms, Keys, LiveError, MapView, SeriesView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stream::columns;
use utoipa::{IntoParams, ToSchema};

use crate::{
    answer::{Names, Params, json},
    app::App,
    hub::now_ms,
    problem::Problem,
    rows,
    sql::{literal, name},
};

/// Rows of aggregates where nobody says how many,
const LIMIT_DEFAULT: u64 = 200;
/// and at most.
const LIMIT_MAX: u64 = 2000;

/// Which series.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesParams {
    /// The key; all keys together without it.
    key: Option<String>,
    /// The column.
    column: String,
    /// Seconds of a bucket: 1, 10 or 60; 1 without it.
    step: Option<u32>,
    /// The first second since 1970; as far back as the buckets go without it.
    from_s: Option<i64>,
    /// The last second since 1970; now without it.
    to_s: Option<i64>,
}

/// Which histograms.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistogramParams {
    /// The column; all of them without it.
    column: Option<String>,
}

/// Which aggregates.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AggregateParams {
    /// The aggregate.
    name: String,
    /// How many rows at most: 200 without it, 2,000 at most.
    limit: Option<u64>,
}

/// Results of windows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AggregateRows {
    name: String,
    /// The ends of the window, groups, values, and whether the window is closed.
    columns: Vec<Column>,
    /// The newest window first.
    rows: Vec<Vec<Value>>,
}

/// A column's values by time, as first, minimum, maximum, last and mean of each bucket.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/series",
    params(("stream" = String, Path, description = "the stream's name"), SeriesParams),
    responses((status = 200, body = SeriesView)),
)]
pub(crate) async fn series(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    Params(params): Params<SeriesParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    let now = now_ms() / 1000;
    let step = params.step.unwrap_or(1);
    let kept = live::RESOLUTIONS.iter().find(|(of, _)| *of == step).map_or(0, |(of, length)| i64::from(of * length));
    let to = params.to_s.unwrap_or(now).clamp(0, now);
    let from = params.from_s.unwrap_or(now - kept).clamp(now - kept, now).min(to);
    let found = shown.board().series(params.key.as_deref(), &params.column, step, from, to);
    json(&headers, &found.map_err(problem)?)
}

/// The present hour's histograms, over those of the same hour of the day before.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/histograms",
    params(("stream" = String, Path, description = "the stream's name"), HistogramParams),
    responses((status = 200, body = Histograms)),
)]
pub(crate) async fn histograms(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    Params(params): Params<HistogramParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    let found = shown.board().histograms(params.column.as_deref(), now_ms() / 1000);
    json(&headers, &found.map_err(problem)?)
}

/// The most frequent keys.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/keys",
    params(("stream" = String, Path, description = "the stream's name")),
    responses((status = 200, body = Keys)),
)]
pub(crate) async fn keys(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    let keys = shown.board().keys();
    json(&headers, &keys)
}

/// Where rows lie in the plane of two columns.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/map",
    params(("stream" = String, Path, description = "the stream's name")),
    responses((status = 200, body = MapView)),
)]
pub(crate) async fn map(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    let map = shown.board().map();
    json(&headers, &map.ok_or_else(|| Problem::not_found("no-map", "the stream has no columns `eta` and `phi`"))?)
}

/// Results of windows, committed ones, those still open among them.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/aggregates",
    params(("stream" = String, Path, description = "the stream's name"), AggregateParams),
    responses((status = 200, body = AggregateRows), (status = 504, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn aggregates(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    Params(params): Params<AggregateParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    let known = shown.stream.aggregates.columns();
    let Some(own) = known.get(&params.name) else {
        let list: Vec<&str> = known.keys().map(String::as_str).collect();
        let detail = format!("there is no aggregate `{}`; there is {}", params.name, list.join(", "));
        return Err(Problem::not_found("unknown-aggregate", detail));
    };
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let ends = [columns::WINDOW_START, columns::WINDOW_END];
    let select: Vec<String> =
        ends.into_iter().chain(own.iter().map(String::as_str)).chain([columns::FINAL]).map(name).collect();
    let order: Vec<String> = own.iter().take(1).map(|group| name(group)).collect();
    let order = order.first().map(|group| format!(", {group}")).unwrap_or_default();
    let sql = format!(
        "SELECT {} FROM aggregates WHERE {} = {} ORDER BY {} DESC NULLS FIRST{order} LIMIT {limit}",
        select.join(", "),
        name(columns::AGGREGATE),
        literal(&params.name),
        name(columns::WINDOW_START)
    );
    let found = app.sql.ask_windows(shown, sql, limit).await?;
    json(
        &headers,
        &AggregateRows { name: params.name, columns: rows::columns(&found.schema), rows: rows::cells(&found.batches) },
    )
}

fn problem(error: LiveError) -> Problem {
    match error {
        LiveError::NoStep { .. } | LiveError::Cursor => Problem::bad_request("bad-parameter", error.to_string()),
        LiveError::NoColumn { .. } => Problem::not_found("unknown-column", error.to_string()),
        LiveError::NoKey { .. } => Problem::not_found("unknown-key", error.to_string()),
    }
}
