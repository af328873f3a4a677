//! The pipeline as a graph: what the definition has, with what flows.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use live::{Overview, StageState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    answer::{Names, json},
    app::App,
    hub::{Shown, now_ms},
    problem::Problem,
};

/// The pipeline of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

/// A source, a stage or a table.
#[derive(Debug, Serialize, ToSchema)]
struct Node {
    id: &'static str,
    kind: NodeKind,
    label: String,
    state: StageState,
    /// Records a second.
    rate: Option<f64>,
    /// Records so far.
    total: u64,
    metrics: Vec<Metric>,
    /// What to do when something is wrong.
    runbook: Option<String>,
}

/// What a node is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum NodeKind {
    Source,
    Stage,
    Table,
}

/// A figure of a node.
#[derive(Debug, Serialize, ToSchema)]
struct Metric {
    name: &'static str,
    value: f64,
}

/// What flows from one node to another.
#[derive(Debug, Serialize, ToSchema)]
struct Edge {
    from: &'static str,
    to: &'static str,
    /// Records a second.
    rate: f64,
    /// Records so far.
    total: u64,
    state: StageState,
    label: &'static str,
}

/// The pipeline, from its source to its tables.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/graph",
    params(("stream" = String, Path, description = "the stream's name")),
    responses((status = 200, body = Graph)),
)]
pub(crate) async fn graph(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    let overview = shown.board().overview(now_ms());
    json(&headers, &draw(shown, &overview))
}

fn draw(shown: &Shown, overview: &Overview) -> Graph {
    let ledger = &overview.ledger;
    // What flows past the stages is in the proportion of what flowed so far: the ledger is exact, rates are not.
    let rate = |part: u64| overview.rate.now * part as f64 / ledger.records.max(1) as f64;
    let came_out = ledger.out + ledger.late;
    let mut graph = Graph { nodes: Vec::new(), edges: Vec::new() };
    let mut last = None;
    for stage in overview.stages.iter().filter(|stage| stage.name != "store" && stage.rate.is_some()) {
        let total = if stage.name == "source" || stage.name == "enrich" { ledger.records } else { came_out };
        graph.nodes.push(Node {
            id: stage.name,
            kind: if stage.name == "source" { NodeKind::Source } else { NodeKind::Stage },
            label: if stage.name == "source" { stage.detail.clone() } else { stage.name.to_owned() },
            state: stage.state,
            rate: Some(rate(total)),
            total,
            metrics: metrics(stage.name, overview),
            runbook: None,
        });
        if let Some(from) = last {
            graph.edges.push(Edge { from, to: stage.name, rate: rate(total), total, state: stage.state, label: "" });
        }
        last = Some(stage.name);
    }
    let store = overview.stages.iter().find(|stage| stage.name == "store").map_or(StageState::Ok, |stage| stage.state);
    let spec = &shown.stream.definition.spec;
    let mut table = |id: &'static str, from: &'static str, total: u64, label: &'static str| {
        graph.nodes.push(Node {
            id,
            kind: NodeKind::Table,
            label: id.replace('_', " "),
            state: store,
            rate: Some(rate(total)),
            total,
            metrics: vec![Metric { name: "lag_seconds", value: overview.lag.seconds }],
            runbook: None,
        });
        graph.edges.push(Edge { from, to: id, rate: rate(total), total, state: store, label });
    };
    let scored = if spec.detect.is_some() { "detect" } else { "enrich" };
    table("processed_data", scored, came_out, "");
    if spec.detect.is_some() {
        table("anomalies", "detect", overview.alarms.total, "anomalous");
    }
    if !shown.stream.aggregates.is_empty() {
        table("aggregates", "aggregate", ledger.out, "windows");
        table("late", "aggregate", ledger.late, "too late");
    }
    table("dead_letters", "enrich", ledger.dead_lettered, "failed");
    if spec.enrich.filter.is_some() {
        table("filtered", "enrich", ledger.filtered, "noise");
    }
    graph
}

fn metrics(stage: &str, overview: &Overview) -> Vec<Metric> {
    let ledger = &overview.ledger;
    let of = |pairs: &[(&'static str, f64)]| pairs.iter().map(|(name, value)| Metric { name, value: *value }).collect();
    match stage {
        "source" => of(&[("records", ledger.records as f64), ("read", overview.source.done as f64)]),
        "enrich" => of(&[("filtered", ledger.filtered as f64), ("dead_letters", ledger.dead_lettered as f64)]),
        "detect" => of(&[("anomalies", overview.alarms.total as f64), ("not_scored", ledger.unscored as f64)]),
        _ => of(&[("late", ledger.late as f64)]),
    }
}
