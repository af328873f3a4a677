//! Ports, and the little HTTP a test needs.

use std::{
    hash::{BuildHasher, RandomState},
    io::{Read, Write},
    net::{TcpListener, TcpStream, ToSocketAddrs},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::ServerError;

/// Ports below those that the system gives to outgoing connections (32768 and up on Linux): one of these could
/// otherwise take a server's port while the server is down for a restart.
const PORT_FIRST: u32 = 10_000;
const PORT_COUNT: u32 = 22_000;

/// How long an answer may take.
const HTTP_LIMIT: Duration = Duration::from_secs(10);

/// A port of 127.0.0.1 that nobody listens at, and that this process did not hand out before.
///
/// # Panics
/// When every port is taken.
pub fn free_port() -> u16 {
    static START: OnceLock<u32> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test processes that start together begin at different places.
    let start = *START.get_or_init(|| (RandomState::new().hash_one(std::process::id()) % u64::from(PORT_COUNT)) as u32);
    for _ in 0..PORT_COUNT {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = (PORT_FIRST + (start + offset) % PORT_COUNT) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {PORT_FIRST} and {}", PORT_FIRST + PORT_COUNT);
}

/// Status and body of a GET.
pub fn http_get(url: &str) -> Result<(u16, String), ServerError> {
    http_request("GET", url, None)
}

/// Status and body of a request; a body is sent as JSON.
pub fn http_request(method: &str, url: &str, body: Option<&str>) -> Result<(u16, String), ServerError> {
    request(method, url, body).map_err(|reason| ServerError::Http { url: url.to_owned(), reason })
}

fn request(method: &str, url: &str, body: Option<&str>) -> Result<(u16, String), String> {
    let rest = url.strip_prefix("http://").ok_or("only http:// is spoken here")?;
    let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    let address = host.to_socket_addrs().map_err(|error| error.to_string())?.next().ok_or("no such host")?;
    let mut stream = TcpStream::connect_timeout(&address, HTTP_LIMIT).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(HTTP_LIMIT)).map_err(|error| error.to_string())?;

    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    let body = body.unwrap_or_default();
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n");
    let content = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(format!("{head}{content}").as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(|error| error.to_string())?;

    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("an answer without a head")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("an answer without a status")?;
    Ok((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_handed_out_twice() {
        let ports: std::collections::HashSet<u16> = (0..200).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 200);
    }

    #[test]
    fn a_closed_port_is_an_error_that_names_the_address() {
        let url = format!("http://127.0.0.1:{}/x", free_port());
        let error = http_get(&url).unwrap_err();
        assert!(error.to_string().starts_with(&format!("no answer from {url}: ")), "{error}");
    }
}
