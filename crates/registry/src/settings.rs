//! How to reach a registry.

use std::{fmt, path::PathBuf, time::Duration};

use secrecy::SecretString;

/// How long a registry that is away is waited for, unless a setting says otherwise.
pub const RETRY_FOR: Duration = Duration::from_secs(60);

/// How to reach a registry, and as whom. Showing it shows no secret.
#[derive(Clone)]
pub struct Settings {
    /// Where it is, with the base path that Confluent's API has there: `http://registry:8081`, or
    /// `http://registry:8080/apis/ccompat/v7`. Several, with commas between them, are replicas of one registry, which
    /// are asked in turn until one answers.
    pub url: String,
    /// The user.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<SecretString>,
    /// Who signs the registry's certificate; the system's authorities where absent.
    pub ca_file: Option<PathBuf>,
    /// How long a registry that is away is waited for.
    pub retry_for: Duration,
}

impl Settings {
    /// A registry that asks for no password.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), username: None, password: None, ca_file: None, retry_for: RETRY_FOR }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("url", &shown(&self.url))
            .field("username", &self.username)
            .field("password", &self.password)
            .field("ca_file", &self.ca_file)
            .field("retry_for", &self.retry_for)
            .finish()
    }
}

/// The URLs of a setting, each for itself.
pub(crate) fn each(urls: &str) -> impl Iterator<Item = &str> {
    urls.split(',').map(str::trim)
}

/// The URLs as messages show them.
pub(crate) fn shown(urls: &str) -> String {
    each(urls).map(without_user).collect::<Vec<_>>().join(", ")
}

/// The URL without what stands before an `@`: somebody may have put a password there, which is refused later.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..authority_end].rsplit_once('@').map_or(&rest[..authority_end], |(_, host)| host);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{host}{}", &rest[authority_end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_secret() {
        let mut settings = Settings::new("https://ann:hunter2@registry:8081/base");
        settings.password = Some("hunter2".into());
        let shown = format!("{settings:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("https://registry:8081/base"), "{shown}");
    }

    #[test]
    fn leaves_a_plain_url_alone() {
        for url in ["http://registry:8081", "http://registry:8080/apis/ccompat/v7", "registry", ""] {
            assert_eq!(without_user(url), url);
        }
        assert_eq!(without_user("http://a:b@c:d@host/x@y"), "http://host/x@y");
        assert_eq!(shown("http://a:b@one,  http://c:d@two/x"), "http://one, http://two/x");
    }
}
