//! How much of the endpoint one client may take, and for how long.

use std::time::Duration;

use stream::JsonOptions;

use crate::RECORD_BYTES_MAX;

/// How many requests are worked on at a time.
const REQUESTS_MAX: usize = 64;
/// How many connections may be open at a time, and how many of one address.
const CONNECTIONS_MAX: usize = 512;
const ADDRESS_CONNECTIONS_MAX: usize = 256;
/// How much of bodies that are still coming in is held at a time, and how much of it from one address.
const BODIES_BYTES_MAX: usize = 128 << 20;
const ADDRESS_BODIES_BYTES_MAX: usize = BODIES_BYTES_MAX / 2;
/// What a body with a single event has beside it at most: brackets and white space.
const BODY_ROOM: usize = 4 << 10;
/// How long a header may take from its connection's beginning or the answer before. A connection that is idle between two
/// requests is closed after the same time.
const HEADER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a body may take in all, and how long it may bring nothing.
const BODY_TIME_MAX: Duration = Duration::from_secs(60);
const BODY_STALL_MAX: Duration = Duration::from_secs(10);
/// After how long a connection is closed at the end of its request, whatever it does.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(600);
/// How long the end of the endpoint waits for answers that are still to be given.
const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(5);

/// Limits of the HTTP endpoint.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// Bytes of a body at most.
    pub body_bytes_max: usize,
    /// Bytes of an event at most.
    pub event_bytes_max: usize,
    /// How many requests are worked on at a time, from the moment their body is there; more are answered with 429.
    pub requests_max: usize,
    /// How many connections are open at a time. For one more, the one that has been quiet longest is closed.
    pub connections_max: usize,
    /// The same for one address (an IPv6 network of 64 bits counts as one).
    pub address_connections_max: usize,
    /// Bytes of unfinished bodies that are held; what is beyond is answered with 429.
    pub bodies_bytes_max: usize,
    /// The same for one address.
    pub address_bodies_bytes_max: usize,
    /// How long a header may take; also how long a connection may be idle between two requests.
    pub header_time_max: Duration,
    /// How long a body may take in all; 408 after that.
    pub body_time_max: Duration,
    /// How long a body may bring nothing; 408 after that.
    pub body_stall_max: Duration,
    /// After how long a connection is closed at the end of its request.
    pub connection_time_max: Duration,
    /// How long the endpoint's end may take; once more as long where the disk does not answer.
    pub shutdown_time_max: Duration,
    /// How JSON is written.
    pub json: JsonOptions,
}

impl HttpLimits {
    /// The limits of an endpoint whose bodies and events may have so many bytes.
    pub fn new(body_bytes_max: usize, event_bytes_max: usize) -> Self {
        // An event that is allowed fits into a body alone.
        let body_bytes_max = body_bytes_max.max(event_bytes_max.saturating_add(BODY_ROOM));
        Self {
            body_bytes_max,
            event_bytes_max,
            // Whatever the limit of one body is, one address can send it.
            bodies_bytes_max: BODIES_BYTES_MAX.max(body_bytes_max.saturating_mul(2)),
            address_bodies_bytes_max: ADDRESS_BODIES_BYTES_MAX.max(body_bytes_max),
            ..Self::default()
        }
    }
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 8 << 20,
            event_bytes_max: RECORD_BYTES_MAX,
            requests_max: REQUESTS_MAX,
            connections_max: CONNECTIONS_MAX,
            address_connections_max: ADDRESS_CONNECTIONS_MAX,
            bodies_bytes_max: BODIES_BYTES_MAX,
            address_bodies_bytes_max: ADDRESS_BODIES_BYTES_MAX,
            header_time_max: HEADER_TIME_MAX,
            body_time_max: BODY_TIME_MAX,
            body_stall_max: BODY_STALL_MAX,
            connection_time_max: CONNECTION_TIME_MAX,
            shutdown_time_max: SHUTDOWN_TIME_MAX,
            json: JsonOptions::default(),
        }
    }
}
