//! The files of the page, which are part of the program.

use std::io::Write;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use twox_hash::XxHash3_128;

use crate::problem::Problem;

include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// One file, as it is sent.
struct File {
    path: &'static str,
    media: HeaderValue,
    tag: HeaderValue,
    plain: Bytes,
    /// Where it is smaller.
    gzipped: Option<Bytes>,
}

/// All files of the page.
pub(crate) struct Files(Vec<File>);

impl Files {
    /// Compresses the files once, for as long as the program runs.
    pub(crate) fn new() -> Self {
        Self(FILES.iter().map(|(path, media, bytes)| File::new(path, media, bytes)).collect())
    }

    /// Answers a request for a file.
    pub(crate) fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        let name = if path == "/" { "index.html" } else { path.trim_start_matches('/') };
        let Some(file) = self.0.iter().find(|file| file.path == name) else {
            return Problem::not_found("no-such-file", format!("there is nothing at {path}")).into_response();
        };
        if method != Method::GET && method != Method::HEAD {
            return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "files are only read")
                .into_response();
        }
        file.answer(headers)
    }
}

impl File {
    fn new(path: &'static str, media: &'static str, bytes: &'static [u8]) -> Self {
        let tag = format!("\"{:032x}\"", XxHash3_128::oneshot(bytes));
        let gzipped = gzip(bytes).filter(|gzipped| gzipped.len() < bytes.len());
        let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { path, media: HeaderValue::from_static(media), tag, plain: Bytes::from_static(bytes), gzipped }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let asked = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut response = Response::new(Body::empty());
        let own = response.headers_mut();
        own.insert(header::ETAG, self.tag.clone());
        own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        own.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if matches_tag(asked(header::IF_NONE_MATCH), self.tag.to_str().unwrap_or_default()) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        own.insert(header::CONTENT_TYPE, self.media.clone());
        let gzip = asked(header::ACCEPT_ENCODING).split(',').any(|coding| coding.trim().starts_with("gzip"));
        let body = match self.gzipped.as_ref().filter(|_| gzip) {
            Some(gzipped) => {
                own.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                gzipped
            }
            None => &self.plain,
        };
        *response.body_mut() = Body::from(body.clone());
        response
    }
}

/// Whether `If-None-Match` names the tag.
pub(crate) fn matches_tag(asked: &str, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    !asked.is_empty() && asked.split(',').any(|asked| asked.trim() == "*" || bare(asked) == bare(tag))
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_sent_once_until_it_changes() {
        let files = Files::new();
        let first = files.answer(&Method::GET, "/", &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(files.answer(&Method::GET, "/", &headers).status(), StatusCode::NOT_MODIFIED);
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"another\""));
        assert_eq!(files.answer(&Method::GET, "/", &headers).status(), StatusCode::OK);
    }

    #[test]
    fn only_files_of_the_page_are_there() {
        let files = Files::new();
        for path in ["/nothing", "/../Cargo.toml", "//etc/passwd", "/index.html/"] {
            assert_eq!(files.answer(&Method::GET, path, &HeaderMap::new()).status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(files.answer(&Method::POST, "/", &HeaderMap::new()).status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn every_file_goes_gzipped_to_whoever_takes_that() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip;q=0.8"));
        let answer = Files::new().answer(&Method::GET, "/", &headers);
        assert_eq!(answer.headers().get(header::CONTENT_ENCODING), Some(&HeaderValue::from_static("gzip")));
    }
}
