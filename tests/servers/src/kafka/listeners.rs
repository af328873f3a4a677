//! Where a node listens, and as what.

use crate::{Proxy, ServerError, free_port};

use super::KafkaOptions;

/// A listener of a node.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) name: &'static str,
    pub(super) protocol: &'static str,
    pub(super) port: u16,
    /// What clients are told to connect to: its own port, or a proxy's.
    pub(super) advertised: u16,
}

/// All listeners of a node, and the proxy in front of one of them.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) all: Vec<Listener>,
    pub(super) controller: u16,
    pub(super) proxy: Option<Proxy>,
}

/// The listeners of a secured node: name and protocol.
const SECURED: [(&str, &str); 4] =
    [("TLS", "SSL"), ("EXPIRED", "SSL"), ("SASL", "SASL_SSL"), ("SASLPLAIN", "SASL_PLAINTEXT")];

impl Listeners {
    /// Choose the ports of a node. `plain` names the port for plain text.
    pub(super) fn new(options: &KafkaOptions, plain: u16) -> Result<Self, ServerError> {
        let mut listeners = Self { all: Vec::new(), controller: free_port(), proxy: None };
        listeners.add("PLAINTEXT", "PLAINTEXT", plain, plain);
        if options.proxied {
            let port = free_port();
            let proxy = Proxy::start(&format!("127.0.0.1:{port}"))?;
            listeners.add("PROXIED", "PLAINTEXT", port, proxy.port());
            listeners.proxy = Some(proxy);
        }
        if options.secured {
            for (name, protocol) in SECURED {
                let port = free_port();
                listeners.add(name, protocol, port, port);
            }
        }
        Ok(listeners)
    }

    fn add(&mut self, name: &'static str, protocol: &'static str, port: u16, advertised: u16) {
        self.all.push(Listener { name, protocol, port, advertised });
    }

    /// What clients connect to, if the node has this listener.
    pub(super) fn address(&self, name: &str) -> Option<String> {
        let listener = self.all.iter().find(|listener| listener.name == name)?;
        Some(format!("127.0.0.1:{}", listener.advertised))
    }
}
