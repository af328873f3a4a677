//! Requests to a registry, again and again while it is away.

use std::{
    error::Error,
    fs,
    io::{self, Read},
    path::Path,
    thread,
    time::Duration,
};

use reqwest::{
    Certificate, Method, Url,
    blocking::{Client, RequestBuilder, Response},
    header::{ACCEPT, CONTENT_TYPE, DATE},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::{RegistryError, Settings, answers::ErrorAnswer, backoff::Backoff, settings::without_user};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const REDIRECTS_MAX: usize = 3;
/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
const JSON: &str = "application/vnd.schemaregistry.v1+json";
const ANY_JSON: &str = "application/vnd.schemaregistry.v1+json, application/json";

/// What is asked of a registry.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    /// Goes on "cannot …" in messages.
    pub(crate) operation: String,
    pub(crate) method: Method,
    /// Below the base path, not yet escaped.
    pub(crate) path: Vec<&'a str>,
    pub(crate) query: &'static str,
    pub(crate) body: Option<Json>,
}

impl<'a> Ask<'a> {
    pub(crate) fn get(operation: impl Into<String>, path: Vec<&'a str>) -> Self {
        Self { operation: operation.into(), method: Method::GET, path, query: "", body: None }
    }

    pub(crate) fn send(operation: impl Into<String>, method: Method, path: Vec<&'a str>, body: Json) -> Self {
        Self { operation: operation.into(), method, path, query: "", body: Some(body) }
    }
}

/// An answer, good or bad.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    body: Vec<u8>,
    /// The server's time when it answered, in milliseconds since 1970, where it says so.
    pub(crate) time: Option<i64>,
}

/// The way to one registry.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Client,
    base: Url,
    /// The base as messages show it.
    shown: String,
    username: Option<String>,
    password: Option<SecretString>,
}

impl Transport {
    pub(crate) fn new(settings: &Settings) -> Result<Self, RegistryError> {
        let shown = without_user(&settings.url);
        let wrong = |what: String| RegistryError::Settings(what);
        let base = Url::parse(&settings.url)
            .map_err(|error| wrong(format!("`{shown}` is no URL ({error}); write http://host:port or https://…")))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(wrong(format!("`{shown}` must begin with http:// or https://")));
        }
        if !base.username().is_empty() || base.password().is_some() {
            let how = "give them by --registry-username and a password file";
            return Err(wrong(format!("the URL of {shown} must hold no credentials; {how}")));
        }
        let client = client(&base, settings.ca_file.as_deref())?;
        let (username, password) = (settings.username.clone(), settings.password.clone());
        Ok(Self { client, base, shown, username, password })
    }

    /// An answer that time alone would not change.
    ///
    /// # Errors
    /// [`RegistryError::Unreachable`] or a retriable [`RegistryError::Status`] when `retry_for` is over; anything that
    /// keeps the registry from ever answering at once.
    pub(crate) fn ask(&self, ask: &Ask<'_>, retry_for: Duration) -> Result<Reply, RegistryError> {
        let mut backoff = Backoff::new(retry_for);
        loop {
            let error = match self.ask_once(ask, REQUEST_TIMEOUT) {
                Ok(reply) => {
                    measure::REGISTRY_REQUESTS.of(["answered"]).increment(1);
                    return Ok(reply);
                }
                Err(error) => error,
            };
            measure::REGISTRY_REQUESTS.of(["failed"]).increment(1);
            match backoff.next() {
                Some(wait) if error.is_retriable() => {
                    tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "asking the schema registry again");
                    measure::REGISTRY_RETRIES.of([]).increment(1);
                    thread::sleep(wait);
                }
                _ => return Err(after(error, backoff.elapsed())),
            }
        }
    }

    /// One try.
    pub(crate) fn ask_once(&self, ask: &Ask<'_>, timeout: Duration) -> Result<Reply, RegistryError> {
        let response = self.request(ask).timeout(timeout).send().map_err(|error| self.failed(&error))?;
        let status = response.status().as_u16();
        let time = response.headers().get(DATE).and_then(|date| moment(date.to_str().ok()?));
        let body = self.body(response)?;
        let operation = ask.operation.clone();
        match status {
            401 | 403 => Err(RegistryError::Refused { url: self.shown.clone(), operation, status }),
            408 | 429 | 500..=599 => Err(self.status(ask, &Reply { status, body, time })),
            _ => Ok(Reply { status, body, time }),
        }
    }

    fn request(&self, ask: &Ask<'_>) -> RequestBuilder {
        let mut url = self.base.clone();
        // A URL that can be a base, which `new` has made sure of, has path segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&ask.path);
        }
        url.set_query(Some(ask.query).filter(|query| !query.is_empty()));
        let mut request = self.client.request(ask.method.clone(), url).header(ACCEPT, ANY_JSON);
        if let Some(username) = &self.username {
            request = request.basic_auth(username, self.password.as_ref().map(ExposeSecret::expose_secret));
        }
        match &ask.body {
            Some(body) => request.header(CONTENT_TYPE, JSON).body(body.to_string()),
            None => request,
        }
    }

    fn body(&self, response: Response) -> Result<Vec<u8>, RegistryError> {
        let mut body = Vec::new();
        let read = response.take(ANSWER_BYTES_MAX).read_to_end(&mut body);
        read.map_err(|error| self.unreachable(innermost(&error)))?;
        Ok(body)
    }

    /// What an answer says.
    pub(crate) fn read<T: DeserializeOwned>(&self, ask: &Ask<'_>, reply: &Reply) -> Result<T, RegistryError> {
        match reply.status {
            200..=299 => serde_json::from_slice(&reply.body).map_err(|error| self.odd(ask, error.to_string())),
            _ => Err(self.status(ask, reply)),
        }
    }

    /// The error that an answer is.
    pub(crate) fn status(&self, ask: &Ask<'_>, reply: &Reply) -> RegistryError {
        let answer = reply.error();
        RegistryError::Status {
            url: self.shown.clone(),
            operation: ask.operation.clone(),
            status: reply.status,
            code: answer.error_code,
            message: answer.message(),
        }
    }

    /// An answer that no registry gives.
    pub(crate) fn odd(&self, ask: &Ask<'_>, what: impl Into<String>) -> RegistryError {
        RegistryError::Answer { url: self.shown.clone(), operation: ask.operation.clone(), what: what.into() }
    }

    fn failed(&self, error: &reqwest::Error) -> RegistryError {
        match tls_error(error) {
            Some(reason) => RegistryError::Tls { url: self.shown.clone(), reason },
            None if error.is_timeout() => self.unreachable("timed out".to_owned()),
            None => self.unreachable(innermost(error)),
        }
    }

    fn unreachable(&self, reason: String) -> RegistryError {
        RegistryError::Unreachable { url: self.shown.clone(), reason, tried_for: Duration::ZERO }
    }
}

