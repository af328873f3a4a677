//! The rights of a secured cluster's users.
//!
//! Kafka's own command for them is not published with the broker, and the client library that the tests use has no call
//! for it. So this speaks Kafka's protocol: one request, `CreateAcls` in its version 1, at the listener where everybody
//! may do everything.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::ServerError;

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(30);
/// More than the answer to a handful of rights has.
const ANSWER_BYTES_MAX: usize = 64 << 10;

const CREATE_ACLS: i16 = 30;
const DELETE_ACLS: i16 = 31;
const VERSION: i16 = 1;
const LITERAL: u8 = 3;
const DENY: u8 = 2;
const ALLOW: u8 = 3;

/// What a right is for, by its number in the protocol.
#[derive(Clone, Copy)]
enum Resource {
    Topic = 2,
    Group = 3,
    Cluster = 4,
    TransactionalId = 5,
}

/// What may be done, by its number in the protocol.
#[derive(Clone, Copy)]
enum Operation {
    All = 2,
    Read = 3,
    Describe = 8,
    DescribeConfigs = 10,
}

/// Who may do what with everything of its kind.
const RIGHTS: [(&str, Resource, Operation); 8] = [
    ("beamline", Resource::Topic, Operation::All),
    ("beamline", Resource::Group, Operation::All),
    ("beamline", Resource::TransactionalId, Operation::All),
    ("beamline", Resource::Cluster, Operation::All),
    ("reader", Resource::Topic, Operation::Read),
    ("reader", Resource::Topic, Operation::DescribeConfigs),
    ("reader", Resource::Group, Operation::Read),
    ("reader", Resource::Cluster, Operation::Describe),
];

/// Give the users their rights through the node at `address`.
pub(super) fn give(address: &str) -> Result<(), ServerError> {
    let mut request = begin(CREATE_ACLS, RIGHTS.len());
    for (user, resource, operation) in RIGHTS {
        let name = if matches!(resource, Resource::Cluster) { "kafka-cluster" } else { "*" };
        put_right(&mut request, (user, resource, name), operation, ALLOW);
    }
    change(address, &request, RIGHTS.len())
}

/// Forbid a user to read a topic, whatever else he is allowed; or take that back.
pub(super) fn forbid_reading(address: &str, user: &str, topic: &str, is: bool) -> Result<(), ServerError> {
    let mut request = begin(if is { CREATE_ACLS } else { DELETE_ACLS }, 1);
    put_right(&mut request, (user, Resource::Topic, topic), Operation::Read, DENY);
    change(address, &request, 1)
}

fn change(address: &str, request: &[u8], rights: usize) -> Result<(), ServerError> {
    let refused = |reason: String| ServerError::Options(format!("Kafka at {address} takes no rights: {reason}"));
    let answer = ask(address, request).map_err(|error| refused(error.to_string()))?;
    let codes = codes(&answer, rights).ok_or_else(|| refused("the answer ends too early".to_owned()))?;
    match codes.iter().find(|code| **code != 0) {
        None => Ok(()),
        Some(code) => Err(refused(format!("error {code}"))),
    }
}

fn begin(kind: i16, rights: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(kind.to_be_bytes());
    bytes.extend(VERSION.to_be_bytes());
    // One request on this connection: any correlation will do.
    bytes.extend(1_i32.to_be_bytes());
    put_text(&mut bytes, "tests");
    bytes.extend((rights as i32).to_be_bytes());
    bytes
}

/// One right as it is created; a filter that deletes it looks the same.
fn put_right(
    bytes: &mut Vec<u8>,
    (user, resource, name): (&str, Resource, &str),
    operation: Operation,
    permission: u8,
) {
    bytes.push(resource as u8);
    put_text(bytes, name);
    bytes.push(LITERAL);
    put_text(bytes, &format!("User:{user}"));
    put_text(bytes, "*");
    bytes.extend([operation as u8, permission]);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as i16).to_be_bytes());
    bytes.extend(text.as_bytes());
}

fn ask(address: &str, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(&(request.len() as i32).to_be_bytes())?;
    stream.write_all(request)?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let size = u32::from_be_bytes(size) as usize;
    if size > ANSWER_BYTES_MAX {
        return Err(io::Error::other(format!("an answer of {size} bytes")));
    }
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// The error codes in an answer, zero where a right was taken. What follows the last of them is not looked at: an answer
/// to a deletion lists what was deleted there.
fn codes(answer: &[u8], rights: usize) -> Option<Vec<i16>> {
    // Before them: correlation and throttling.
    let (count, mut rest) = answer.get(8..)?.split_first_chunk()?;
    let mut codes = Vec::new();
    if i32::from_be_bytes(*count) as usize != rights {
        return None;
    }
    for _ in 0..rights {
        let (code, after) = rest.split_first_chunk()?;
        let (length, after) = after.split_first_chunk()?;
        // A negative length is a message that is not there.
        rest = after.get(usize::try_from(i16::from_be_bytes(*length)).unwrap_or(0)..)?;
        codes.push(i16::from_be_bytes(*code));
    }
    Some(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_to_its_end() {
        let mut answer = vec![0; 8];
        answer.extend(2_i32.to_be_bytes());
        answer.extend([0, 0, 0xff, 0xff]);
        answer.extend([0, 7, 0, 2, b'n', b'o']);
        assert_eq!(codes(&answer, 2), Some(vec![0, 7]));
        assert_eq!(codes(&answer, 3), None);
        for end in 0..answer.len() {
            assert_eq!(codes(&answer[..end], 2), None, "{end}");
        }
    }
}
