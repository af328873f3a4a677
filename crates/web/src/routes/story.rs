//! The story of one anomaly: what happened, what was expected, what the key did before and after, who else alarmed.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::RecordBatch;
use axum::{extract::State, http::HeaderMap, response::Response};
use live::{Anomaly, Column, LayerKind, cells, layer_scores};
use serde::Serialize;
use serde_json::Value;
use stream::columns;
use utoipa::ToSchema;

use crate::{
    answer::{Names, json},
    app::App,
    hub::Shown,
    notes::NoteView,
    problem::Problem,
    rows,
    sql::{literal, name, time_of},
};

/// Events of the key up to the alarm,
const BEFORE_MAX: u64 = 60;
/// and behind it.
const AFTER_MAX: u64 = 40;
/// Numeric columns of the history at most.
const HISTORY_COLUMNS_MAX: usize = 6;
/// How far around the alarm other keys' alarms are of interest, in seconds.
const WINDOW_S: i64 = 60;
/// Other keys' alarms that are looked at,
const ALSO_ROWS_MAX: u64 = 5000;
/// and other keys that are listed.
const ALSO_MAX: usize = 20;

/// The story of one anomaly.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Story {
    anomaly: Anomaly,
    /// The event, column by column, with what was expected where that is known.
    event: Vec<EventValue>,
    /// Each rule and layer.
    layers: Vec<LayerView>,
    /// The key's events around the alarm.
    history: History,
    /// Other keys that alarmed then.
    also: Vec<Also>,
    /// How far around the alarm those were looked for, in seconds.
    window_s: i64,
    /// What people wrote about it.
    notes: Vec<NoteView>,
    /// The command that shows the event.
    command: String,
    /// Its trace, where it is known.
    trace: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct EventValue {
    column: Column,
    value: Value,
    expected_low: Value,
    expected_high: Value,
}

#[derive(Debug, Serialize, ToSchema)]
struct LayerView {
    name: String,
    kind: LayerKind,
    /// Whether it called the event an anomaly.
    fired: bool,
    /// Its score; null while the key is warming up, and for rules.
    score: Option<f64>,
    /// The score over its threshold, where the row has both.
    ratio: Option<f64>,
    /// What it looks at.
    what: String,
}

/// The key's events around the alarm, in the order of their time.
#[derive(Debug, Default, Serialize, ToSchema)]
struct History {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    /// Which row is the alarm; null where it is not committed yet.
    at: Option<usize>,
}

/// Another key that alarmed about then.
#[derive(Debug, Serialize, ToSchema)]
struct Also {
    key: String,
    count: u64,
    /// Its first alarm in the window.
    first: String,
    reasons: Vec<String>,
}

