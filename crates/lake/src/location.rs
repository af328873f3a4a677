//! Where a lake is: a folder on disk or on an object store.

use std::{env, sync::Arc};

use hdfs_native_object_store::HdfsObjectStoreBuilder;
use object_store::{ObjectStore, local::LocalFileSystem, path::Path};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::LakeError;

/// What a lake's tables are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Parquet files, by the hour of the event.
    Parquet,
    /// ORC files, by the hour of the event.
    Orc,
    /// A Delta Lake table each.
    Delta,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Parquet, Self::Orc, Self::Delta];

    /// What its files with rows end in.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Parquet | Self::Delta => ".parquet",
            Self::Orc => ".orc",
        }
    }

    /// Its name, as a setting has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Orc => "orc",
            Self::Delta => "delta",
        }
    }
}

/// Where a lake is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// `file:///...`, `hdfs://namenode:port/...`, `s3://bucket/...`, `gs://bucket/...` or `az://container/...`.
    url: Url,
}

/// Environment variables that belong to an object store.
const PREFIXES: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];

impl Location {
    /// A lake at an address, or at a path on this machine. How to reach a cloud store comes from the environment, as
    /// its own tools have it: `AWS_ENDPOINT`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, ...; what an HDFS needs is in the files of
    /// `HADOOP_CONF_DIR`.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn parse(text: &str) -> Result<Self, LakeError> {
        let failed = |message: String| LakeError::Location { url: text.to_owned(), message };
        let url = if text.contains("://") {
            Url::parse(text).map_err(|error| failed(error.to_string()))?
        } else {
            let path = std::path::absolute(text).map_err(|error| failed(error.to_string()))?;
            let url = Url::from_directory_path(&path)
                .map_err(|()| failed("its path cannot be written as an address".to_owned()))?;
            // Parsing takes `..` away, which an object store does not know.
            Url::parse(url.as_str()).map_err(|error| failed(error.to_string()))?
        };
        match url.scheme() {
            "file" | "hdfs" | "s3" | "s3a" | "gs" | "az" | "abfs" | "abfss" | "memory" => {
                let mut url = url;
                if !url.path().ends_with('/') {
                    url.set_path(&format!("{}/", url.path()));
                }
                Ok(Self { url })
            }
            other => {
                Err(failed(format!("there is no store for {other}:; write file://, hdfs://, s3://, gs:// or az://")))
            }
        }
    }

    /// The address, with `/` at its end.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The address of a folder in it.
    pub fn folder(&self, name: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{name}/", self.url.path()));
        url
    }

    /// The root of the store, as an address.
    pub fn root(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path("/");
        url
    }

    /// The store, and the path of the lake in it.
    ///
    /// # Errors
    /// Where the environment does not say how to reach it.
    pub fn open(&self) -> Result<(Arc<dyn ObjectStore>, Path), LakeError> {
        let failed =
            |error: object_store::Error| LakeError::Location { url: self.url.to_string(), message: error.to_string() };
        if self.url.scheme() == "file" {
            let path = Path::from_url_path(self.url.path()).map_err(|error| failed(error.into()))?;
            return Ok((Arc::new(LocalFileSystem::new()), path));
        }
        if self.url.scheme() == "hdfs" {
            let path = Path::from_url_path(self.url.path()).map_err(|error| failed(error.into()))?;
            let root = self.root();
            let builder = HdfsObjectStoreBuilder::new().with_url(root.as_str().trim_end_matches('/'));
            return Ok((Arc::new(builder.build().map_err(failed)?), path));
        }
        let options = env::vars()
            .filter(|(name, _)| PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
            .map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (store, path) = object_store::parse_url_opts(&self.url, options).map_err(failed)?;
        Ok((Arc::from(store), path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_paths_are_lakes() {
        let url = |text: &str| Location::parse(text).map(|location| location.url().to_string()).unwrap_or_default();
        assert_eq!(url("s3://bucket/events"), "s3://bucket/events/");
        assert_eq!(url("file:///tmp/lake/"), "file:///tmp/lake/");
        assert!(url("lake").ends_with("/lake/"));
        assert_eq!(url("/tmp/runs/../lake"), "file:///tmp/lake/");
        assert_eq!(url("hdfs://namenode:8020/lakes/a"), "hdfs://namenode:8020/lakes/a/");
        assert_eq!(url("ftp://host/x"), "");
        let lake = Location::parse("s3://bucket/a").unwrap();
        assert_eq!((lake.folder("late").as_str(), lake.root().as_str()), ("s3://bucket/a/late/", "s3://bucket/"));
    }
}
