//! One commit of the log, and its form as JSON.

use std::{collections::BTreeMap, sync::Arc};

use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};
use sink::{StoredProbe, TopicPartition};

use super::{delete, join, staged};
use crate::LakeError;

/// The form of a commit.
const VERSION: u32 = 1;

/// One commit: the whole state behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    version: u32,
    /// The attempt that made it: no two have the same.
    pub(crate) id: String,
    /// The first position that is not stored, by topic and partition.
    pub(crate) positions: BTreeMap<String, BTreeMap<u32, u64>>,
    /// The same as far as it shows in files of the first version, which had no log.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) found: BTreeMap<String, BTreeMap<u32, u64>>,
    /// The newest probe of each partition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) probes: BTreeMap<u32, StoredProbe>,
    /// What this commit and those before it changed and nobody was seen to carry out yet, in order.
    pub(crate) moves: Vec<Move>,
    /// Attempts that had committed nothing for long, and whose staged files are deleted behind this commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) swept: Vec<String>,
}

/// Files that come and go with one commit, as paths in the lake.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Move {
    /// The attempt that staged the ones that come.
    pub(crate) id: String,
    /// Files that are staged, and where they go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) add: Vec<String>,
    /// Files that go: others hold their rows, or they are too old.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) remove: Vec<String>,
}

impl Entry {
    pub(crate) fn new(id: String) -> Self {
        Self { version: VERSION, id, ..Self::default() }
    }

    /// The first position of a partition that is not stored; `None` where nothing was committed of it.
    pub(crate) fn position(&self, topic: &str, partition: u32) -> Option<u64> {
        self.positions.get(topic)?.get(&partition).copied()
    }

    /// Everything of a partition before `next` is stored.
    pub(crate) fn set_position(&mut self, topic: &str, partition: u32, next: u64) {
        self.positions.entry(topic.to_owned()).or_default().insert(partition, next);
    }

    /// Its own changes of files.
    pub(crate) fn own(&self) -> Option<&Move> {
        self.moves.iter().find(|moved| moved.id == self.id)
    }

    pub(crate) fn parse(path: &str, bytes: &[u8]) -> Result<Self, LakeError> {
        let json: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| LakeError::rows(path, error))?;
        match json["version"].as_u64() {
            Some(version) if version <= u64::from(VERSION) => {}
            version => {
                let version = version.map_or_else(|| "no version".to_owned(), |version| format!("version {version}"));
                return Err(LakeError::rows(path, format!("it has {version}; use a newer program")));
            }
        }
        serde_json::from_value(json).map_err(|error| LakeError::rows(path, error))
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, LakeError> {
        serde_json::to_vec(self).map_err(|error| LakeError::rows("log", error))
    }
}

/// Positions as a sink gives them.
pub(crate) fn flat(positions: &BTreeMap<String, BTreeMap<u32, u64>>) -> BTreeMap<TopicPartition, u64> {
    let flat = positions.iter().flat_map(|(topic, of)| of.iter().map(move |(at, next)| ((topic.clone(), *at), *next)));
    flat.collect()
}

impl Move {
    /// Deletes and moves the files. What somebody else has done already is not an error.
    pub(super) async fn carry_out(&self, store: &Arc<dyn ObjectStore>, lake: &Path) -> Result<(), LakeError> {
        // In this order a tool that lists the folder meanwhile misses rows for a moment, and sees none twice.
        for file in &self.remove {
            delete(store, &join(lake, file)).await?;
        }
        for file in &self.add {
            let from = staged(lake, file);
            let Err(error) = store.rename(&from, &join(lake, file)).await else { continue };
            // Somebody has moved it already, which HDFS reports as any other failure.
            match store.head(&from).await {
                Err(object_store::Error::NotFound { .. }) => {}
                _ => return Err(LakeError::store(format!("moving {file} into place"))(error)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A commit as the first version of the log has it.
    const GOLDEN: &str = r#"{"version":1,"id":"a1","positions":{"s.scored":{"0":17,"3":4}},"found":{"s.scored":{"7":2}},"moves":[{"id":"a1","add":["late/hour=2025-01-31T13/x.parquet"],"remove":["late/y.parquet"]}],"swept":["b2"]}"#;

    #[test]
    fn a_commit_of_each_version_is_read_and_this_one_is_written_as_it_was() {
        let entry = Entry::parse("1.json", GOLDEN.as_bytes()).unwrap();
        assert_eq!((entry.position("s.scored", 3), entry.position("s.scored", 7)), (Some(4), None));
        assert_eq!(flat(&entry.found), BTreeMap::from([(("s.scored".to_owned(), 7), 2)]));
        assert_eq!(entry.own().unwrap().add.len(), 1);
        assert_eq!(String::from_utf8(entry.to_bytes().unwrap()).unwrap(), GOLDEN);
        let newer = GOLDEN.replace("\"version\":1", "\"version\":2");
        let error = Entry::parse("1.json", newer.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("version 2; use a newer program"), "{error}");
    }
}
