//! JSON text before it is decoded: where a value ends, and what stands in it that JSON does not have.

/// What comes next in a text of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// A whole value: where it begins and ends.
    Value(usize, usize),
    /// Something that begins no object, up to the next line or object: where it begins and ends.
    Other(usize, usize),
    /// The text ends within a value, which begins here.
    Unfinished(usize),
    /// Nothing but blanks, commas and brackets of an array around the values.
    Nothing,
}

/// The next object of a text that has objects in an array, behind one another or on several lines each. `ended` says
/// that nothing follows the text.
pub fn next_value(text: &[u8], ended: bool) -> Piece {
    let is_between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']' | 0x1e);
    let Some(start) = text.iter().position(|byte| !is_between(byte)) else { return Piece::Nothing };
    if text[start] != b'{' {
        let end = memchr::memchr2(b'\n', b'{', &text[start..]).map(|length| start + length);
        return match end {
            Some(end) => Piece::Other(start, end),
            None if ended => Piece::Other(start, text.len()),
            None => Piece::Unfinished(start),
        };
    }
    match object_end(&text[start..]) {
        Some(length) => Piece::Value(start, start + length),
        None => Piece::Unfinished(start),
    }
}

/// How many bytes the object takes that the text begins with.
fn object_end(text: &[u8]) -> Option<usize> {
    let (mut depth, mut place) = (0_usize, 0);
    while place < text.len() {
        match text[place] {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(place + 1);
                }
            }
            b'"' => place = string_end(text, place)? - 1,
            _ => {}
        }
        place += 1;
    }
    None
}

/// The place behind the string that begins at `start` with its quote.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut place = start + 1;
    loop {
        place += memchr::memchr2(b'"', b'\\', text.get(place..)?)?;
        if text[place] == b'"' {
            return Some(place + 1);
        }
        place += 2;
    }
}

/// The literals that Python, JavaScript and others write, and what decoders of numbers read in their place.
const LITERALS: [(&[u8], &[u8]); 4] =
    [(b"-Infinity", b"\"-inf\""), (b"Infinity", b"\"inf\""), (b"NaN", b"\"NaN\""), (b"-NaN", b"\"NaN\"")];

