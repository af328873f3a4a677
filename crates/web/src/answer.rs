//! Requests taken apart, and answers put together, so that every error is a problem document.

use axum::{
    Json,
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use serde::{Serialize, de::DeserializeOwned};
use twox_hash::XxHash3_128;

use crate::{files::matches_tag, problem::Problem};

/// What stands behind the `?`.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(params) = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::bad_request("bad-parameter", rejection.body_text()))?;
        Ok(Self(params))
    }
}

/// The names in a path.
pub(crate) struct Names<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Names<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(names) = Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::bad_request("bad-path", rejection.body_text()))?;
        Ok(Self(names))
    }
}

/// A JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(body) = Json::<T>::from_request(request, state).await.map_err(|rejection| {
            let code = match rejection {
                JsonRejection::JsonDataError(_) => "bad-body",
                JsonRejection::MissingJsonContentType(_) => "json-needed",
                _ => "bad-json",
            };
            Problem::new(rejection.status(), code, rejection.body_text())
        })?;
        Ok(Self(body))
    }
}

/// An answer in JSON, or that it has not changed since the caller had it.
pub(crate) fn json<T: Serialize>(headers: &HeaderMap, value: &T) -> Result<Response, Problem> {
    let text = serde_json::to_vec(value)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?;
    Ok(tagged(headers, text, "application/json"))
}

/// The same for a text of any kind.
pub(crate) fn tagged(headers: &HeaderMap, text: Vec<u8>, media: &'static str) -> Response {
    let tag = format!("W/\"{:032x}\"", XxHash3_128::oneshot(&text));
    let asked = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response = match matches_tag(asked, &tag) {
        true => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        }
        false => Response::new(Body::from(text)),
    };
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        own.insert(header::ETAG, tag);
    }
    response
}
