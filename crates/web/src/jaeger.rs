//! Where people look at traces.

use std::str::FromStr;

use axum::http::Uri;

/// The address of Jaeger's pages, as a browser reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JaegerUrl(String);

impl JaegerUrl {
    /// The address, without a slash behind it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JaegerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_page = |uri: &Uri| {
            let plain = uri.query().is_none() && !uri.authority().is_some_and(|host| host.as_str().contains('@'));
            matches!(uri.scheme_str(), Some("http" | "https")) && plain
        };
        match text.parse::<Uri>().ok().filter(is_page) {
            Some(_) => Ok(Self(text.trim_end_matches('/').to_owned())),
            None => Err("it is the address of Jaeger's pages, such as https://jaeger.lab.org".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_that_a_browser_can_open_is_taken() {
        for (text, kept) in [
            ("http://127.0.0.1:16686", "http://127.0.0.1:16686"),
            ("https://lab.org/jaeger/", "https://lab.org/jaeger"),
        ] {
            assert_eq!(text.parse::<JaegerUrl>().unwrap().as_str(), kept);
        }
        for wrong in [
            "",
            "jaeger",
            "lab.org:16686",
            "javascript:alert(1)",
            "http://",
            "https://lab.org/?a=b",
            "http://a:b@lab.org",
        ] {
            assert!(wrong.parse::<JaegerUrl>().is_err(), "{wrong}");
        }
    }
}