impl Reply {
    pub(crate) fn error(&self) -> ErrorAnswer {
        ErrorAnswer::parse(&self.body)
    }

    /// Whether the registry says that there is no such thing, and not some server that knows nothing of schemas.
    pub(crate) fn is_absent(&self) -> bool {
        self.status == 404 && self.error().error_code.is_some()
    }
}

fn client(base: &Url, ca_file: Option<&Path>) -> Result<Client, RegistryError> {
    let wrong = |what: String| RegistryError::Settings(what);
    let builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::limited(REDIRECTS_MAX))
        .user_agent(concat!("beamline/", env!("CARGO_PKG_VERSION")));
    let builder = match ca_file {
        Some(path) => {
            let pem = fs::read(path).map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))?;
            let certificates = Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|found| !found.is_empty())
                .ok_or_else(|| wrong(format!("{} holds no certificate in PEM", path.display())))?;
            builder.tls_certs_only(certificates)
        }
        // Without encryption no authority is needed, and a small container may have none.
        None if base.scheme() == "http" => builder.tls_certs_only([]),
        None => builder,
    };
    builder.build().map_err(|error| wrong(innermost(&error)))
}

/// The milliseconds since 1970 of a date as HTTP writes it.
fn moment(date: &str) -> Option<i64> {
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date);
    parsed.ok().map(|time| time.as_millisecond())
}

fn after(error: RegistryError, elapsed: Duration) -> RegistryError {
    match error {
        RegistryError::Unreachable { url, reason, .. } => {
            RegistryError::Unreachable { url, reason, tried_for: elapsed }
        }
        error => error,
    }
}

/// The errors behind an error, outermost first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| inner(*error))
}

fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // An error wrapped for `io` is not its source but what it holds.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// What is wrong between us that no time mends.
fn tls_error(error: &(dyn Error + 'static)) -> Option<String> {
    chain(error).find_map(|error| error.downcast_ref::<rustls::Error>()).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_http_writes_them() {
        assert_eq!(moment("Wed, 01 Jan 2025 00:00:01 GMT"), Some(1_735_689_601_000));
        assert_eq!(moment("2025-01-01"), None);
    }
}
