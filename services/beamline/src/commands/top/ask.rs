//! Asks services for their metrics, and the pages of runs for their overviews.

use std::{io::Read, thread, time::Duration};

use reqwest::{StatusCode, Url, blocking::Client};
use serde::Deserialize;
use top::Answer;

use crate::{Failure, cli::TopArgs, page::PORT};

/// How long a source may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// Sources that are asked.
const SOURCES_MAX: usize = 256;
/// Ports of this machine at which runs are looked for where none is named.
const PORTS_LOOKED_AT: u16 = 8;

/// What one of them answers, or why it does not, by its name.
type Answered = (String, Result<Answer, String>);

/// Who is asked.
pub(super) struct Sources {
    client: Client,
    bases: Vec<Url>,
    token: Option<String>,
    /// Whether they were named; others need not answer.
    named: bool,
}

/// The streams of a run.
#[derive(Deserialize)]
struct Streams {
    streams: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Sources {
    /// Those of the command line, or the pages of this machine.
    pub(super) fn of(args: &TopArgs) -> Result<Self, Failure> {
        let named = !args.addresses.is_empty();
        let local = || (PORT..PORT + PORTS_LOOKED_AT).map(|port| format!("127.0.0.1:{port}")).collect();
        let addresses = if named { args.addresses.clone() } else { local() };
        if addresses.len() > SOURCES_MAX {
            return Err(Failure::configuration(format!("at most {SOURCES_MAX} addresses can be asked")));
        }
        let bases = addresses.iter().map(|address| base(address)).collect::<Result<Vec<Url>, Failure>>()?;
        // Without encryption no authority is needed, and a small container may have none.
        let encrypted = bases.iter().any(|base| base.scheme() == "https");
        let builder = Client::builder().timeout(ANSWER_MAX);
        let builder = if encrypted { builder } else { builder.tls_certs_only([]) };
        let client = builder.build().map_err(Failure::run_time)?;
        Ok(Self { client, bases, token: args.token.clone(), named })
    }

    /// What all of them answer, asked at once.
    pub(super) fn ask(&self) -> Vec<Answered> {
        let answers = thread::scope(|scope| {
            let asked: Vec<_> = self.bases.iter().map(|base| scope.spawn(move || self.ask_one(base))).collect();
            asked.into_iter().map(|asked| asked.join().unwrap_or_default()).collect::<Vec<_>>()
        });
        answers.into_iter().flatten().filter(|(_, answer)| self.named || answer.is_ok()).collect()
    }

    /// The metrics of a service, or the overviews of a run, whichever it is.
    fn ask_one(&self, base: &Url) -> Vec<Answered> {
        let name = base.authority().to_owned();
        match self.get(base, "metrics") {
            Ok(Some(text)) => {
                vec![(name, Answer::metrics(&text).map_err(|error| format!("no service of Beamline: {error}")))]
            }
            // A page has no metrics: it has streams.
            Ok(None) => self.overviews(base).unwrap_or_else(|reason| vec![(name, Err(reason))]),
            Err(reason) => vec![(name, Err(reason))],
        }
    }

    fn overviews(&self, base: &Url) -> Result<Vec<Answered>, String> {
        let none =
            || "neither metrics nor a page: name the --listen address of a service, or that of a page".to_owned();
        let text = self.get(base, "api/v1/streams")?.ok_or_else(none)?;
        let streams: Streams = serde_json::from_str(&text).map_err(|_| none())?;
        let overview = |stream: Named| {
            let path = format!("api/v1/streams/{}/overview", stream.name);
            let answer = self.get(base, &path).and_then(|text| text.ok_or_else(none));
            let answer = answer.and_then(|text| Answer::overview(&text).map_err(|error| error.to_string()));
            (base.authority().to_owned(), answer)
        };
        Ok(streams.streams.into_iter().map(overview).collect())
    }

    /// The text at a path; nothing where there is no such page.
    fn get(&self, base: &Url, path: &str) -> Result<Option<String>, String> {
        let url = base.join(path).map_err(|error| error.to_string())?;
        let mut request = self.client.get(url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().map_err(|error| match error.is_timeout() {
            true => format!("no answer within {} s", ANSWER_MAX.as_secs()),
            false => "no answer; check the address".to_owned(),
        })?;
        match response.status() {
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::UNAUTHORIZED => return Err("asks for a token: --token, or BEAMLINE_PAGE_TOKEN".to_owned()),
            status if !status.is_success() => return Err(format!("answers {status}")),
            _ => {}
        }
        let mut text = String::new();
        let read = response.take(ANSWER_BYTES_MAX).read_to_string(&mut text);
        read.map_err(|error| format!("an answer that cannot be read: {error}"))?;
        Ok(Some(text))
    }
}

/// The root of an address: `HOST:PORT`, or a URL whose path may be that of the metrics.
fn base(address: &str) -> Result<Url, Failure> {
    let text = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::configuration(format!("`{address}` is not an address ({error}); write HOST:PORT or http://HOST:PORT"))
    };
    let mut url = Url::parse(&text).map_err(|error| wrong(&error))?;
    if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
        return Err(wrong(&"only http and https are asked"));
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/metrics").unwrap_or(path).to_owned();
    url.set_path(&format!("{path}/"));
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_short_or_whole() {
        let of = |address| base(address).map(|url| url.to_string()).ok();
        assert_eq!(of("127.0.0.1:9464").as_deref(), Some("http://127.0.0.1:9464/"));
        assert_eq!(of("https://a.example/x/metrics").as_deref(), Some("https://a.example/x/"));
        assert_eq!(of("http://a:1").as_deref(), Some("http://a:1/"));
        assert_eq!(of("ftp://a"), None);
        assert_eq!(of("http://"), None);
    }
}
