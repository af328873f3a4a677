//! Repaired dead letters on their way back: checked one by one, kept durably, put back once.

use std::{collections::HashSet, sync::Arc, time::SystemTime};

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    Mode,
    access::Caller,
    answer::{JsonBody, Names},
    app::App,
    hub::Shown,
    problem::Problem,
    rows,
    sql::{literal, name},
};

/// Dead letters of one request at most.
const EVENTS_MAX: usize = 100;

/// Repaired dead letters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repaired {
    /// Whether they are only checked; true without it.
    #[serde(default = "yes")]
    dry_run: bool,
    /// At most 100.
    events: Vec<RepairedEvent>,
    /// Who puts them back; the caller's role without it. Whom a proxy has signed in does so under that name.
    author: Option<String>,
}

/// One repaired dead letter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RepairedEvent {
    /// Where the dead letter stands, as the list has it.
    position: String,
    /// The event as it should be.
    event: Map<String, Value>,
}

/// What becomes of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Outcome {
    dry_run: bool,
    /// How many would come through.
    accepted: usize,
    /// Those that would not, and why.
    rejected: Vec<Rejected>,
    /// Whether they were kept: only where all of them were accepted, and it was no dry run.
    applied: bool,
    /// The same in words.
    outcome: String,
}

/// An event that would not come through.
#[derive(Debug, Serialize, ToSchema)]
struct Rejected {
    position: String,
    reason: String,
}

/// Checks repaired dead letters, and puts them back where all are good and it is not a dry run: on Kafka at once, in one
/// process at the next start of the stream.
#[utoipa::path(
    post,
    path = "/api/v1/streams/{stream}/dead-letters/redrive",
    params(("stream" = String, Path, description = "the stream's name")),
    request_body = Repaired,
    responses((status = 200, body = Outcome), (status = 504, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn redrive(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Names(stream): Names<String>,
    JsonBody(repaired): JsonBody<Repaired>,
) -> Result<Json<Outcome>, Problem> {
    caller.must_redrive()?;
    let (_, shown) = super::find(&app, &stream)?;
    if repaired.events.is_empty() || repaired.events.len() > EVENTS_MAX {
        let detail = format!("send between 1 and {EVENTS_MAX} events");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-events", detail));
    }
    let mut rejected = unknown(&app, shown, &repaired.events).await?;
    rejected.extend(known_ids(&app, shown, &repaired.events).await?);
    let (checked, events) = (shown.clone(), repaired.events.clone());
    // Checking runs the stages.
    let bad = tokio::task::spawn_blocking(move || bad(&checked, &events)).await;
    rejected
        .extend(bad.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?);
    let mut refused = HashSet::new();
    rejected.retain(|one| refused.insert(one.position.clone()));
    let accepted = repaired.events.len() - rejected.len();
    let at_once = shown.watched.mode() == Mode::Kafka;
    let (dry_run, all_good) = (repaired.dry_run, rejected.is_empty());
    let applied = all_good && !dry_run;
    if applied {
        let author = caller.author(repaired.author.clone());
        keep(shown.clone(), repaired, author).await?;
    }
    let outcome = match (all_good, dry_run) {
        (false, _) => "nothing is put back: all of them have to be good",
        (true, true) if at_once => "they would be sent to the stream's topic",
        (true, false) if at_once => "they are sent to the stream's topic",
        (true, true) => "they would be put back at the next start of the stream",
        (true, false) => "they are kept, and put back at the next start of the stream",
    };
    Ok(Json(Outcome { dry_run, accepted, rejected, applied, outcome: outcome.to_owned() }))
}

fn yes() -> bool {
    true
}

/// Positions that are not those of dead letters, or of such that were put back before.
async fn unknown(app: &App, shown: &Shown, events: &[RepairedEvent]) -> Result<Vec<Rejected>, Problem> {
    let mut positions = Vec::new();
    let mut rejected = Vec::new();
    for event in events {
        match &event.position {
            twice if positions.contains(twice) => rejected.push(event.rejected("it comes twice")),
            position if shown.redriven().contains_key(position) => {
                rejected.push(event.rejected("it was put back before"))
            }
            position => positions.push(position.clone()),
        }
    }
    if positions.is_empty() {
        return Ok(rejected);
    }
    let list: Vec<String> = positions.iter().map(|position| literal(position)).collect();
    let id = shown.watched.dead_letters().id;
    let sql = format!("SELECT DISTINCT {id} AS id FROM dead_letters WHERE {id} IN ({})", list.join(", "));
    let found = rows::cells(&app.sql.ask(shown, sql, EVENTS_MAX as u64).await?.batches);
    let missing = events.iter().filter(|event| {
        let asked = positions.contains(&event.position);
        asked && !found.iter().any(|row| row[0] == event.position.as_str())
    });
    rejected.extend(missing.map(|event| event.rejected("there is no dead letter at this position")));
    Ok(rejected)
}

/// Events whose id has come through before: they would be there twice.
async fn known_ids(app: &App, shown: &Shown, events: &[RepairedEvent]) -> Result<Vec<Rejected>, Problem> {
    let id = &shown.stream.definition.spec.id;
    let of = |event: &RepairedEvent| match event.event.get(id) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Null) | None => None,
        Some(other) => Some(other.to_string()),
    };
    let list: Vec<String> = events.iter().filter_map(of).map(|id| literal(&id)).collect();
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let column = format!("CAST({} AS VARCHAR)", name(id));
    let sql = format!("SELECT DISTINCT {column} FROM processed_data WHERE {column} IN ({})", list.join(", "));
    let found = rows::cells(&app.sql.ask(shown, sql, EVENTS_MAX as u64).await?.batches);
    let known = events.iter().filter(|event| of(event).is_some_and(|id| found.iter().any(|row| row[0] == id.as_str())));
    Ok(known.map(|event| event.rejected("an event with this id came through before")).collect())
}

/// Events that would become dead letters again.
fn bad(shown: &Shown, events: &[RepairedEvent]) -> Vec<Rejected> {
    let check = |event: &RepairedEvent| {
        let reason = shown.watched.check_repaired(event.line().as_bytes()).err()?;
        Some(event.rejected(&reason))
    };
    events.iter().filter_map(check).collect()
}

/// Makes them durable, and writes down that they are.
async fn keep(shown: Arc<Shown>, repaired: Repaired, author: String) -> Result<(), Problem> {
    let failed = |error: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-kept", error).retry_after(5);
    let kept = tokio::task::spawn_blocking(move || {
        let lines: String = repaired.events.iter().map(RepairedEvent::line).collect();
        let file = shown.watched.put_back(lines.as_bytes())?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let note = store::Note {
            id: String::new(),
            kind: store::NoteKind::Redrive,
            author,
            role: "operator".to_owned(),
            at: now.as_micros() as i64,
            text: file,
            anomalies: Vec::new(),
            dead_letters: repaired.events.iter().map(|event| event.position.clone()).collect(),
        };
        shown.write(note).map(drop).map_err(|error| error.to_string())
    });
    kept.await.map_err(|error| failed(error.to_string()))?.map_err(failed)
}

impl RepairedEvent {
    fn rejected(&self, reason: &str) -> Rejected {
        Rejected { position: self.position.clone(), reason: reason.to_owned() }
    }

    fn line(&self) -> String {
        format!("{}\n", Value::Object(self.event.clone()))
    }
}
