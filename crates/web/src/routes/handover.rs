//! The hand-over of a shift: its alarms by episode with what was written, dead letters, lag, and what is open.

mod markdown;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use live::{DeadLetters, Lag, cells::iso};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stream::columns;
use utoipa::{IntoParams, ToSchema};

use self::markdown::markdown;
use super::query::download;
use crate::{
    answer::{Names, Params, json},
    app::App,
    hub::{Shown, now_ms},
    notes::NoteView,
    problem::Problem,
    rows,
    sql::{literal, name, time_of},
};

/// Alarms of a shift that are looked at; beyond it the hand-over says that it is not all.
const ALARMS_MAX: u64 = 50_000;
/// Episodes that are listed.
const EPISODES_MAX: usize = 500;
/// A key's alarms that lie no further apart are one episode, in microseconds.
const EPISODE_GAP: i64 = 5 * 60 * 1_000_000;
/// A shift, where nobody says when it began: 8 hours, in microseconds.
const SHIFT: i64 = 8 * 3600 * 1_000_000;

/// Which shift.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Shift {
    /// When it began, ISO 8601; eight hours before its end without it.
    from: Option<String>,
    /// When it ended, ISO 8601; now without it.
    to: Option<String>,
}

/// The hand-over of a shift.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Handover {
    stream: String,
    from: String,
    to: String,
    /// Alarms by episode, by event time: the most frequent first.
    episodes: Vec<Episode>,
    /// Whether there were more alarms or episodes than are listed.
    truncated: bool,
    dead_letters: DeadLetters,
    lag: Lag,
    /// What was written in the shift, oldest first.
    notes: Vec<NoteView>,
    /// What the next shift should look at.
    open: Vec<String>,
}

/// Alarms of one key that belong together.
#[derive(Debug, Serialize, ToSchema)]
struct Episode {
    key: String,
    first: String,
    last: String,
    count: u64,
    reasons: Vec<String>,
    /// The largest score, in bits.
    worst: f64,
    /// How many of them somebody acknowledged.
    acknowledged: u64,
    /// What was written about them.
    notes: Vec<NoteView>,
    #[serde(skip)]
    ids: Vec<String>,
    #[serde(skip)]
    last_micros: i64,
}

/// The hand-over of a shift, as JSON, or with `Accept: text/markdown` as a file.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/handover",
    params(("stream" = String, Path, description = "the stream's name"), Shift),
    responses(
        (status = 200, content((Handover = "application/json"), (String = "text/markdown"))),
        (status = 504, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn handover(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    Params(shift): Params<Shift>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    let to = shift.to.as_deref().map(super::micros).transpose()?.unwrap_or(now_ms() * 1000);
    let from = shift.from.as_deref().map(super::micros).transpose()?.unwrap_or(to.saturating_sub(SHIFT));
    if from >= to {
        return Err(Problem::bad_request("bad-time", "the shift ends before it begins: swap `from` and `to`"));
    }
    let handover = gather(&app, shown, from, to).await?;
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepted.contains("text/markdown") {
        let name = format!("handover-{}.md", shown.stream.name());
        return Ok(download(markdown(&handover).into_bytes(), "text/markdown; charset=utf-8", &name));
    }
    json(&headers, &handover)
}

async fn gather(app: &App, shown: &Shown, from: i64, to: i64) -> Result<Handover, Problem> {
    let written: Vec<store::Note> = shown.notes.list();
    let (mut episodes, mut truncated) = match shown.stream.definition.spec.detect {
        Some(_) => episodes(app, shown, from, to).await?,
        None => (Vec::new(), false),
    };
    truncated |= episodes.len() > EPISODES_MAX;
    episodes.truncate(EPISODES_MAX);
    for episode in &mut episodes {
        let about = written.iter().filter(|note| note.anomalies.iter().any(|id| episode.ids.contains(id)));
        episode.notes = about.map(NoteView::from).collect();
    }
    let overview = shown.board().overview(now_ms());
    let unseen = episodes.iter().filter(|episode| episode.acknowledged < episode.count).count();
    let mut open = Vec::new();
    if unseen > 0 {
        open.push(format!("{unseen} episodes have alarms that nobody acknowledged"));
    }
    if overview.dead_letters.open > 0 {
        open.push(format!("{} dead letters are not repaired", overview.dead_letters.open));
    }
    if overview.level != live::Level::Ok {
        open.push(overview.sentence.clone());
    }
    let in_shift = written.iter().filter(|note| (from..to).contains(&note.at));
    Ok(Handover {
        stream: shown.stream.name().to_owned(),
        from: iso(from),
        to: iso(to),
        episodes,
        truncated,
        dead_letters: overview.dead_letters,
        lag: overview.lag,
        notes: in_shift.map(NoteView::from).collect(),
        open,
    })
}

async fn episodes(app: &App, shown: &Shown, from: i64, to: i64) -> Result<(Vec<Episode>, bool), Problem> {
    let spec = &shown.stream.definition.spec;
    let text = |column: &str| format!("CAST({} AS VARCHAR)", name(column));
    let time = time_of(&name(&spec.time));
    let bound = |micros: i64| time_of(&literal(&iso(micros)));
    let sql = format!(
        "SELECT {}, {}, CAST({time} AS BIGINT), {}, {} FROM anomalies WHERE {time} >= {} AND {time} < {} \
         ORDER BY {time} LIMIT {ALARMS_MAX}",
        text(&spec.key),
        text(&spec.id),
        name(columns::ANOMALY_REASONS),
        name(columns::ANOMALY_SCORE),
        bound(from),
        bound(to)
    );
    let found = app.sql.ask(shown, sql, ALARMS_MAX).await?;
    let acknowledged = shown.acknowledged();
    let mut newest: BTreeMap<String, Episode> = BTreeMap::new();
    let mut ended = Vec::new();
    let mut rows_seen = 0;
    for row in rows::cells(&found.batches) {
        rows_seen += 1;
        let of = |index: usize| row[index].as_str().unwrap_or_default().to_owned();
        let (key, id, at) = (of(0), of(1), micros(&row[2]));
        if newest.get(&key).is_some_and(|episode: &Episode| at - episode.last_micros > EPISODE_GAP) {
            ended.extend(newest.remove(&key));
        }
        let episode = newest.entry(key.clone()).or_insert_with(|| Episode::new(key, at));
        episode.add(id, at, &of(3), row[4].as_f64().unwrap_or_default(), &acknowledged);
    }
    ended.extend(newest.into_values());
    ended.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.first.cmp(&b.first)).then_with(|| a.key.cmp(&b.key)));
    Ok((ended, rows_seen >= ALARMS_MAX))
}

impl Episode {
    fn new(key: String, at: i64) -> Self {
        Self {
            key,
            first: iso(at),
            last: iso(at),
            count: 0,
            reasons: Vec::new(),
            worst: 0.0,
            acknowledged: 0,
            notes: Vec::new(),
            ids: Vec::new(),
            last_micros: at,
        }
    }

    fn add(&mut self, id: String, at: i64, reasons: &str, score: f64, acknowledged: &crate::notes::AcknowledgedIds) {
        self.count += 1;
        self.acknowledged += u64::from(acknowledged.has(&id));
        self.ids.push(id);
        (self.last, self.last_micros) = (iso(at), at);
        self.worst = self.worst.max(score);
        for reason in reasons.split(',').filter(|reason| !reason.is_empty()) {
            if !self.reasons.iter().any(|known| known == reason) {
                self.reasons.push(reason.to_owned());
            }
        }
    }
}

/// An integer that may have come as text.
fn micros(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}
