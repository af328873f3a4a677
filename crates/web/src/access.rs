//! Who may do what, and which requests are answered at all.
//!
//! Without tokens the page is served on a loopback address alone, to everyone on the machine: acknowledging is on, putting
//! dead letters back is off unless the settings say otherwise. With tokens each request to `/api` carries one of two:
//! a viewer reads, an operator also acknowledges and puts back. Or a proxy has signed people in ([`ProxySettings`]). The page has no
//! cookie of its own; the checks of Host and Origin keep another site's page from writing in the name of somebody whose
//! browser has the proxy's, and from reading a page on loopback through a name of its own (DNS rebinding).

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, Method, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{ProxySettings, problem::Problem};

/// How old a token that was read from a file may be.
const TOKEN_AGE_MAX: Duration = Duration::from_secs(2);
/// Bytes of a token file at most.
const TOKEN_BYTES_MAX: u64 = 4096;
/// Fewer characters can be guessed.
const TOKEN_CHARACTERS_MIN: usize = 16;

/// Who may do what.
#[derive(Debug, Clone, Default)]
pub struct AccessSettings {
    /// A folder with the files `viewer` and `operator`, each with a token: read again when they change.
    pub tokens: Option<PathBuf>,
    /// Whether dead letters may be put back by whoever reaches the page on loopback.
    pub redrive: bool,
    /// Names that the page is reached by, besides `localhost` and addresses.
    pub hosts: Vec<String>,
    /// Which proxies sign people in.
    pub proxy: ProxySettings,
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Reads.
    Viewer,
    /// Also acknowledges, and puts dead letters back.
    Operator,
}

/// Who asks, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) role: Role,
    pub(crate) redrive: bool,
    /// The name that a proxy has for them.
    pub(crate) name: Option<String>,
}

impl Role {
    /// Its name in the API and in notes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }
}

impl Caller {
    /// Lets operators pass.
    pub(crate) fn must_operate(&self) -> Result<(), Problem> {
        match self.role {
            Role::Operator => Ok(()),
            Role::Viewer => {
                let detail = "this needs the role `operator`: the operator's token, or a group of operators";
                Err(Problem::new(StatusCode::FORBIDDEN, "role-needed", detail))
            }
        }
    }

    /// Who has written something: whom the proxy has signed in, else the name that was `given`, else the role.
    pub(crate) fn author(&self, given: Option<String>) -> String {
        let given = given.filter(|name| !name.trim().is_empty());
        self.name.clone().or(given).unwrap_or_else(|| self.role.name().to_owned())
    }

    /// Lets those pass who may put dead letters back.
    pub(crate) fn must_redrive(&self) -> Result<(), Problem> {
        self.must_operate()?;
        if self.redrive {
            return Ok(());
        }
        let detail =
            "putting dead letters back is off without tokens; start with --page-redrive, or use `beamline dlq redrive`";
        Err(Problem::new(StatusCode::FORBIDDEN, "redrive-off", detail))
    }
}

/// Which requests are answered.
#[derive(Debug)]
pub(crate) struct Access {
    settings: AccessSettings,
    tokens: Mutex<Option<(Instant, Tokens)>>,
}

#[derive(Debug, Clone)]
struct Tokens {
    viewer: Option<String>,
    operator: Option<String>,
}

impl Access {
    /// Checks the settings against the address that is served.
    pub(crate) fn new(settings: AccessSettings, address: SocketAddr) -> Result<Self, String> {
        let Some(folder) = &settings.tokens else {
            if address.ip().is_loopback() || settings.proxy.is_used() {
                return Ok(Self { settings, tokens: Mutex::new(None) });
            }
            return Err(format!(
                "{address} can be reached from other machines, and everyone there could acknowledge alarms; \
                 name a folder of tokens with --page-tokens or a proxy that signs people in with --page-proxy, or serve it \
                 on 127.0.0.1"
            ));
        };
        let tokens = read(folder)?;
        Ok(Self { tokens: Mutex::new(Some((Instant::now(), tokens))), settings })
    }

