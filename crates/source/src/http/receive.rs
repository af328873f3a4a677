//! Takes a request's body in, within its limits of bytes and time.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::time::{Instant, timeout, timeout_at};

use super::{HttpLimits, seats::Seat};

/// Why a body was not taken in.
#[derive(Debug)]
pub(crate) enum ReceiveError {
    /// It has more bytes than allowed.
    TooLarge,
    /// It, or its next bytes, did not come in time.
    TooSlow,
    /// Bodies under way hold as much as they may.
    NoRoom,
    /// The connection broke.
    Broken(String),
}

/// The whole body.
pub(crate) async fn receive(body: Body, limits: &HttpLimits, seat: &Seat) -> Result<Bytes, ReceiveError> {
    let deadline = Instant::now() + limits.body_time_max;
    let mut chunks = body.into_data_stream();
    let mut whole = BytesMut::new();
    loop {
        let next = timeout(limits.body_stall_max, timeout_at(deadline, chunks.next())).await;
        let Ok(Ok(next)) = next else { return Err(ReceiveError::TooSlow) };
        let Some(chunk) = next else { return Ok(whole.freeze()) };
        let chunk = chunk.map_err(|error| ReceiveError::Broken(error.to_string()))?;
        if whole.len() + chunk.len() > limits.body_bytes_max {
            return Err(ReceiveError::TooLarge);
        }
        if !seat.hold(chunk.len()) {
            return Err(ReceiveError::NoRoom);
        }
        whole.extend_from_slice(&chunk);
    }
}
