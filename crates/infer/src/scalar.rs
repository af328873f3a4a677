//! Text as it stands in YAML: a comment in one line, and a scalar.

use std::fmt::Write;

/// Text in one line.
pub(crate) fn comment(text: &str) -> String {
    text.chars().map(|letter| if is_odd(letter) { ' ' } else { letter }).collect()
}

fn is_odd(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A YAML scalar: plain where it is a word, else in double quotes.
pub(crate) fn quoted(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            odd if is_odd(odd) => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(odd));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_plain_and_anything_else_in_quotes() {
        for plain in ["a", "a_b-c.d/e1", "Yes1"] {
            assert_eq!(quoted(plain), plain);
        }
        for (text, wanted) in [
            ("", "\"\""),
            ("1a", "\"1a\""),
            ("_a", "\"_a\""),
            ("No", "\"No\""),
            ("y", "\"y\""),
            ("a b", "\"a b\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("é", "\"é\""),
            ("a\nb", "\"a\\u000ab\""),
            ("\u{feff}\u{2028}", "\"\\ufeff\\u2028\""),
        ] {
            assert_eq!(quoted(text), wanted, "{text:?}");
        }
        assert_eq!(comment("a\nb\u{2029}c\u{85}d é"), "a b c d é");
    }
}
