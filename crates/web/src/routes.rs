//! The routes of `/api/v1`.

mod anomalies;
mod dead_letters;
mod graph;
mod handover;
mod live;
mod notes;
mod query;
mod redrive;
mod story;
mod streams;
mod view;

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, StringArray},
    compute,
    datatypes::{DataType, TimeUnit, TimestampMicrosecondType},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, hub::Shown, problem::Problem};

/// All of them.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(streams::session))
        .routes(routes!(streams::streams))
        .routes(routes!(streams::overview))
        .routes(routes!(anomalies::anomalies))
        .routes(routes!(story::story))
        .routes(routes!(notes::notes, notes::write))
        .routes(routes!(view::series))
        .routes(routes!(view::histograms))
        .routes(routes!(view::keys))
        .routes(routes!(view::map))
        .routes(routes!(view::aggregates))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::one))
        .routes(routes!(redrive::redrive))
        .routes(routes!(query::query))
        .routes(routes!(graph::graph))
        .routes(routes!(handover::handover))
        .routes(routes!(live::live))
        .routes(routes!(streams::openapi))
}

/// The stream of a name.
fn find<'a>(app: &'a App, name: &str) -> Result<(usize, &'a Arc<Shown>), Problem> {
    app.hub.find(name).ok_or_else(|| {
        let known: Vec<String> = app.hub.streams.iter().map(|shown| format!("`{}`", shown.stream.name())).collect();
        Problem::not_found("unknown-stream", format!("there is no stream `{name}`; there is {}", known.join(", ")))
    })
}

/// Refuses what is about anomalies where none are looked for.
fn must_detect(shown: &Shown) -> Result<(), Problem> {
    match shown.stream.definition.spec.detect {
        Some(_) => Ok(()),
        None => Err(Problem::not_found("no-anomalies", "the stream's definition looks for no anomalies; add `detect`")),
    }
}

/// Up to which commit an answer is so.
fn as_of(shown: &Shown) -> String {
    let board = shown.board();
    let facts = board.facts();
    match facts.committed_ms {
        Some(at) => format!("position {}, committed {}", facts.position, ::live::cells::iso(at * 1000)),
        None => format!("position {}", facts.position),
    }
}

/// The columns of an event, those of the detector left out.
fn event_columns(shown: &Shown) -> Vec<::live::Column> {
    let fields = shown.stream.scored.fields().iter();
    fields
        .filter(|field| !::live::of_detector(field.name()))
        .map(|field| ::live::column_of(&shown.stream, field))
        .collect()
}

/// Microseconds since 1970 of a time in ISO 8601; without a zone it is UTC.
fn micros(text: &str) -> Result<i64, Problem> {
    let refused =
        || Problem::bad_request("bad-time", format!("`{text}` is not a time; send ISO 8601, 2025-01-31T13:00:00Z"));
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let times = compute::cast(&array, &kind).map_err(|_| refused())?;
    times.as_primitive::<TimestampMicrosecondType>().iter().next().flatten().ok_or_else(refused)
}

/// A time that SQL can read, as it was given.
fn checked_time(text: &str) -> Result<&str, Problem> {
    micros(text).map(|_| text)
}
