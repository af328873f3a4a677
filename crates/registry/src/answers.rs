//! What registries answer to the requests of [`crate::by_hand`]. Each field that one of them leaves out, or calls
//! otherwise, is optional here.

use serde::Deserialize;

use crate::Level;

/// `POST /compatibility/…?verbose=true`.
#[derive(Debug, Deserialize)]
pub(crate) struct CompatibilityAnswer {
    #[serde(alias = "isCompatible")]
    pub(crate) is_compatible: bool,
    pub(crate) messages: Option<Vec<String>>,
}

/// `GET /config` calls it `compatibilityLevel`, `PUT` calls it `compatibility`; some registries use one for both.
#[derive(Debug, Deserialize)]
pub(crate) struct LevelAnswer {
    #[serde(rename = "compatibilityLevel")]
    level: Option<String>,
    compatibility: Option<String>,
}

impl LevelAnswer {
    pub(crate) fn level(&self) -> Result<Level, String> {
        let name = self.level.as_deref().or(self.compatibility.as_deref());
        name.ok_or_else(|| "no compatibility level in it".to_owned())?.parse()
    }
}

/// What stands in the body of an error, where anything does.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorAnswer {
    pub(crate) error_code: Option<u32>,
    pub(crate) message: Option<String>,
}

/// How much of an error's text is passed on, in characters.
const MESSAGE_CHARS_MAX: usize = 500;

impl ErrorAnswer {
    /// What a registry says, cut to a length that a message can have.
    pub(crate) fn new(code: u32, message: &str) -> Self {
        Self { error_code: Some(code), message: Some(message.chars().take(MESSAGE_CHARS_MAX).collect()) }
    }

    /// Proxies answer errors too, in whatever language they like.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let mut answer: Self = serde_json::from_slice(body).unwrap_or_default();
        if answer.message.is_none() && !body.is_empty() && !body.starts_with(b"<") && !body.starts_with(b"{") {
            answer.message = Some(String::from_utf8_lossy(body).trim().to_owned());
        }
        answer.message = answer.message.map(|message| message.chars().take(MESSAGE_CHARS_MAX).collect());
        answer
    }

    pub(crate) fn message(&self) -> String {
        self.message.clone().filter(|message| !message.is_empty()).unwrap_or_else(|| "without a reason".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a, T: Deserialize<'a>>(text: &'a str) -> T {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_level_has_two_spellings() {
        for text in [
            r#"{"compatibilityLevel": "FULL"}"#,
            r#"{"compatibility": "FULL"}"#,
            r#"{"compatibility": "FULL", "normalize": false}"#,
            r#"{"compatibility": null, "compatibilityLevel": "FULL"}"#,
        ] {
            assert_eq!(read::<LevelAnswer>(text).level(), Ok(Level::Full), "{text}");
        }
        assert!(read::<LevelAnswer>("{}").level().is_err());
    }

    #[test]
    fn messages_are_optional() {
        assert_eq!(read::<CompatibilityAnswer>(r#"{"is_compatible": true}"#).messages, None);
        let null = read::<CompatibilityAnswer>(r#"{"is_compatible": false, "messages": null}"#);
        assert!(!null.is_compatible && null.messages.is_none());
    }

    #[test]
    fn an_error_may_be_anything() {
        let usual = ErrorAnswer::parse(br#"{"error_code": 40403, "message": "Schema not found"}"#);
        assert_eq!((usual.error_code, usual.message().as_str()), (Some(40403), "Schema not found"));
        assert_eq!(ErrorAnswer::parse(b"<html>nginx</html>").message(), "without a reason");
        assert_eq!(ErrorAnswer::parse(b"upstream is away\n").message(), "upstream is away");
        assert_eq!(ErrorAnswer::parse(b"").message(), "without a reason");
        assert_eq!(ErrorAnswer::parse(&[b'x'; 5000]).message().len(), MESSAGE_CHARS_MAX);
    }
}
