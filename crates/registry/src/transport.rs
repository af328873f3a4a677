//! Requests to a registry, again and again while it is away.
//!
//! `schema_registry_converter` makes them, with an HTTP client that is set up here. What it has no call for is sent by
//! [`Transport::send`]: the compatibility levels, and a check with reasons.

use std::{fs, io::Read, path::Path, thread, time::Duration};

use backoff::Backoff;
use reqwest::{
    Certificate, Method, Url,
    blocking::{Client, ClientBuilder, RequestBuilder},
    header::{ACCEPT, CONTENT_TYPE, DATE},
    redirect::Policy,
};
use schema_registry_converter::{blocking::schema_registry::SrSettings, error::SRCError};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::{
    RegistryError, Settings,
    answers::ErrorAnswer,
    failure::{At, innermost},
    settings::{each, shown},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const REDIRECTS_MAX: usize = 3;
/// The longest answer that is read of a request of our own; the library sets no limit.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
const JSON: &str = "application/vnd.schemaregistry.v1+json";
const ANY_JSON: &str = "application/vnd.schemaregistry.v1+json, application/json";

/// A request that the library has no call for.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    /// Goes on "cannot …" in messages.
    pub(crate) operation: &'a str,
    pub(crate) method: Method,
    /// Below the base path, not yet escaped.
    pub(crate) path: &'a [&'a str],
    pub(crate) query: &'static str,
    pub(crate) body: Option<Json>,
}

/// The way to one registry.
#[derive(Debug)]
pub(crate) struct Transport {
    library: SrSettings,
    client: Client,
    /// At least one.
    bases: Vec<Url>,
    /// The bases as messages show them.
    shown: String,
    username: Option<String>,
    password: Option<SecretString>,
}

impl Transport {
    pub(crate) fn new(settings: &Settings) -> Result<Self, RegistryError> {
        let bases = each(&settings.url).map(base).collect::<Result<Vec<_>, _>>()?;
        let is_plain = bases.iter().all(|base| base.scheme() == "http");
        let builder = || client(is_plain, settings.ca_file.as_deref());
        let mut urls = bases.iter().map(|base| base.as_str().trim_end_matches('/').to_owned());
        let mut library = SrSettings::new_builder(urls.next().unwrap_or_default());
        for url in urls {
            library.add_url(url);
        }
        let (username, password) = (settings.username.clone(), settings.password.clone());
        if let Some(username) = &username {
            library.set_basic_authorization(username, password.as_ref().map(ExposeSecret::expose_secret));
        }
        library.set_timeout(REQUEST_TIMEOUT);
        let library = library.build_with(builder()?).map_err(|error| wrong(innermost(&error)))?;
        let client = builder()?.build().map_err(|error| wrong(innermost(&error)))?;
        Ok(Self { library, client, bases, shown: shown(&settings.url), username, password })
    }

