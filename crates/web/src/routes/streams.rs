//! Which streams there are, how they are, and who asks.

use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use live::{AggregateInfo, Column, LayerInfo, MapColumns, Overview};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Mode,
    access::{Caller, Role},
    answer::{Names, json, tagged},
    app::App,
    hub::{Hub, Shown, now_ms},
    problem::Problem,
};

/// Who asks, and of what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// What the caller may do.
    role: Role,
    /// How the caller has come in: `loopback` where everyone on the machine may ask, `token`, or `proxy` where one has signed
    /// them in.
    access: &'static str,
    may: May,
    /// The name that acknowledgements carry where the caller gives none; with `proxy` the one that they carry.
    author: String,
    /// The program and its version.
    product: &'static str,
    /// `one-process` or `kafka`.
    mode: &'static str,
    /// What cursors of this process begin with.
    epoch: String,
    /// Milliseconds since 1970.
    now_ms: i64,
}

/// What the caller may do.
#[derive(Debug, Serialize, ToSchema)]
struct May {
    acknowledge: bool,
    redrive: bool,
    query: bool,
}

/// The streams of the page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Streams {
    streams: Vec<StreamInfo>,
}

/// A stream, as its definition has it.
#[derive(Debug, Serialize, ToSchema)]
struct StreamInfo {
    /// Its name.
    name: String,
    /// Whether it runs.
    state: live::State,
    /// The columns of a scored event.
    columns: Vec<Column>,
    /// The column that identifies an event,
    id: String,
    /// the one that detectors learn by,
    key: String,
    /// and the one with its time.
    time: String,
    /// The columns that have series and histograms.
    numbers: Vec<String>,
    /// What the learned layers look at, as SQL.
    features: Vec<String>,
    /// The columns of the map, where there is one.
    map: Option<MapColumns>,
    /// The rules and layers.
    layers: Vec<LayerInfo>,
    /// The aggregates.
    aggregates: Vec<AggregateInfo>,
    /// The tables that a query can ask.
    tables: Vec<String>,
    /// A query that runs.
    example: String,
    /// What `beamline query` takes to ask the same.
    results: String,
    /// The address of Jaeger's pages, where it is known: a trace is at `/trace/` and its id.
    jaeger: Option<String>,
}

/// Who asks, and what they may do.
#[utoipa::path(get, path = "/api/v1/session", responses((status = 200, body = Session)))]
pub(crate) async fn session(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let session = Session {
        role: caller.role,
        access: app.access.way(&caller),
        may: May { acknowledge: caller.must_operate().is_ok(), redrive: caller.must_redrive().is_ok(), query: true },
        author: caller.author(None),
        product: concat!("beamline ", env!("CARGO_PKG_VERSION")),
        mode: app.hub.streams.first().map_or(Mode::OneProcess, |shown| shown.watched.mode()).name(),
        epoch: app.hub.epoch.clone(),
        now_ms: now_ms(),
    };
    json(&headers, &session)
}

/// The streams, with their columns, layers and tables.
#[utoipa::path(get, path = "/api/v1/streams", responses((status = 200, body = Streams)))]
pub(crate) async fn streams(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    json(&headers, &Streams { streams: app.hub.streams.iter().map(|shown| info(&app.hub, shown)).collect() })
}

/// How a stream is as a whole.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/overview",
    params(("stream" = String, Path, description = "the stream's name")),
    responses((status = 200, body = Overview)),
)]
pub(crate) async fn overview(
    State(app): State<Arc<App>>,
    Names(name): Names<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &name)?;
    let overview = shown.board().overview(now_ms());
    json(&headers, &overview)
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn openapi(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    tagged(&headers, app.openapi.clone().into_bytes(), "application/json")
}

fn info(hub: &Hub, shown: &Shown) -> StreamInfo {
    let (stream, spec) = (&shown.stream, &shown.stream.definition.spec);
    let aggregates = stream.aggregates.columns();
    let mut tables = vec!["processed_data", "dead_letters", "notes"];
    if spec.detect.is_some() {
        tables.push("anomalies");
    }
    let mut tables: Vec<String> = tables.into_iter().map(str::to_owned).collect();
    if !stream.aggregates.is_empty() {
        tables.extend(["late".to_owned(), "aggregates".to_owned()]);
        tables.extend(aggregates.keys().cloned());
    }
    let (key, time) = (&spec.key, &spec.time);
    StreamInfo {
        name: stream.name().to_owned(),
        state: shown.board().facts().state,
        columns: stream.scored.fields().iter().map(|field| live::column_of(stream, field)).collect(),
        id: spec.id.clone(),
        key: key.clone(),
        time: time.clone(),
        numbers: live::numbers(stream),
        features: stream.features.iter().map(|feature| feature.sql().to_owned()).collect(),
        map: live::map_columns(stream),
        layers: live::layers(stream),
        aggregates: aggregates.into_iter().map(|(name, columns)| AggregateInfo { name, columns }).collect(),
        tables,
        example: format!(
            "SELECT {key}, count(*) AS events, max({time}) AS latest FROM processed_data GROUP BY {key} ORDER BY events DESC LIMIT 20"
        ),
        results: shown.watched.query_arguments(),
        jaeger: hub.jaeger.as_ref().map(|url| url.as_str().to_owned()),
    }
}
