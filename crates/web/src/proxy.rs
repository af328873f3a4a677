//! People whom a proxy has signed in: one that speaks OpenID Connect, such as oauth2-proxy, and passes on who they are.
//!
//! The headers are believed where the connection comes from a proxy that the settings name, and nowhere else. The proxy has to
//! remove the same headers from what browsers send.

use std::{net::IpAddr, str::FromStr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Who somebody is,
const USER: &str = "x-forwarded-user";
/// and the groups they are in, with commas between.
const GROUPS: &str = "x-forwarded-groups";
/// Bytes of a name that are kept.
const NAME_BYTES_MAX: usize = 64;

/// The addresses of a proxy: one, or a network of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| address()).map(Self).map_err(|_| {
            format!("`{text}` is not an address or a network; write one such as 10.42.0.7 or 10.42.0.0/16")
        })
    }
}

/// Which proxies sign people in, and whom they make an operator.
#[derive(Debug, Clone, Default)]
pub struct ProxySettings {
    /// Where the proxies are; nobody's headers are believed where this is empty.
    pub trusted: Vec<Network>,
    /// The groups whose members are operators; all others are viewers.
    pub operators: Vec<String>,
}

/// Somebody who is signed in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) operates: bool,
}

impl ProxySettings {
    /// Whether people sign in at a proxy.
    pub(crate) fn is_used(&self) -> bool {
        !self.trusted.is_empty()
    }

    /// Who sent a request that came from `peer`; nobody where that is not a proxy, or the proxy does not say.
    pub(crate) fn person(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Person> {
        // A listener of both families has IPv4 addresses within IPv6 ones.
        let peer = peer.to_canonical();
        if !self.trusted.iter().any(|network| network.0.contains(&peer)) {
            return None;
        }
        // A header that stands twice may have been put there by somebody else.
        let text = |name: &str| {
            let mut all = headers.get_all(name).iter();
            let first = all.next()?.to_str().ok()?.trim();
            all.next().is_none().then_some(first).filter(|text| !text.is_empty())
        };
        let name = text(USER)?;
        let mut groups = text(GROUPS).into_iter().flat_map(|groups| groups.split(',')).map(str::trim);
        let operates = groups.any(|group| self.operators.iter().any(|operators| operators == group));
        Some(Person { name: name[..name.floor_char_boundary(NAME_BYTES_MAX)].to_owned(), operates })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn settings() -> ProxySettings {
        let trusted = ["10.42.0.0/16", "fd00::7"].map(|text| text.parse().unwrap()).into();
        ProxySettings { trusted, operators: vec!["shift".to_owned()] }
    }

    fn person(peer: &str, pairs: &[(&'static str, &str)]) -> Option<(String, bool)> {
        let person = settings().person(peer.parse().unwrap(), &headers(pairs))?;
        Some((person.name, person.operates))
    }

    #[test]
    fn a_proxy_says_who_somebody_is_and_its_groups_what_they_may() {
        let ada = ("x-forwarded-user", "ada@lab.example");
        assert_eq!(person("10.42.3.4", &[ada]), Some(("ada@lab.example".to_owned(), false)));
        let member = ("x-forwarded-groups", "guests, shift");
        assert_eq!(person("fd00::7", &[ada, member]), Some(("ada@lab.example".to_owned(), true)));
        assert_eq!(person("::ffff:10.42.3.4", &[ada, member]), Some(("ada@lab.example".to_owned(), true)));
        let other = ("x-forwarded-groups", "shifty,SHIFT");
        assert_eq!(person("10.42.3.4", &[ada, other]), Some(("ada@lab.example".to_owned(), false)));
        let long = "é".repeat(60);
        assert_eq!(person("10.42.3.4", &[("x-forwarded-user", &long)]), None, "a header is of visible ASCII");
        let long = "a".repeat(100);
        assert_eq!(person("10.42.3.4", &[("x-forwarded-user", &long)]).unwrap().0.len(), NAME_BYTES_MAX);
    }

    #[test]
    fn nobody_else_says_who_they_are() {
        let ada = ("x-forwarded-user", "ada");
        for peer in ["10.43.0.1", "127.0.0.1", "fd00::8", "::1"] {
            assert_eq!(person(peer, &[ada]), None, "{peer}");
        }
        assert_eq!(person("10.42.3.4", &[]), None);
        assert_eq!(person("10.42.3.4", &[("x-forwarded-user", " ")]), None);
        assert_eq!(person("10.42.3.4", &[("x-forwarded-user", "eve"), ada]), None, "one of the two is not the proxy's");
        let twice = [ada, ("x-forwarded-groups", "shift"), ("x-forwarded-groups", "guests")];
        assert_eq!(person("10.42.3.4", &twice), Some(("ada".to_owned(), false)));
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        assert_eq!("10.0.0.7".parse::<Network>(), "10.0.0.7/32".parse());
        let refused = "proxy.lab.example".parse::<Network>().unwrap_err();
        assert!(refused.contains("10.42.0.0/16"), "{refused}");
    }
}