/// An object with what JSON does not have put right: with `literals`, NaN and infinities become text, which decoders of
/// numbers read; and the texts of the object's own fields become whatever `replace` gives for them (key, text as it
/// stands between its quotes). `None` where nothing had to be changed.
pub fn rewritten(
    object: &[u8],
    literals: bool,
    mut replace: impl FnMut(&[u8], &[u8]) -> Option<String>,
) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let (mut kept, mut place, mut depth) = (0, 0, 0_usize);
    let mut key: Option<(usize, usize)> = None;
    let mut change = |from: &mut usize, start: usize, end: usize, by: &[u8]| {
        let out = out.get_or_insert_with(|| Vec::with_capacity(object.len() + 16));
        out.extend_from_slice(&object[*from..start]);
        out.extend_from_slice(by);
        *from = end;
    };
    while place < object.len() {
        match object[place] {
            b'"' => {
                let Some(end) = string_end(object, place) else { break };
                let inner = (place + 1, end - 1);
                let is_key = object[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                match (depth, is_key, key) {
                    (1, true, _) => key = Some(inner),
                    (1, false, Some((start, stop))) => {
                        if let Some(by) = replace(&object[start..stop], &object[inner.0..inner.1]) {
                            change(&mut kept, place, end, by.as_bytes());
                        }
                        key = None;
                    }
                    _ => {}
                }
                place = end;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                key = key.filter(|_| depth == 1);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => key = None,
            b'-' | b'I' | b'N' if literals => {
                let found = LITERALS.iter().find(|(literal, _)| object[place..].starts_with(literal));
                if let Some((literal, by)) = found {
                    change(&mut kept, place, place + literal.len(), by);
                    place += literal.len();
                    continue;
                }
            }
            _ => {}
        }
        place += 1;
    }
    let mut out = out?;
    out.extend_from_slice(&object[kept..]);
    Some(out)
}

/// The first number of an object that is beyond the range of a double.
pub fn beyond_double(object: &[u8]) -> Option<&str> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    let mut place = 0;
    while place < object.len() {
        match object[place] {
            b'"' => place = string_end(object, place)?,
            b'0'..=b'9' | b'-' => {
                let length = object[place..].iter().take_while(|byte| is_part(byte)).count();
                let number = std::str::from_utf8(&object[place..place + length]).ok()?;
                if fast_float2::parse::<f64, _>(number).is_ok_and(f64::is_infinite) && number.contains(char::is_numeric)
                {
                    return Some(number);
                }
                place += length;
            }
            _ => place += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        let (mut rest, mut found) = (text, Vec::new());
        loop {
            let (start, end) = match next_value(rest.as_bytes(), true) {
                Piece::Value(start, end) | Piece::Other(start, end) => (start, end),
                Piece::Unfinished(start) => (start, rest.len()),
                Piece::Nothing => return found,
            };
            found.push(&rest[start..end]);
            rest = &rest[end..];
        }
    }

    #[test]
    fn values_are_cut_however_they_are_set_apart() {
        assert_eq!(cut("[{\"a\": [1, {}]}, {\"b\": \"}\"}]"), ["{\"a\": [1, {}]}", "{\"b\": \"}\"}"]);
        assert_eq!(cut("{\"a\":1}{\"b\":\n2}\n\n{}"), ["{\"a\":1}", "{\"b\":\n2}", "{}"]);
        assert_eq!(cut("nonsense\n{\"a\": \"\\\"{\"} x {\"b\""), ["nonsense", "{\"a\": \"\\\"{\"}", "x ", "{\"b\""]);
        assert_eq!(cut(" [ ] "), Vec::<&str>::new());
        assert_eq!(next_value(b"[{\"a\": \"x", false), Piece::Unfinished(1));
    }

    #[test]
    fn literals_and_texts_are_rewritten_outside_of_strings() {
        let none = |_: &[u8], _: &[u8]| None;
        let text = |object: &str| rewritten(object.as_bytes(), true, none).map(|out| String::from_utf8(out).unwrap());
        assert_eq!(
            text(r#"{"a": NaN, "NaN": [-Infinity, "NaN"]}"#).unwrap(),
            r#"{"a": "NaN", "NaN": ["-inf", "NaN"]}"#
        );
        assert_eq!(text(r#"{"a": -1, "b": null}"#), None);
        let upper = |key: &[u8], value: &[u8]| (key == b"t").then(|| format!("<{}>", value.len()));
        let out = rewritten(br#"{"t": "abc", "n": {"t": "abc"}, "l": ["t", "x"], "x": "t", "t" : ""}"#, false, upper);
        let expected: &[u8] = br#"{"t": <3>, "n": {"t": "abc"}, "l": ["t", "x"], "x": "t", "t" : <0>}"#;
        assert_eq!(out.unwrap(), expected);
    }

    #[test]
    fn numbers_beyond_a_double_are_found() {
        assert_eq!(beyond_double(br#"{"a": "1e400", "b": [1e308, {"c": -1e400}]}"#), Some("-1e400"));
        assert_eq!(beyond_double(br#"{"a": 1e-400, "b": 12345678901234567890, "c": null}"#), None);
    }

    proptest! {
        /// Any bytes are cut to the end, in pieces that follow one another.
        #[test]
        fn any_bytes_are_cut(text in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'{'), Just(b'}'), Just(b'"')], 0..200)) {
            let mut place = 0;
            while place < text.len() {
                match next_value(&text[place..], true) {
                    Piece::Value(start, end) | Piece::Other(start, end) => {
                        prop_assert!(start < end);
                        place += end;
                    }
                    Piece::Unfinished(_) | Piece::Nothing => break,
                }
            }
            let _ = rewritten(&text, true, |_, _| None);
            let _ = beyond_double(&text);
        }
    }
}