    /// How `caller` has come in: `proxy`, `token` or `loopback`.
    pub(crate) fn way(&self, caller: &Caller) -> &'static str {
        match (&caller.name, &self.settings.tokens) {
            (Some(_), _) => "proxy",
            (None, Some(_)) => "token",
            (None, None) => "loopback",
        }
    }

    /// Refuses a request that came by a name the page is not known by, or that another site's page made.
    pub(crate) fn check_origin(&self, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).unwrap_or_default();
        if !self.is_known_host(host) {
            let detail =
                format!("the page is not known as {host:?}; open it by its address, or name it with --page-host");
            return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "host-not-allowed", detail));
        }
        let reads = method == Method::GET || method == Method::HEAD;
        let foreign =
            text(header::ORIGIN).is_some_and(|origin| origin.split_once("://").is_none_or(|(_, from)| from != host));
        if foreign && !reads {
            let detail = "another site's page may not change anything here";
            return Err(Problem::new(StatusCode::FORBIDDEN, "origin-not-allowed", detail));
        }
        Ok(())
    }

    /// Who sent a request to the API from `peer`.
    pub(crate) fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Caller, Problem> {
        if let Some(person) = self.settings.proxy.person(peer, headers) {
            let role = if person.operates { Role::Operator } else { Role::Viewer };
            return Ok(Caller { role, redrive: person.operates, name: Some(person.name) });
        }
        let Some(folder) = &self.settings.tokens else {
            if self.settings.proxy.is_used() {
                let detail = "nobody has signed in: open the page through its proxy";
                return Err(Problem::new(StatusCode::UNAUTHORIZED, "sign-in-needed", detail));
            }
            return Ok(Caller { role: Role::Operator, redrive: self.settings.redrive, name: None });
        };
        let refused = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "token-needed", detail);
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        let given = given.ok_or_else(|| refused("send a token: `Authorization: Bearer TOKEN`"))?;
        let tokens = self.tokens(folder);
        let is = |token: &Option<String>| token.as_deref().is_some_and(|token| same(token, given));
        match (is(&tokens.operator), is(&tokens.viewer)) {
            (true, _) => Ok(Caller { role: Role::Operator, redrive: true, name: None }),
            (_, true) => Ok(Caller { role: Role::Viewer, redrive: false, name: None }),
            _ => Err(refused("the token is not one of this page; it may have been replaced")),
        }
    }

    /// The tokens as they are now; those before where they cannot be read.
    fn tokens(&self, folder: &Path) -> Tokens {
        let mut known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read_at, tokens)) = known.as_ref().filter(|(read_at, _)| read_at.elapsed() < TOKEN_AGE_MAX) {
            let _ = read_at;
            return tokens.clone();
        }
        let before = known.as_ref().map(|(_, tokens)| tokens.clone());
        let tokens = read(folder).unwrap_or_else(|error| {
            tracing::warn!(%error, "the page's tokens cannot be read; the ones before stay");
            before.unwrap_or(Tokens { viewer: None, operator: None })
        });
        *known = Some((Instant::now(), tokens.clone()));
        tokens
    }

    /// An address cannot be rebound, so a name has to be known.
    fn is_known_host(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        let known = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok();
        known || self.settings.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
    }
}

/// Compares without telling by the time it takes how much is the same.
fn same(a: &str, b: &str) -> bool {
    let differ = a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    a.len() == b.len() && differ == 0
}

