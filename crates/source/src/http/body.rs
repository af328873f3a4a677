//! From a request's body to single events.

use bytes::Bytes;
use serde_json::value::RawValue;
use text::{Piece, next_value};

/// Lines that are looked at for how events are set apart.
const LINES_MAX: usize = 64;

/// How the events of a body are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Array,
    Lines,
    Values,
}

/// Why a body has no events.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    ContentType(String),
    Malformed(String),
}

/// The layout that a content type and a body's first byte tell.
pub(crate) fn layout(content_type: Option<&str>, body: &[u8]) -> Result<Layout, BodyError> {
    let first = body.trim_ascii_start().first();
    let by_first = match first {
        Some(b'[') => Layout::Array,
        Some(b'{') if !has_whole_line(body) => Layout::Values,
        _ => Layout::Lines,
    };
    let Some(content_type) = content_type else { return Ok(by_first) };
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        // One object alone is a line as well.
        "application/json" | "" => Ok(by_first),
        "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/x-jsonlines"
        | "application/json-lines" => Ok(Layout::Lines),
        _ => Err(BodyError::ContentType(format!(
            "content type {kind:?} is not understood; send application/json (an array) or application/x-ndjson (lines)"
        ))),
    }
}

/// Whether an object has a line for itself.
fn has_whole_line(body: &[u8]) -> bool {
    let mut lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).take(LINES_MAX);
    lines.any(|line| next_value(line, true) == Piece::Value(0, line.len()))
}

/// The events of a body, as they stand in it.
///
/// # Errors
/// Where there are none, or the body is not what its layout says. `nan` allows literals that JSON does not have.
pub(crate) fn events(layout: Layout, body: &Bytes, nan: bool) -> Result<Vec<Bytes>, BodyError> {
    let events: Vec<Bytes> = match layout {
        Layout::Array => {
            let text =
                std::str::from_utf8(body).map_err(|error| BodyError::Malformed(format!("no UTF-8 text: {error}")))?;
            match serde_json::from_str::<Vec<&RawValue>>(text) {
                Ok(items) => items.into_iter().map(|item| body.slice_ref(item.get().as_bytes())).collect(),
                // JSON has no `NaN`, and Python writes it.
                Err(_) if nan => values(body),
                Err(error) => return Err(BodyError::Malformed(format!("no JSON array of events: {error}"))),
            }
        }
        Layout::Values => values(body),
        Layout::Lines => {
            let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            lines.filter(|line| !line.is_empty()).map(|line| body.slice_ref(line)).collect()
        }
    };
    if events.is_empty() {
        return Err(BodyError::Malformed("there are no events in the body".into()));
    }
    Ok(events)
}

/// Objects in an array, behind one another or on several lines each. What is between them counts as well.
fn values(body: &Bytes) -> Vec<Bytes> {
    let (mut rest, mut found) = (body.clone(), Vec::new());
    loop {
        let (start, end) = match next_value(&rest, true) {
            Piece::Value(start, end) | Piece::Other(start, end) => (start, end),
            Piece::Unfinished(start) => (start, rest.len()),
            Piece::Nothing => return found,
        };
        found.push(rest.slice(start..end));
        rest = rest.slice(end..);
    }
}

/// Why an event is longer than allowed, where one is.
pub(crate) fn too_long(events: &[Bytes], event_bytes_max: usize) -> Option<String> {
    let index = events.iter().position(|event| event.len() > event_bytes_max)?;
    let bytes = events[index].len();
    Some(format!(
        "event {index} has {bytes} bytes, and an event has {event_bytes_max} at most; nothing was accepted, \
         send the others without it"
    ))
}
