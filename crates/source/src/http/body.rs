//! From a request's body to single events.

use bytes::Bytes;
use serde_json::value::RawValue;

/// How the events of a body are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Array,
    Lines,
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
    let by_first = if first == Some(&b'[') { Layout::Array } else { Layout::Lines };
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

/// The events of a body, as they stand in it.
pub(crate) fn events(layout: Layout, body: &Bytes) -> Result<Vec<Bytes>, BodyError> {
    let events: Vec<Bytes> = match layout {
        Layout::Array => {
            let text =
                std::str::from_utf8(body).map_err(|error| BodyError::Malformed(format!("no UTF-8 text: {error}")))?;
            let items: Vec<&RawValue> = serde_json::from_str(text)
                .map_err(|error| BodyError::Malformed(format!("no JSON array of events: {error}")))?;
            items.into_iter().map(|item| body.slice_ref(item.get().as_bytes())).collect()
        }
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

/// Why an event is longer than allowed, where one is.
pub(crate) fn too_long(events: &[Bytes], event_bytes_max: usize) -> Option<String> {
    let index = events.iter().position(|event| event.len() > event_bytes_max)?;
    let bytes = events[index].len();
    Some(format!(
        "event {index} has {bytes} bytes, and an event has {event_bytes_max} at most; nothing was accepted, \
         send the others without it"
    ))
}