    /// A subject as the library puts it into a path.
    pub(crate) fn escaped(&self, subject: &str) -> String {
        let mut url = self.bases[0].clone();
        // A URL that can be a base, which `new` has made sure of, has path segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().push(subject);
        }
        url.path().trim_start_matches('/').to_owned()
    }

    /// An answer of the library that time alone would not change.
    ///
    /// # Errors
    /// [`RegistryError::Unreachable`] or a retriable [`RegistryError::Status`] when `retry_for` is over; anything that
    /// keeps the registry from ever answering at once.
    pub(crate) fn ask<T>(
        &self,
        operation: &str,
        retry_for: Duration,
        call: impl Fn(&SrSettings) -> Result<T, SRCError>,
    ) -> Result<T, RegistryError> {
        retrying(retry_for, || call(&self.library).map_err(|error| self.at(operation).library(&error)))
    }

    /// The same for a request of our own.
    ///
    /// # Errors
    /// As [`Transport::ask`].
    pub(crate) fn send<T: DeserializeOwned>(
        &self,
        request: &Request<'_>,
        retry_for: Duration,
    ) -> Result<T, RegistryError> {
        retrying(retry_for, || self.send_once(request, REQUEST_TIMEOUT).map(|(answer, _)| answer))
    }

    /// One try at each URL, until one answers; with the server's time, in milliseconds since 1970, where it says so.
    pub(crate) fn send_once<T: DeserializeOwned>(
        &self,
        request: &Request<'_>,
        timeout: Duration,
    ) -> Result<(T, Option<i64>), RegistryError> {
        let (last, others) = (self.bases.len() - 1, &self.bases);
        let early = others[..last].iter().find_map(|base| self.send_to(base, request, timeout).ok());
        early.map_or_else(|| self.send_to(&others[last], request, timeout), Ok)
    }

    fn send_to<T: DeserializeOwned>(
        &self,
        base: &Url,
        request: &Request<'_>,
        timeout: Duration,
    ) -> Result<(T, Option<i64>), RegistryError> {
        let at = self.at(request.operation);
        let response = self.request(base, request).timeout(timeout).send().map_err(|error| at.transport(&error))?;
        let status = response.status();
        let time = response.headers().get(DATE).and_then(|date| moment(date.to_str().ok()?));
        let mut body = Vec::new();
        response.take(ANSWER_BYTES_MAX).read_to_end(&mut body).map_err(|error| at.transport(&error))?;
        match status.is_success() {
            true => {
                let answer = serde_json::from_slice(&body).map_err(|error| at.odd(error.to_string()))?;
                Ok((answer, time))
            }
            false => Err(at.status(status.as_u16(), &ErrorAnswer::parse(&body))),
        }
    }

    fn request(&self, base: &Url, request: &Request<'_>) -> RequestBuilder {
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(request.path);
        }
        url.set_query(Some(request.query).filter(|query| !query.is_empty()));
        let mut builder = self.client.request(request.method.clone(), url).header(ACCEPT, ANY_JSON);
        if let Some(username) = &self.username {
            builder = builder.basic_auth(username, self.password.as_ref().map(ExposeSecret::expose_secret));
        }
        match &request.body {
            Some(body) => builder.header(CONTENT_TYPE, JSON).body(body.to_string()),
            None => builder,
        }
    }

    pub(crate) fn at<'a>(&'a self, operation: &'a str) -> At<'a> {
        At { url: &self.shown, operation }
    }
}

fn retrying<T>(retry_for: Duration, call: impl Fn() -> Result<T, RegistryError>) -> Result<T, RegistryError> {
    let mut backoff = Backoff::new();
    loop {
        let error = match call() {
            Err(error) if is_failure(&error) => error,
            answer => {
                measure::REGISTRY_REQUESTS.of(["answered"]).increment(1);
                return answer;
            }
        };
        measure::REGISTRY_REQUESTS.of(["failed"]).increment(1);
        match backoff.next_within(retry_for) {
            Some(wait) if error.is_retriable() => {
                tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "asking the schema registry again");
                measure::REGISTRY_RETRIES.of([]).increment(1);
                thread::sleep(wait);
            }
            _ => return Err(after(error, backoff.elapsed())),
        }
    }
}

/// Whether the registry did not do what it is there for; that it has no such schema is an answer.
fn is_failure(error: &RegistryError) -> bool {
    error.is_retriable() || matches!(error, RegistryError::Refused { .. } | RegistryError::Tls { .. })
}

fn after(error: RegistryError, elapsed: Duration) -> RegistryError {
    match error {
        RegistryError::Unreachable { url, reason, .. } => {
            RegistryError::Unreachable { url, reason, tried_for: elapsed }
        }
        error => error,
    }
}

fn base(url: &str) -> Result<Url, RegistryError> {
    let shown = shown(url);
    let base = Url::parse(url)
        .map_err(|error| wrong(format!("`{shown}` is not a URL ({error}); write http://host:port or https://…")))?;
    if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
        return Err(wrong(format!("`{shown}` must begin with http:// or https://")));
    }
    if !base.username().is_empty() || base.password().is_some() {
        let how = "give them by --registry-username and a password file";
        return Err(wrong(format!("the URL of {shown} must hold no credentials; {how}")));
    }
    Ok(base)
}

fn client(is_plain: bool, ca_file: Option<&Path>) -> Result<ClientBuilder, RegistryError> {
    let builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::limited(REDIRECTS_MAX))
        .user_agent(concat!("beamline/", env!("CARGO_PKG_VERSION")));
    Ok(match ca_file {
        Some(path) => {
            let pem = fs::read(path).map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))?;
            let certificates = Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|found| !found.is_empty())
                .ok_or_else(|| wrong(format!("{} holds no certificate in PEM", path.display())))?;
            builder.tls_certs_only(certificates)
        }
        // Without encryption no authority is needed, and a small container may have none.
        None if is_plain => builder.tls_certs_only([]),
        None => builder,
    })
}

/// The milliseconds since 1970 of a date as HTTP writes it.
fn moment(date: &str) -> Option<i64> {
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date);
    parsed.ok().map(|time| time.as_millisecond())
}

fn wrong(what: String) -> RegistryError {
    RegistryError::Settings(what)
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
