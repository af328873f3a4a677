//! A dead letter's bytes, made readable on one line.

use std::fmt::Write;

/// Bytes as text on one line. A JSON object stays the same object; in other text control characters are escaped; bytes
/// that are not text are written as in a byte string, `\xff`.
pub(super) fn line(payload: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(payload) else { return payload.escape_ascii().to_string() };
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    // Within a JSON value control characters stand between its parts only, where a space is as good.
    let json = text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            letter if !letter.is_control() || letter == '\t' => line.push(letter),
            _ if json => line.push(' '),
            letter => line.extend(letter.escape_default()),
        }
    }
    line
}

/// Bytes in hexadecimal.
pub(super) fn hex(payload: &[u8]) -> String {
    payload.iter().fold(String::with_capacity(2 * payload.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes from hexadecimal, as results in CSV have them; other text as it is.
pub(super) fn from_hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| Some((digit(pair[0])? * 16 + digit(*pair.get(1)?)?) as u8);
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_is_one_line_and_json_stays_json() {
        assert_eq!(line("1,é,x\ty".as_bytes()), "1,é,x\ty");
        assert_eq!(line(b"1,\"a\nb\""), "1,\"a\\nb\"");
        assert_eq!(line(b"{\"a\": 1}"), "{\"a\": 1}");
        let object = "{\n  \"a\": \"x\\ny\",\r\n  \"b\": 1.0\n}";
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert!(!line(object.as_bytes()).contains('\n'));
        assert_eq!(read(&line(object.as_bytes())), read(object));
        assert_eq!(line(b"{broken\n"), "{broken\\n");
        assert_eq!(line(b"\xff\x00a\n"), "\\xff\\x00a\\n");
    }

    #[test]
    fn hexadecimal_comes_back() {
        assert_eq!(hex(b"\xff\x00a"), "ff0061");
        assert_eq!(from_hex("ff0061"), b"\xff\x00a");
        assert_eq!(from_hex("no hex"), b"no hex");
        assert_eq!(from_hex("fff"), b"fff");
    }
}
