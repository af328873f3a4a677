//! The HTTP client of the trace exporter, which compresses what it sends where that is asked for. The exporter's own
//! feature for that would build a second implementation of deflate along.

use std::io::Write;

use async_trait::async_trait;
use flate2::{Compression, write::GzEncoder};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// Posts spans, compressed or not.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) inner: reqwest::blocking::Client,
    /// Whether bodies are compressed.
    pub(crate) gzip: bool,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = if self.gzip { zipped(request)? } else { request };
        self.inner.send_bytes(request).await
    }
}

fn zipped(request: Request<Bytes>) -> Result<Request<Bytes>, HttpError> {
    let (mut head, body) = request.into_parts();
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(&body)?;
    head.headers.insert("content-encoding", "gzip".parse()?);
    head.headers.remove("content-length");
    Ok(Request::from_parts(head, encoder.finish()?.into()))
}
