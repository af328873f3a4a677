//! SQL over a stream's tables: read-only, with limits, ended when its client leaves.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use live::Column;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    answer::{JsonBody, Names},
    app::App,
    problem::Problem,
    rows,
};

/// Rows of a JSON answer at most,
const ROWS_MAX: u64 = 10_000;
/// and of a file.
const FILE_ROWS_MAX: u64 = 1_000_000;
/// Bytes of a query at most.
const SQL_BYTES_MAX: usize = 65_536;
const CSV: &str = "text/csv";
const PARQUET: &str = "application/vnd.apache.parquet";

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// One query; at most 65,536 bytes.
    sql: String,
    /// Rows at most: 10,000 as JSON, 1,000,000 as a file.
    limit: Option<u64>,
}

/// The rows of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rows {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    /// Whether there are more.
    truncated: bool,
    /// How long it took.
    elapsed_ms: u64,
    /// How many rows there can be at most.
    rows_max: u64,
}

/// Asks. `Accept` says in which form: `application/json`, `text/csv` or `application/vnd.apache.parquet`.
#[utoipa::path(
    post,
    path = "/api/v1/streams/{stream}/query",
    params(("stream" = String, Path, description = "the stream's name")),
    request_body = Question,
    responses(
        (status = 200, content(
            (Rows = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.parquet"),
        )),
        (status = 504, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn query(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    headers: HeaderMap,
    JsonBody(question): JsonBody<Question>,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    if question.sql.len() > SQL_BYTES_MAX {
        return Err(Problem::bad_request("bad-query", format!("a query has at most {SQL_BYTES_MAX} bytes")));
    }
    let place = app.limits.query()?;
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let file = [CSV, PARQUET].into_iter().find(|media| accepted.contains(media));
    let most = if file.is_some() { FILE_ROWS_MAX } else { ROWS_MAX };
    let limit = question.limit.unwrap_or(most).clamp(1, most);
    let found = app.sql.ask_holding(shown, question.sql, limit, place).await?;
    match file {
        None => Ok(Json(Rows {
            columns: rows::columns(&found.schema),
            rows: rows::cells(&found.batches),
            truncated: found.truncated,
            elapsed_ms: found.elapsed.as_millis() as u64,
            rows_max: limit,
        })
        .into_response()),
        Some(CSV) => Ok(download(rows::csv(&found.schema, &found.batches), CSV, "rows.csv")),
        Some(_) => Ok(download(rows::parquet(&found.schema, &found.batches)?, PARQUET, "rows.parquet")),
    }
}

/// Bytes that are kept as a file.
pub(crate) fn download(bytes: Vec<u8>, media: &'static str, name: &str) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}
