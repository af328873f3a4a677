//! What the schema registries have in common, so that a test can run against each of them.

use std::fmt::Debug;

use crate::{Apicurio, GoRegistry, Node, ServerError, http_request};

/// A schema registry that speaks Confluent's REST API.
pub trait Registry: Debug + Send + Sync {
    /// Where its API is.
    fn url(&self) -> String;

    /// Its process, to be killed, paused and restarted.
    fn node(&self) -> &Node;

    /// Set the compatibility that it holds all subjects to: NONE, BACKWARD, FULL_TRANSITIVE and so on.
    ///
    /// # Errors
    /// Where it refuses.
    fn set_level(&self, level: &str) -> Result<(), ServerError> {
        let url = format!("{}/config", self.url());
        match http_request("PUT", &url, Some(&format!(r#"{{"compatibility":"{level}"}}"#)))? {
            (200, _) => Ok(()),
            (status, answer) => Err(ServerError::Http { url, reason: format!("{status} {answer}") }),
        }
    }
}

impl Registry for Apicurio {
    fn url(&self) -> String {
        self.url()
    }

    fn node(&self) -> &Node {
        self.node()
    }
}

impl Registry for GoRegistry {
    fn url(&self) -> String {
        self.url()
    }

    fn node(&self) -> &Node {
        self.node()
    }
}
