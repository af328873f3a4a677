//! The routes of the HTTP endpoint.

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    HttpLimits, Intake, IntakeError,
    body::{self, BodyError},
    receive::{ReceiveError, receive},
    seats::Seat,
};
use crate::json_rows::JsonRows;

/// Seconds after which a client that was turned away may come again.
const RETRY_AFTER: &str = "1";

/// Rejected events that an answer names at most; `rejected_count` tells how many there are.
const REJECTED_MAX: usize = 100;

struct Endpoint {
    rows: JsonRows,
    limits: HttpLimits,
    intake: Arc<dyn Intake>,
    /// One a request that is worked on; none while its body is still coming in.
    places: Semaphore,
}

/// What becomes of invalid events.
#[derive(Clone, Copy, PartialEq)]
enum Invalid {
    Reject,
    DeadLetter,
}

impl Invalid {
    /// As the query says: nothing, `invalid=reject` or `invalid=dead-letter`.
    fn of(query: &str) -> Result<Self, String> {
        match query {
            "" | "invalid=reject" => Ok(Self::Reject),
            "invalid=dead-letter" => Ok(Self::DeadLetter),
            other => Err(format!("query {other:?} is not understood; there is `invalid=dead-letter`")),
        }
    }
}

pub(crate) fn router(rows: JsonRows, limits: HttpLimits, intake: Arc<dyn Intake>) -> Router {
    let places = Semaphore::new(limits.requests_max.max(1));
    let endpoint = Arc::new(Endpoint { rows, limits, intake, places });
    Router::new()
        .route("/v1/health", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/v1/events", post(post_events))
        .with_state(endpoint)
}

async fn post_events(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(seat): Extension<Arc<Seat>>,
    request: Request<Body>,
) -> Response {
    let response = take_in(endpoint, &seat, request).await;
    seat.set_working(false);
    response
}

async fn take_in(endpoint: Arc<Endpoint>, seat: &Seat, request: Request<Body>) -> Response {
    let invalid = match Invalid::of(request.uri().query().unwrap_or_default()) {
        Ok(invalid) => invalid,
        Err(message) => return answer(StatusCode::BAD_REQUEST, &message),
    };
    let limits = endpoint.limits;
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|bytes: u64| bytes > limits.body_bytes_max as u64) {
        return too_large(&limits);
    }
    // The defect that `make simulate-mutants` puts here: whoever takes his time with a body keeps others out.
    let early = cfg!(feature = "mutant").then(|| endpoint.places.try_acquire()).transpose();
    let Ok(_early) = early else { return busy(&IntakeError::Busy.to_string()) };
    let body = match receive(request.into_body(), &limits, seat).await {
        Ok(body) => body,
        Err(error) => return not_received(&error, &limits),
    };
    seat.set_working(true);
    let Ok(_place) = endpoint.places.try_acquire() else { return busy(&IntakeError::Busy.to_string()) };
    let shared = endpoint.clone();
    let accepted = tokio::task::spawn_blocking(move || accept(&shared, content_type.as_deref(), &body, invalid));
    accepted.await.unwrap_or_else(|error| answer(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
}

/// Checks the events of a body and takes them in.
fn accept(endpoint: &Endpoint, content_type: Option<&str>, body: &Bytes, invalid: Invalid) -> Response {
    if body.trim_ascii().is_empty() {
        return answer(StatusCode::BAD_REQUEST, "the body is empty; send a JSON array or one JSON object a line");
    }
    let events =
        body::layout(content_type, body).and_then(|layout| body::events(layout, body, endpoint.limits.json.nan));
    let events = match events {
        Ok(events) => events,
        Err(BodyError::ContentType(message)) => return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, &message),
        Err(BodyError::Malformed(message)) => return answer(StatusCode::BAD_REQUEST, &message),
    };
    if let Some(message) = body::too_long(&events, endpoint.limits.event_bytes_max) {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, &message);
    }
    let rejected = match rejected(endpoint, &events) {
        Ok(rejected) => rejected,
        Err(message) => return answer(StatusCode::INTERNAL_SERVER_ERROR, &message),
    };
    let (count, bad) = (events.len(), rejected.len());
    if bad > 0 && invalid == Invalid::Reject {
        let named: Vec<Value> = (rejected.into_iter().take(REJECTED_MAX))
            .map(|(index, reason)| json!({ "index": index, "reason": reason }))
            .collect();
        let error = format!("{bad} of {count} events are none of the schema, nothing was accepted");
        let body = json!({ "error": error, "rejected_count": bad, "rejected": named });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    match endpoint.intake.append(events) {
        Ok(()) if bad > 0 => (StatusCode::ACCEPTED, Json(json!({ "accepted": count, "invalid": bad }))).into_response(),
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "accepted": count }))).into_response(),
        Err(error @ IntakeError::Busy) => busy(&error.to_string()),
        Err(error) => answer(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// Which events are none of the schema, and why.
fn rejected(endpoint: &Endpoint, events: &[Bytes]) -> Result<Vec<(u64, String)>, String> {
    let objects: Vec<&[u8]> = events.iter().map(AsRef::as_ref).collect();
    Ok(endpoint.rows.decode(&objects).map_err(|error| error.to_string())?.rejected)
}

fn too_large(limits: &HttpLimits) -> Response {
    let message = format!("the body is longer than {} bytes; send fewer events at a time", limits.body_bytes_max);
    answer(StatusCode::PAYLOAD_TOO_LARGE, &message)
}

/// The answer to a body that did not come in whole. The rest of it may still come, so the connection ends here.
fn not_received(error: &ReceiveError, limits: &HttpLimits) -> Response {
    let mut response = match error {
        ReceiveError::TooLarge => too_large(limits),
        ReceiveError::NoRoom => busy("too many unfinished bodies are held; send it again later"),
        ReceiveError::Broken(error) => answer(StatusCode::BAD_REQUEST, &format!("the body ended early: {error}")),
        ReceiveError::TooSlow => {
            let (stall, time) = (limits.body_stall_max.as_secs_f64(), limits.body_time_max.as_secs_f64());
            let message = format!(
                "the body brought nothing for {stall} s or took longer than {time} s; send fewer events at a time"
            );
            answer(StatusCode::REQUEST_TIMEOUT, &message)
        }
    };
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn busy(error: &str) -> Response {
    let mut response = answer(StatusCode::TOO_MANY_REQUESTS, error);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    response
}

fn answer(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
