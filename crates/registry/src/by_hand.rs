//! The requests that `schema_registry_converter` has no call for: compatibility levels, and a check with reasons.

use std::time::Duration;

use reqwest::Method;
use serde::de::IgnoredAny;
use serde_json::json;

use crate::{
    Compatibility, Level, RegistryError,
    answers::{CompatibilityAnswer, LevelAnswer},
    failure::absent,
    transport::{Request, Transport},
};

/// How long the registry may take to show that it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether a schema may follow those of a subject, with the reasons where it may not.
pub(crate) fn check(
    transport: &Transport,
    operation: &str,
    subject: &str,
    avro: &str,
    retry_for: Duration,
) -> Result<Compatibility, RegistryError> {
    let path = &["compatibility", "subjects", subject, "versions"];
    let body = Some(json!({ "schema": avro }));
    let request = Request { operation, method: Method::POST, path, query: "verbose=true", body };
    let CompatibilityAnswer { is_compatible, messages } = transport.send(&request, retry_for)?;
    Ok(Compatibility { ok: is_compatible, messages: messages.unwrap_or_default() })
}

/// The level a subject is held to: its own, or the registry's.
pub(crate) fn level(transport: &Transport, subject: &str, retry_for: Duration) -> Result<Level, RegistryError> {
    let operation = &format!("read the compatibility level of subject `{subject}`");
    let path = &["config", subject];
    let own = &Request { query: "defaultToGlobal=true", ..get(operation, path) };
    let answer: LevelAnswer = match absent(transport.send(own, retry_for))? {
        Some(answer) => answer,
        None => transport.send(&get(operation, &["config"]), retry_for)?,
    };
    answer.level().map_err(|what| transport.at(operation).odd(what))
}

/// Holds a subject to a level, and looks whether it took.
pub(crate) fn set_level(
    transport: &Transport,
    subject: &str,
    wanted: Level,
    retry_for: Duration,
) -> Result<(), RegistryError> {
    let operation = &format!("set the compatibility level of subject `{subject}`");
    let (path, body) = (&["config", subject], Some(json!({ "compatibility": wanted.name() })));
    let request = Request { method: Method::PUT, body, ..get(operation, path) };
    transport.send::<IgnoredAny>(&request, retry_for)?;
    match level(transport, subject, retry_for)? {
        now if now == wanted => Ok(()),
        now => Err(transport.at(operation).odd(format!("it is {now} after it was set to {wanted}"))),
    }
}

/// Whether the registry answers and lets us in, in one quick try.
pub(crate) fn is_ready(transport: &Transport) -> bool {
    match transport.send_once::<LevelAnswer>(&get("read its configuration", &["config"]), READY_TIMEOUT) {
        Ok((answer, _)) => answer.level().is_ok(),
        // Who may not read the configuration has been let in.
        Err(RegistryError::Refused { status, .. }) => status == 403,
        Err(_) => false,
    }
}

/// The registry's time in milliseconds since 1970, to the second, where it says so; in one quick try.
pub(crate) fn time(transport: &Transport) -> Result<Option<i64>, RegistryError> {
    let operation = "read its configuration";
    let (answer, time): (LevelAnswer, _) = transport.send_once(&get(operation, &["config"]), READY_TIMEOUT)?;
    answer.level().map_err(|what| transport.at(operation).odd(what))?;
    Ok(time)
}

fn get<'a>(operation: &'a str, path: &'a [&'a str]) -> Request<'a> {
    Request { operation, method: Method::GET, path, query: "", body: None }
}