fn read(folder: &Path) -> Result<Tokens, String> {
    let token = |name: &str| {
        let path = folder.join(name);
        let text = match fs::metadata(&path) {
            Err(_) => return Ok(None),
            Ok(found) if found.len() > TOKEN_BYTES_MAX => {
                return Err(format!("{} is too long for a token", path.display()));
            }
            Ok(_) => fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?,
        };
        let token = text.trim().to_owned();
        match token.len() >= TOKEN_CHARACTERS_MIN {
            true => Ok(Some(token)),
            false => Err(format!("the token in {} is shorter than {TOKEN_CHARACTERS_MIN} characters", path.display())),
        }
    };
    let tokens = Tokens { viewer: token("viewer")?, operator: token("operator")? };
    match tokens.viewer.is_none() && tokens.operator.is_none() {
        true => Err(format!("{} has no file `viewer` or `operator` with a token", folder.display())),
        false => Ok(tokens),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
    }

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 42, 0, 7));

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn without_a_token_only_loopback_is_served() {
        assert!(Access::new(AccessSettings::default(), address("127.0.0.1:80")).is_ok());
        assert!(Access::new(AccessSettings::default(), address("[::1]:80")).is_ok());
        let refused = Access::new(AccessSettings::default(), address("0.0.0.0:80")).unwrap_err();
        assert!(refused.contains("--page-tokens"), "{refused}");
    }

    #[test]
    fn a_name_that_is_not_known_is_refused() {
        let settings = AccessSettings { hosts: vec!["wall.lab.org".to_owned()], ..AccessSettings::default() };
        let access = Access::new(settings, address("127.0.0.1:80")).unwrap();
        for host in ["localhost", "LOCALHOST:8085", "127.0.0.1:8085", "[::1]:8085", "10.0.0.7", "wall.lab.org:80"] {
            assert!(access.check_origin(&Method::GET, &headers(&[("host", host)])).is_ok(), "{host}");
        }
        for host in ["evil.example", "evil.example:8085", "localhost.evil.example", "", "127.0.0.1.evil.example"] {
            let refused = access.check_origin(&Method::GET, &headers(&[("host", host)])).unwrap_err();
            assert_eq!(refused.status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
        }
    }

    #[test]
    fn another_sites_page_changes_nothing() {
        let access = Access::new(AccessSettings::default(), address("127.0.0.1:80")).unwrap();
        let posts = |origin: &str| {
            access.check_origin(&Method::POST, &headers(&[("host", "localhost:8085"), ("origin", origin)]))
        };
        assert!(posts("http://localhost:8085").is_ok());
        assert!(access.check_origin(&Method::POST, &headers(&[("host", "localhost:8085")])).is_ok());
        for origin in ["http://evil.example", "null", "http://localhost:8086", ""] {
            assert_eq!(posts(origin).unwrap_err().status(), StatusCode::FORBIDDEN, "{origin}");
        }
    }

    #[test]
    fn roles_follow_the_tokens_and_a_new_token_counts_without_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, token: &str| fs::write(folder.path().join(name), token).unwrap();
        write("viewer", "viewer-0123456789\n");
        write("operator", "operator-0123456789");
        let settings = AccessSettings { tokens: Some(folder.path().to_owned()), ..AccessSettings::default() };
        let access = Access::new(settings, address("0.0.0.0:80")).unwrap();
        let caller = |token: &str| access.caller(PEER, &headers(&[("authorization", &format!("Bearer {token}"))]));
        assert_eq!(access.caller(PEER, &HeaderMap::new()).unwrap_err().status(), StatusCode::UNAUTHORIZED);
        let viewer = caller("viewer-0123456789").unwrap();
        assert_eq!(viewer.must_operate().unwrap_err().status(), StatusCode::FORBIDDEN);
        assert_eq!(viewer.must_redrive().unwrap_err().status(), StatusCode::FORBIDDEN);
        let operator = caller("operator-0123456789").unwrap();
        assert!(operator.must_operate().is_ok() && operator.must_redrive().is_ok());
        assert!(caller("operator-012345678").is_err() && caller("").is_err());
        write("operator", "replaced-0123456789");
        std::thread::sleep(TOKEN_AGE_MAX + Duration::from_millis(100));
        assert!(caller("operator-0123456789").is_err());
        assert!(caller("replaced-0123456789").is_ok());
    }

    #[test]
    fn behind_a_proxy_people_have_their_names_and_nobody_comes_in_beside_it() {
        let proxy = ProxySettings { trusted: vec!["10.42.0.7".parse().unwrap()], operators: vec!["shift".to_owned()] };
        let settings = AccessSettings { proxy, redrive: true, ..AccessSettings::default() };
        let access = Access::new(settings, address("0.0.0.0:80")).unwrap();
        let ada = headers(&[("x-forwarded-user", "ada"), ("x-forwarded-groups", "shift")]);
        let operator = access.caller(PEER, &ada).unwrap();
        assert!(operator.must_redrive().is_ok());
        assert_eq!((operator.author(Some("eve".to_owned())).as_str(), access.way(&operator)), ("ada", "proxy"));
        let viewer = access.caller(PEER, &headers(&[("x-forwarded-user", "bob")])).unwrap();
        assert_eq!(viewer.must_operate().unwrap_err().status(), StatusCode::FORBIDDEN);
        for (peer, headers) in [("127.0.0.1", ada.clone()), ("10.42.0.8", ada), ("10.42.0.7", HeaderMap::new())] {
            let refused = access.caller(peer.parse().unwrap(), &headers).unwrap_err();
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{peer}");
        }
    }

    #[test]
    fn a_token_that_can_be_guessed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let settings = AccessSettings { tokens: Some(folder.path().to_owned()), ..AccessSettings::default() };
        assert!(Access::new(settings.clone(), address("0.0.0.0:80")).is_err(), "there is no token at all");
        fs::write(folder.path().join("viewer"), "short").unwrap();
        assert!(Access::new(settings, address("0.0.0.0:80")).unwrap_err().contains("shorter"));
    }

    #[test]
    fn on_loopback_one_may_acknowledge_and_not_put_back() {
        let caller = |redrive| {
            let settings = AccessSettings { redrive, ..AccessSettings::default() };
            Access::new(settings, address("127.0.0.1:80")).unwrap().caller(PEER, &HeaderMap::new()).unwrap()
        };
        assert!(caller(false).must_operate().is_ok());
        assert!(caller(false).must_redrive().is_err());
        assert!(caller(true).must_redrive().is_ok());
    }
}
