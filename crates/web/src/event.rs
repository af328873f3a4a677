//! Server-sent events as text.

use bytes::Bytes;

/// One event. JSON has no line breaks, so that one line of data is all of it.
pub(crate) fn event(id: Option<&str>, name: &str, data: &str) -> Bytes {
    match id {
        Some(id) => format!("id: {id}\nevent: {name}\ndata: {data}\n\n").into(),
        None => format!("event: {name}\ndata: {data}\n\n").into(),
    }
}