/// The story of one anomaly.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/anomalies/{id}",
    params(
        ("stream" = String, Path, description = "the stream's name"),
        ("id" = String, Path, description = "the event's id"),
    ),
    responses((status = 200, body = Story), (status = 504, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn story(
    State(app): State<Arc<App>>,
    Names((stream, id)): Names<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    super::must_detect(shown)?;
    let spec = &shown.stream.definition.spec;
    let by_id = format!("CAST({} AS VARCHAR) = {}", name(&spec.id), literal(&id));
    let sql = format!("SELECT *, {} AS {TIME} FROM anomalies WHERE {by_id} LIMIT 1", time_of(&name(&spec.time)));
    let found = app.sql.ask(shown, sql, 1).await?;
    let stored = found.batches.first().filter(|batch| batch.num_rows() > 0);
    let (mut anomaly, layers) = match stored {
        Some(batch) => (of_row(shown, batch), layer_scores(batch, 0)),
        None => (seen(shown, &id)?, Vec::new()),
    };
    shown.acknowledged().mark([&mut anomaly]);
    let history = history(&app, shown, &anomaly).await?;
    let also = also(&app, shown, &anomaly).await?;
    let notes = shown.notes.list();
    let about = notes.iter().filter(|note| note.anomalies.contains(&anomaly.id)).map(NoteView::from).collect();
    let where_id = format!("{} = {}", name(&spec.id), literal(&anomaly.id));
    let command = format!(
        "beamline query {} {}",
        shown.watched.query_arguments(),
        shell(&format!("SELECT * FROM anomalies WHERE {where_id}"))
    );
    let story = Story {
        event: event(shown, &anomaly),
        layers: layer_views(shown, &anomaly, &layers),
        history,
        also,
        window_s: WINDOW_S,
        notes: about,
        command,
        trace: anomaly.trace.clone(),
        anomaly,
    };
    json(&headers, &story)
}

/// The event's time as it is compared.
const TIME: &str = "_time";

fn of_row(shown: &Shown, batch: &RecordBatch) -> Anomaly {
    let mut anomaly = Anomaly::of(&shown.stream, batch, 0);
    if let Some(time) = batch.column_by_name(TIME) {
        anomaly.time = cells::text(time, 0);
    }
    anomaly.values.shift_remove(TIME);
    anomaly
}

/// An anomaly that is not committed yet.
fn seen(shown: &Shown, id: &str) -> Result<Anomaly, Problem> {
    let board = shown.board();
    let seen = board.recent().since(None, u64::MAX).anomalies.into_iter().find(|anomaly| anomaly.id == id).cloned();
    seen.ok_or_else(|| Problem::not_found("unknown-anomaly", format!("there is no anomaly `{id}`")))
}

fn event(shown: &Shown, anomaly: &Anomaly) -> Vec<EventValue> {
    let causes: Vec<&Value> = anomaly.causes.as_array().map(|causes| causes.iter().collect()).unwrap_or_default();
    let column = |name: &String| {
        shown.stream.scored.field_with_name(name).ok().map(|field| live::column_of(&shown.stream, field))
    };
    let value = |(name, value): (&String, &Value)| {
        let cause = causes.iter().find(|cause| cause["feature"] == **name);
        let expected = |end: &str| cause.map_or(Value::Null, |cause| cause[end].clone());
        Some(EventValue {
            column: column(name)?,
            value: value.clone(),
            expected_low: expected("expected_low"),
            expected_high: expected("expected_high"),
        })
    };
    anomaly.values.iter().filter_map(value).collect()
}

fn layer_views(shown: &Shown, anomaly: &Anomaly, scores: &[(&'static str, Option<f64>)]) -> Vec<LayerView> {
    let cause = |layer: &str, field: &str| {
        let causes = anomaly.causes.as_array()?;
        causes.iter().find(|cause| cause["layer"] == *layer)?[field].as_f64()
    };
    let view = |info: live::LayerInfo| {
        let score = scores.iter().find(|(name, _)| *name == info.name).and_then(|(_, score)| *score);
        let score = score.or_else(|| cause(&info.name, "score"));
        let ratio = cause(&info.name, "threshold").zip(score).map(|(threshold, score)| score / threshold);
        let fired = anomaly.reasons.contains(&info.name);
        LayerView { fired, score, ratio, name: info.name, kind: info.kind, what: info.what }
    };
    live::layers(&shown.stream).into_iter().map(view).collect()
}

async fn history(app: &App, shown: &Shown, anomaly: &Anomaly) -> Result<History, Problem> {
    let spec = &shown.stream.definition.spec;
    let (id, time) = (format!("CAST({} AS VARCHAR)", name(&spec.id)), time_of(&name(&spec.time)));
    let mut listed: Vec<String> = live::numbers(&shown.stream).into_iter().take(HISTORY_COLUMNS_MAX).collect();
    listed.extend([columns::ANOMALY_SCORE.to_owned(), columns::ANOMALOUS.to_owned()]);
    let select: Vec<String> = listed.iter().map(|column| name(column)).collect();
    let key = format!("CAST({} AS VARCHAR) = {}", name(&spec.key), literal(&anomaly.key));
    let at = time_of(&literal(super::checked_time(&anomaly.time)?));
    let ask = |than: &str, order: &str, limit: u64| {
        let sql = format!(
            "SELECT {id} AS _id, {time} AS {TIME}, {} FROM processed_data WHERE {key} AND {time} {than} {at} \
             ORDER BY {time} {order}, {id} {order} LIMIT {limit}",
            select.join(", ")
        );
        app.sql.ask(shown, sql, limit)
    };
    let mut before = rows::cells(&ask("<=", "DESC", BEFORE_MAX).await?.batches);
    before.reverse();
    before.extend(rows::cells(&ask(">", "ASC", AFTER_MAX).await?.batches));
    let at = before.iter().position(|row| row[0] == anomaly.id.as_str());
    let rows = before.into_iter().map(|mut row| row.split_off(1)).collect();
    listed.insert(0, "time".to_owned());
    Ok(History { columns: listed, rows, at })
}

async fn also(app: &App, shown: &Shown, anomaly: &Anomaly) -> Result<Vec<Also>, Problem> {
    let spec = &shown.stream.definition.spec;
    let (key, time) = (format!("CAST({} AS VARCHAR)", name(&spec.key)), time_of(&name(&spec.time)));
    let at = time_of(&literal(super::checked_time(&anomaly.time)?));
    let sql = format!(
        "SELECT {key} AS _key, {time} AS {TIME}, {} AS reasons FROM anomalies WHERE {key} <> {} \
         AND {time} >= {at} - INTERVAL '{WINDOW_S} seconds' AND {time} <= {at} + INTERVAL '{WINDOW_S} seconds' \
         ORDER BY {time} LIMIT {ALSO_ROWS_MAX}",
        name(columns::ANOMALY_REASONS),
        literal(&anomaly.key)
    );
    let found = app.sql.ask(shown, sql, ALSO_ROWS_MAX).await?;
    let mut keys: BTreeMap<String, Also> = BTreeMap::new();
    for row in rows::cells(&found.batches) {
        let text = |index: usize| row[index].as_str().unwrap_or_default().to_owned();
        let of =
            keys.entry(text(0)).or_insert_with(|| Also { key: text(0), count: 0, first: text(1), reasons: Vec::new() });
        of.count += 1;
        for reason in text(2).split(',') {
            if !of.reasons.iter().any(|known| known == reason) {
                of.reasons.push(reason.to_owned());
            }
        }
    }
    let mut also: Vec<Also> = keys.into_values().collect();
    also.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    also.truncate(ALSO_MAX);
    Ok(also)
}

/// A text as a shell takes it.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
