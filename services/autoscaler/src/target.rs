//! What is scaled: the file that names Deployments, with the group and topic that each works on.

use std::{fs, path::Path};

use serde::Deserialize;

use crate::error::AutoscalerError;

/// How many Deployments one autoscaler looks after.
const TARGETS_MAX: usize = 1_000;

/// A Deployment, and the group by whose lag it is scaled.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// The Deployment's name.
    pub(crate) deployment: String,
    /// The stream that it belongs to.
    pub(crate) stream: String,
    /// The service that it runs.
    pub(crate) service: String,
    /// The consumer group of its pods.
    pub(crate) group: String,
    /// The topic that they read.
    pub(crate) topic: String,
    /// Replicas at least.
    pub(crate) min: u32,
    /// Replicas at most; the topic's partitions where 0.
    #[serde(default)]
    pub(crate) max: u32,
}

/// Reads the file.
///
/// # Errors
/// Where it cannot be read, or what it says cannot be done.
pub(crate) fn read(path: &Path) -> Result<Vec<Target>, AutoscalerError> {
    let text =
        fs::read_to_string(path).map_err(|source| AutoscalerError::TargetsFile { path: path.to_owned(), source })?;
    parse(&text).map_err(|what| AutoscalerError::Targets { path: path.to_owned(), what })
}

fn parse(text: &str) -> Result<Vec<Target>, String> {
    let targets: Vec<Target> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if targets.is_empty() {
        return Err("it names no target, so there is nothing to scale".to_owned());
    }
    if targets.len() > TARGETS_MAX {
        return Err(format!("it names {} targets; one autoscaler takes {TARGETS_MAX}", targets.len()));
    }
    for (position, target) in targets.iter().enumerate() {
        let name = &target.deployment;
        if target.min == 0 {
            return Err(format!("`min` of {name} is 0: without a replica nobody would read, and lag only grow"));
        }
        if target.max != 0 && target.max < target.min {
            return Err(format!("`max` of {name} is {}, less than its `min` of {}", target.max, target.min));
        }
        if targets[..position].iter().any(|earlier| earlier.deployment == *name) {
            return Err(format!("it names {name} twice, and two would scale it against each other"));
        }
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(more: &str) -> String {
        format!(r#"{{"deployment": "d", "stream": "s", "service": "enricher", "group": "g", "topic": "t", {more}}}"#)
    }

    #[test]
    fn reads_what_is_to_be_scaled() {
        let targets = parse(&format!("[{}]", target(r#""min": 1"#))).unwrap();
        assert_eq!((targets[0].min, targets[0].max), (1, 0));
    }

    #[test]
    fn says_what_cannot_be_done() {
        let wrong = [
            ("[]".to_owned(), "nothing to scale"),
            (format!("[{}]", target(r#""min": 0"#)), "lag only grow"),
            (format!("[{}]", target(r#""min": 3, "max": 2"#)), "less than its `min` of 3"),
            (format!("[{0}, {0}]", target(r#""min": 1"#)), "names d twice"),
            (format!("[{}]", target(r#""min": 1, "mx": 2"#)), "unknown field `mx`"),
        ];
        for (text, expected) in wrong {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
