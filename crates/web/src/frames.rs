//! What a version has of each view, as events of the live stream.

use axum::http::StatusCode;
use bytes::Bytes;
use live::{Anomaly, Board};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    event::event,
    hub::{Hub, Shown, now_ms},
    problem::Problem,
};

/// Columns of a connection's series at most.
const COLUMNS_MAX: usize = 8;
/// Columns of its series where it names none.
const COLUMNS_DEFAULT: usize = 4;
/// Seconds of series that are sent whole,
const SERIES_S: i64 = 900;
/// and those that are sent to a connection that has the rest.
const SERIES_NEW_S: i64 = 30;
/// A connection that was sent nothing for so many versions has not the rest: half of the seconds above.
const VERSIONS_PASSED_OVER_MAX: u64 = 30;
/// Histograms, maps and keys are sent whole in every so many versions.
const WHOLE_EVERY: u64 = 2;

/// A view of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum View {
    Overview,
    Anomalies,
    Notes,
    Series { key: Option<String>, columns: Vec<String> },
    Histograms,
    Map,
    Keys,
}

/// The views of a connection.
#[derive(Debug)]
pub(crate) struct Views(Vec<View>);

impl Views {
    pub(crate) fn parse(
        shown: &Shown,
        views: Option<&str>,
        key: Option<String>,
        columns: Option<&str>,
    ) -> Result<Self, Problem> {
        let list = |text: &str| -> Vec<String> {
            text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let numbers = live::numbers(&shown.stream);
        let columns = columns.map_or_else(|| numbers.iter().take(COLUMNS_DEFAULT).cloned().collect(), list);
        if let Some(unknown) = columns.iter().find(|column| !numbers.contains(column)) {
            let detail = format!("there is no series of `{unknown}`; there are {}", numbers.join(", "));
            return Err(Problem::bad_request("unknown-column", detail));
        }
        if columns.len() > COLUMNS_MAX {
            let detail = format!("a live stream has series of {COLUMNS_MAX} columns at most");
            return Err(Problem::bad_request("too-many-columns", detail));
        }
        let mut parsed = Vec::new();
        for name in list(views.unwrap_or("overview")) {
            let view = match name.as_str() {
                "overview" => View::Overview,
                "anomalies" => View::Anomalies,
                "series" => View::Series { key: key.clone(), columns: columns.clone() },
                "histograms" => View::Histograms,
                "map" => View::Map,
                "keys" => View::Keys,
                "notes" => View::Notes,
                other => {
                    let detail = format!(
                        "there is no view `{other}`; there are overview, anomalies, notes, series, histograms, map, keys"
                    );
                    return Err(Problem::new(StatusCode::BAD_REQUEST, "unknown-view", detail));
                }
            };
            if !parsed.contains(&view) {
                parsed.push(view);
            }
        }
        Ok(Self(parsed))
    }

    pub(crate) fn list(&self) -> &[View] {
        &self.0
    }
}

/// What `version` has of a view for a connection that was sent version `sent` last.
pub(crate) fn frame(hub: &Hub, number: usize, view: &View, version: u64, sent: Option<u64>) -> Bytes {
    // Views that come whole are the same for everyone.
    let since = match view {
        View::Anomalies | View::Notes | View::Series { .. } => sent,
        _ => None,
    };
    let due = sent.is_none_or(|sent| version / WHOLE_EVERY > sent / WHOLE_EVERY);
    if matches!(view, View::Histograms | View::Map | View::Keys) && !due {
        return Bytes::new();
    }
    let shown = &hub.streams[number];
    hub.frame(version, (number, format!("{view:?}"), since), || {
        if *view == View::Notes {
            return notes(shown, version, sent);
        }
        let board = shown.board();
        match view {
            View::Overview => data("overview", &board.overview(now_ms())),
            View::Anomalies => anomalies(shown, &board, version, sent),
            View::Series { key, columns } => {
                let known = sent.is_some_and(|sent| version - sent <= VERSIONS_PASSED_OVER_MAX);
                series(&board, key.as_deref(), columns, known)
            }
            View::Histograms => {
                board.histograms(None, now_ms() / 1000).map_or_else(|_| Bytes::new(), |all| data("histograms", &all))
            }
            View::Map => board.map().map_or_else(Bytes::new, |map| data("map", &map)),
            View::Keys => data("keys", &board.keys()),
            View::Notes => Bytes::new(),
        }
    })
}

fn anomalies(shown: &Shown, board: &Board, version: u64, sent: Option<u64>) -> Bytes {
    let since = board.recent().since(sent, version);
    let mut bytes = Vec::new();
    if since.full || !since.anomalies.is_empty() {
        let mut anomalies: Vec<Anomaly> = since.anomalies.into_iter().cloned().collect();
        shown.acknowledged().mark(&mut anomalies);
        let missed = board.recent().missed();
        let frame = json!({ "full": since.full, "missed": missed, "anomalies": anomalies });
        bytes.extend_from_slice(&data("anomalies", &frame));
    }
    bytes.extend_from_slice(&data("committed", &json!({ "position": board.facts().position })));
    bytes.into()
}

/// What was written since; a page that begins asks for what was written before.
fn notes(shown: &Shown, version: u64, sent: Option<u64>) -> Bytes {
    match sent.map(|sent| shown.news(sent, version)).filter(|notes| !notes.is_empty()) {
        Some(notes) => data("notes", &json!({ "notes": notes })),
        None => Bytes::new(),
    }
}

/// The series: all of what is kept for a connection that has nothing, else the buckets that may have changed.
fn series(board: &Board, key: Option<&str>, columns: &[String], known: bool) -> Bytes {
    let now = now_ms() / 1000;
    let from = if known { now - SERIES_NEW_S } else { now - SERIES_S };
    let mut all = serde_json::Map::new();
    let mut start_s = now;
    for column in columns {
        // A key without rows so far has no series: there is nothing to draw of it.
        let Ok(series) = board.series(key, column, 1, from, now) else { continue };
        start_s = series.start_s;
        let values = json!({
            "count": series.count, "first": series.first, "min": series.min, "max": series.max, "last": series.last,
        });
        all.insert(column.clone(), values);
    }
    data(
        "series",
        &json!({ "full": !known, "key": key, "step_s": 1, "start_s": start_s, "columns": Value::Object(all) }),
    )
}

fn data<T: Serialize>(name: &str, value: &T) -> Bytes {
    match serde_json::to_string(value) {
        Ok(text) => event(None, name, &text),
        Err(error) => {
            tracing::error!(%error, "a view cannot be sent");
            Bytes::new()
        }
    }
}
