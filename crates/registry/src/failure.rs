//! What a failed request was: the errors of `schema_registry_converter` and of our own requests as one.
//!
//! The library passes on what it failed with as the source of its error: the HTTP client's error where there was no
//! answer, the registry's error code and message where there was one. Only the HTTP status has to be read from its
//! message, which tests pin.

use std::{error::Error, io, time::Duration};

use schema_registry_converter::{error::SRCError, schema_registry_common::RawError};

use crate::{RegistryError, answers::ErrorAnswer};

/// A request, as errors name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    /// The registry's URL, without credentials.
    pub(crate) url: &'a str,
    /// Goes on "cannot …" in messages.
    pub(crate) operation: &'a str,
}

impl At<'_> {
    /// What an answer with an error's status means.
    pub(crate) fn status(self, status: u16, answer: &ErrorAnswer) -> RegistryError {
        let (url, operation) = (self.url.to_owned(), self.operation.to_owned());
        match (status, answer.error_code) {
            (401 | 403, _) => RegistryError::Refused { url, operation, status },
            // A server that is not a registry has no such page: what it says of one schema, it would say of all.
            (404, None) => self.odd("status 404, with no error code"),
            (_, code) => RegistryError::Status { url, operation, status, code, message: answer.message() },
        }
    }

    /// An answer that no registry gives.
    pub(crate) fn odd(self, what: impl Into<String>) -> RegistryError {
        RegistryError::Answer { url: self.url.to_owned(), operation: self.operation.to_owned(), what: what.into() }
    }

    /// What a call of the library failed with.
    pub(crate) fn library(self, error: &SRCError) -> RegistryError {
        match (find::<RawError>(error), status_in(&error.error)) {
            (Some(raw), Some(status)) => self.status(status, &ErrorAnswer::from(raw)),
            _ => self.transport(error),
        }
    }

    /// What kept an answer from coming, or from being read.
    pub(crate) fn transport(self, error: &(dyn Error + 'static)) -> RegistryError {
        let unreachable =
            |reason| RegistryError::Unreachable { url: self.url.to_owned(), reason, tried_for: Duration::ZERO };
        if let Some(tls) = find::<rustls::Error>(error) {
            return RegistryError::Tls { url: self.url.to_owned(), reason: tls.to_string() };
        }
        if let Some(json) = find::<serde_json::Error>(error) {
            return self.odd(json.to_string());
        }
        match find::<reqwest::Error>(error) {
            Some(client) if client.is_timeout() => unreachable("timed out".to_owned()),
            Some(client) => unreachable(innermost(client)),
            None if find::<io::Error>(error).is_some() => unreachable(innermost(error)),
            None => self.odd(innermost(error)),
        }
    }
}

/// What the registry has; none where it says that there is no such thing.
pub(crate) fn absent<T>(answer: Result<T, RegistryError>) -> Result<Option<T>, RegistryError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(RegistryError::Status { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl From<&RawError> for ErrorAnswer {
    /// The library gives the code 0 to an error that is not in a registry's form.
    fn from(raw: &RawError) -> Self {
        match raw.error_code {
            0 => Self::default(),
            code => Self::new(code, &raw.message),
        }
    }
}

/// The status in "... failed with status 404 Not Found".
fn status_in(message: &str) -> Option<u16> {
    message.rsplit_once("with status ")?.1.get(..3)?.parse().ok()
}

/// The outermost error of a type behind an error.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref())
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

/// The message at the end of an error's chain; the library's own error says more than the answer only where it is alone.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = chain(error).last();
    match last.and_then(|last| last.downcast_ref::<SRCError>()) {
        Some(library) => library.error.clone(),
        None => last.map(ToString::to_string).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: At<'_> = At { url: "http://registry", operation: "read schema 1" };

    fn failed(status: &str, body: &str) -> RegistryError {
        let raw: RawError = serde_json::from_str(body).unwrap();
        let message = format!("HTTP request to schema registry failed with status {status}");
        AT.library(&SRCError::non_retryable_with_cause(raw, &message))
    }

    #[test]
    fn absent_differs_from_a_page_that_is_not_there_and_from_a_registry_that_is_away() {
        let absent = failed("404 Not Found", r#"{"error_code": 40403, "message": "Schema not found"}"#);
        assert!(matches!(absent, RegistryError::Status { status: 404, code: Some(40403), .. }), "{absent:?}");
        let page = failed("404 Not Found", r#"{"error_code": 0, "message": "couldn't parse"}"#);
        assert!(matches!(page, RegistryError::Answer { .. }), "{page:?}");
        let away = failed("503 Service Unavailable", r#"{"error_code": 0, "message": "couldn't parse"}"#);
        assert!(away.is_retriable(), "{away:?}");
        assert!(away.to_string().ends_with("status 503, without a reason"), "{away}");
        let cut = io::Error::new(io::ErrorKind::UnexpectedEof, "end of file");
        let cut = AT.library(&SRCError::non_retryable_with_cause(cut, "could not parse"));
        assert!(matches!(&cut, RegistryError::Unreachable { reason, .. } if reason == "end of file"), "{cut:?}");
    }

    #[test]
    fn who_is_not_let_in_is_refused() {
        for status in ["401 Unauthorized", "403 Forbidden"] {
            let refused = failed(status, r#"{"error_code": 0, "message": ""}"#);
            assert!(matches!(refused, RegistryError::Refused { .. }), "{refused:?}");
        }
    }

    #[test]
    fn an_answer_that_lacks_something_is_not_a_registrys() {
        let odd = AT.library(&SRCError::non_retryable_without_cause("Could not get raw schema from response"));
        assert!(matches!(&odd, RegistryError::Answer { what, .. } if what.starts_with("Could not get")), "{odd:?}");
    }
}
