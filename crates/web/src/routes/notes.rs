//! Acknowledgements and notes: records that carry author and time, and cover what their author saw.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::Caller,
    answer::{JsonBody, Names, Params, json},
    app::App,
    hub::Shown,
    notes::{NoteKindView, NoteView},
    page_cursor::PageCursor,
    problem::Problem,
    sql::{literal, name},
};

/// Anomalies that one note covers at most.
const ANOMALIES_MAX: usize = 500;
/// Bytes of a note's text at most.
const TEXT_BYTES_MAX: usize = 4096;
/// Bytes of an author's name at most.
const AUTHOR_BYTES_MAX: usize = 64;
/// Notes of a page where nobody says how many,
const LIMIT_DEFAULT: usize = 100;
/// and at most.
const LIMIT_MAX: usize = 500;

/// Which notes, and from where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// How many at most: 100 without it, 500 at most.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Only those from this time on, ISO 8601.
    from: Option<String>,
    /// Only those before this time, ISO 8601.
    to: Option<String>,
}

/// A page of notes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotesPage {
    /// The newest first.
    notes: Vec<NoteView>,
    /// What to send as `cursor` for the page behind this one; null at the end.
    next: Option<String>,
}

/// What is to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    kind: NoteKindView,
    /// What to say; at most 4,096 bytes. A note must say something.
    #[serde(default)]
    text: String,
    /// The ids of the anomalies that its author saw; an acknowledgement has at least one, and no note more than 500.
    #[serde(default)]
    anomalies: Vec<String>,
    /// Who writes; the caller's role without it. Whom a proxy has signed in writes under that name.
    author: Option<String>,
}

/// What people wrote.
#[utoipa::path(
    get,
    path = "/api/v1/streams/{stream}/notes",
    params(("stream" = String, Path, description = "the stream's name"), Wanted),
    responses((status = 200, body = NotesPage)),
)]
pub(crate) async fn notes(
    State(app): State<Arc<App>>,
    Names(stream): Names<String>,
    Params(wanted): Params<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, shown) = super::find(&app, &stream)?;
    let limit = wanted.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let before = match wanted.cursor.as_ref().filter(|cursor| !cursor.is_empty()) {
        None => u64::MAX,
        Some(cursor) => {
            let PageCursor(parts) = cursor.parse()?;
            let number = parts.first().and_then(|number| number.parse().ok());
            number.ok_or_else(PageCursor::refused)?
        }
    };
    let bound = |bound: &Option<String>| bound.as_deref().map(super::micros).transpose();
    let (from, to) = (bound(&wanted.from)?.unwrap_or(i64::MIN), bound(&wanted.to)?.unwrap_or(i64::MAX));
    let all = shown.notes.list();
    let number = |note: &store::Note| note.id.parse::<u64>().unwrap_or_default();
    let mut found = all.iter().rev().filter(|note| number(note) < before && (from..to).contains(&note.at));
    let page: Vec<&store::Note> = found.by_ref().take(limit).collect();
    let next = page.last().filter(|_| found.next().is_some()).map(|last| PageCursor(vec![last.id.clone()]).to_string());
    json(&headers, &NotesPage { notes: page.into_iter().map(NoteView::from).collect(), next })
}

/// Acknowledges anomalies, or leaves a note.
#[utoipa::path(
    post,
    path = "/api/v1/streams/{stream}/notes",
    params(("stream" = String, Path, description = "the stream's name")),
    request_body = Draft,
    responses((status = 201, body = NoteView), (status = 504, body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn write(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Names(stream): Names<String>,
    JsonBody(draft): JsonBody<Draft>,
) -> Result<Response, Problem> {
    caller.must_operate()?;
    let (_, shown) = super::find(&app, &stream)?;
    check(&draft)?;
    if !draft.anomalies.is_empty() {
        super::must_detect(shown)?;
        must_be_there(&app, shown, &draft.anomalies).await?;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let note = store::Note {
        id: String::new(),
        kind: draft.kind.into(),
        author: caller.author(draft.author),
        role: caller.role.name().to_owned(),
        at: now.as_micros() as i64,
        text: draft.text,
        anomalies: draft.anomalies,
        dead_letters: Vec::new(),
    };
    let shown = shown.clone();
    // Making it durable waits for the disk.
    let written = tokio::task::spawn_blocking(move || shown.write(note)).await;
    match written {
        Ok(Ok(note)) => Ok((StatusCode::CREATED, Json(NoteView::from(&note))).into_response()),
        Ok(Err(error)) => Err(not_kept(&error)),
        Err(error) => Err(not_kept(&error)),
    }
}

fn not_kept(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-kept", format!("nothing was kept: {error}")).retry_after(5)
}

fn check(draft: &Draft) -> Result<(), Problem> {
    let refuse = |detail: String| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-note", detail));
    let author = draft.author.as_deref().unwrap_or_default();
    if draft.text.len() > TEXT_BYTES_MAX {
        return refuse(format!("a text has at most {TEXT_BYTES_MAX} bytes"));
    }
    if author.len() > AUTHOR_BYTES_MAX || author.chars().any(char::is_control) {
        return refuse(format!("an author's name has at most {AUTHOR_BYTES_MAX} bytes and no control characters"));
    }
    if draft.anomalies.len() > ANOMALIES_MAX {
        return refuse(format!("one note covers at most {ANOMALIES_MAX} anomalies"));
    }
    match draft.kind {
        NoteKindView::Acknowledgement if draft.anomalies.is_empty() => {
            refuse("an acknowledgement names the anomalies that were seen".to_owned())
        }
        NoteKindView::Note if draft.text.trim().is_empty() => refuse("a note says something".to_owned()),
        NoteKindView::Redrive => refuse("dead letters are put back by `dead-letters/redrive`".to_owned()),
        _ => Ok(()),
    }
}

/// Makes sure that each of the ids is that of an anomaly.
async fn must_be_there(app: &App, shown: &Shown, ids: &[String]) -> Result<(), Problem> {
    let mut unknown: Vec<&String> = {
        let board = shown.board();
        let seen = board.recent().since(None, u64::MAX).anomalies;
        ids.iter().filter(|id| !seen.iter().any(|anomaly| anomaly.id == **id)).collect()
    };
    if !unknown.is_empty() {
        let id = format!("CAST({} AS VARCHAR)", name(&shown.stream.definition.spec.id));
        let list: Vec<String> = unknown.iter().map(|id| literal(id)).collect();
        let sql = format!("SELECT DISTINCT {id} AS id FROM anomalies WHERE {id} IN ({})", list.join(", "));
        let found = app.sql.ask(shown, sql, ANOMALIES_MAX as u64).await?;
        for batch in &found.batches {
            let stored: Vec<String> =
                (0..batch.num_rows()).map(|row| live::cells::text(batch.column(0), row)).collect();
            unknown.retain(|id| !stored.contains(id));
        }
    }
    match unknown.first() {
        None => Ok(()),
        Some(id) => {
            let detail = format!("there is no anomaly `{id}`: only what was seen can be acknowledged");
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown-anomaly", detail))
        }
    }
}
