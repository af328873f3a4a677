//! The live stream: server-sent events that a page reads through `fetch`, resuming behind a break.
//!
//! A batch of events ends with `tick`; all of a batch carry the same id, `EPOCH.SEQUENCE`. A connection that is slow takes
//! the newest version when it is ready again: versions between are passed over, never queued.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures::stream;
use live::Cursor;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time,
};
use utoipa::IntoParams;

use crate::{
    answer::Params,
    app::App,
    event::event,
    frames::{Views, frame},
    hub::now_ms,
    problem::Problem,
};

/// How often something is sent where nothing happens, so that nobody between closes the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// After how long a page comes again when the server has ended.
const RETRY_MS: u64 = 1000;

/// What is followed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Followed {
    /// The stream's name.
    stream: String,
    /// Which views, with commas between: overview, anomalies, notes, series, histograms, map, keys. `overview` without it.
    views: Option<String>,
    /// The key of the series; all keys together without it.
    key: Option<String>,
    /// The columns of the series, with commas between; the first four numeric ones without it.
    columns: Option<String>,
    /// The last id that was read whole, to go on from there.
    cursor: Option<String>,
}

/// One connection.
struct Connection {
    app: Arc<App>,
    /// Held for as long as the connection is open.
    _place: OwnedSemaphorePermit,
    number: usize,
    views: Views,
    versions: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
    /// The version that was sent last; `None` where nothing was.
    sent: Option<u64>,
    said_hello: bool,
    said_bye: bool,
}

/// Why a connection goes on.
enum Woken {
    Version,
    Ending,
    Quiet,
    Gone,
}

/// Follows a stream: server-sent events `hello`, then batches that end with `tick`, and `bye` when the server ends.
#[utoipa::path(
    get,
    path = "/api/v1/live",
    params(Followed),
    responses((status = 200, content_type = "text/event-stream", body = String)),
)]
pub(crate) async fn live(State(app): State<Arc<App>>, Params(followed): Params<Followed>) -> Result<Response, Problem> {
    let (number, shown) = super::find(&app, &followed.stream)?;
    let views = Views::parse(shown, followed.views.as_deref(), followed.key, followed.columns.as_deref())?;
    let cursor: Option<Cursor> = match followed.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => Some(cursor.parse().map_err(|error| Problem::bad_request("bad-cursor", format!("{error}")))?),
        None => None,
    };
    let place = app.limits.stream()?;
    let mut versions = app.hub.follow();
    versions.mark_changed();
    let newest = *versions.borrow();
    let sent = cursor.and_then(|cursor| cursor.resumes(&app.hub.epoch, newest));
    let ending = app.ending.clone();
    let connection = Connection {
        app: app.clone(),
        _place: place,
        number,
        views,
        versions,
        ending,
        sent,
        said_hello: false,
        said_bye: false,
    };
    let body = stream::unfold(connection, |mut connection| async {
        let bytes = connection.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), connection))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that gathers answers would hold the events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

impl Connection {
    /// The next bytes to send; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.said_bye {
            return None;
        }
        if !self.said_hello {
            self.said_hello = true;
            return Some(self.hello());
        }
        let woken = tokio::select! {
            // Whatever happened before the end is sent first.
            biased;
            changed = self.versions.changed() => changed.map_or(Woken::Gone, |()| Woken::Version),
            _ = self.ending.wait_for(|ending| *ending) => Woken::Ending,
            () = time::sleep(KEEP_ALIVE) => Woken::Quiet,
        };
        match woken {
            Woken::Version => Some(self.batch()),
            Woken::Ending => Some(self.bye()),
            Woken::Quiet => Some(Bytes::from_static(b": keep-alive\n\n")),
            Woken::Gone => None,
        }
    }

    fn hello(&self) -> Bytes {
        let newest = *self.versions.borrow();
        let hello = json!({
            "epoch": self.app.hub.epoch, "seq": self.sent.unwrap_or(newest), "resumed": self.sent.is_some(),
            "now_ms": now_ms(),
        });
        // Whoever breaks off here goes on from where they were: nothing of a batch has come yet.
        event(None, "hello", &hello.to_string())
    }

    /// Everything that is new of the views, and the tick that ends it.
    fn batch(&mut self) -> Bytes {
        let version = *self.versions.borrow_and_update();
        let id = Cursor { epoch: self.app.hub.epoch.clone(), sequence: version }.to_string();
        let mut batch = Vec::new();
        for view in self.views.list() {
            let bytes = frame(&self.app.hub, self.number, view, version, self.sent);
            batch.extend_from_slice(&bytes);
        }
        batch.extend_from_slice(&event(Some(&id), "tick", &json!({ "at_ms": now_ms() }).to_string()));
        self.sent = Some(version);
        batch.into()
    }

    fn bye(&mut self) -> Bytes {
        self.said_bye = true;
        event(None, "bye", &json!({ "reason": "stopping", "retry_ms": RETRY_MS }).to_string())
    }
}
