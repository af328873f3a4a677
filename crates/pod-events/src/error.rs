//! Why an event was not published.

use std::{error::Error, time::Duration};

/// Codes of answers to one who may not.
const REFUSALS: [u16; 2] = [401, 403];

/// Why an event was not published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PodEventsError {
    /// The pod's account does not have the right.
    #[error(
        "Kubernetes refuses events about this pod: {message}; its service account needs the verbs `create` and `patch` on \
         `events` of the API group `events.k8s.io` in namespace {namespace}"
    )]
    Refused { namespace: String, message: String },
    /// Kubernetes answers with another error.
    #[error("Kubernetes does not take an event about this pod: code {code}: {message}")]
    NotTaken { code: u16, message: String },
    /// Kubernetes cannot be asked.
    #[error("an event about this pod cannot be sent to Kubernetes: {causes}")]
    NotSent { causes: String },
    /// Kubernetes does not answer.
    #[error("Kubernetes does not answer within {} s to an event about this pod", .0.as_secs_f64())]
    NoAnswer(Duration),
}

impl PodEventsError {
    /// For `map_err`.
    pub(crate) fn publishing(namespace: &str) -> impl FnOnce(kube::Error) -> Self {
        move |error| match error {
            kube::Error::Api(status) if REFUSALS.contains(&status.code) => {
                Self::Refused { namespace: namespace.to_owned(), message: status.message }
            }
            kube::Error::Api(status) => Self::NotTaken { code: status.code, message: status.message },
            error => Self::NotSent { causes: causes(&error) },
        }
    }
}

/// An error with what it came of: kube's own text ends before "connection refused".
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}
