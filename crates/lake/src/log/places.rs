//! Which files of a lake hold its committed rows, wherever each of them is at this moment.

use std::{collections::BTreeMap, sync::Arc};

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};

use super::{Log, join};
use crate::{LakeError, names};

const STAGED: &str = "_beamline/staged";
/// How often a look is taken again because somebody has committed meanwhile; the last one is taken as it is.
const LOOKS_MAX: usize = 5;

/// Where a file is staged: in one flat folder, so that a disk keeps no empty folders behind.
pub(crate) fn staged(lake: &Path, file: &str) -> Path {
    staged_folder(lake).join(file.replace('/', "__"))
}

/// Where files are staged.
pub(crate) fn staged_folder(lake: &Path) -> Path {
    join(lake, STAGED)
}

/// The files of a lake, by their path in it: where each is, and how many bytes it has.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<String, (Path, u64)>);

impl Places {
    /// The committed files in some folders of the lake.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub(crate) async fn open(store: &Arc<dyn ObjectStore>, lake: &Path, folders: &[&str]) -> Result<Self, LakeError> {
        let mut log = Log::open(store, lake).await?;
        let mut look = 1;
        loop {
            let mut places = Self::in_place(store, lake, folders).await?;
            if log.catch_up().await?.is_empty() || look == LOOKS_MAX {
                places.follow(&log, store, lake, folders).await?;
                return Ok(places);
            }
            look += 1;
        }
    }

    /// Those of a folder.
    pub(crate) fn of(&self, folder: &str) -> impl Iterator<Item = (&String, &(Path, u64))> {
        self.0.iter().filter(move |(file, _)| is_in(file, folder))
    }

    /// What lies in place.
    async fn in_place(store: &Arc<dyn ObjectStore>, lake: &Path, folders: &[&str]) -> Result<Self, LakeError> {
        let mut places = BTreeMap::new();
        for folder in folders {
            let path = join(lake, folder);
            let mut found = store.list(Some(&path));
            while let Some(meta) = found.try_next().await.map_err(LakeError::store(format!("listing {path}")))? {
                if let Some(file) = relative(lake, &meta.location).filter(|file| names::stem(file).is_some()) {
                    places.insert(file, (meta.location, meta.size));
                }
            }
        }
        Ok(Self(places))
    }

    /// What is committed and was not in place yet.
    async fn follow(
        &mut self,
        log: &Log,
        store: &Arc<dyn ObjectStore>,
        lake: &Path,
        folders: &[&str],
    ) -> Result<(), LakeError> {
        for moved in &log.last().moves {
            moved.remove.iter().for_each(|file| _ = self.0.remove(file));
            for file in moved.add.iter().filter(|file| folders.iter().any(|folder| is_in(file, folder))) {
                // It may be moved between two looks, and gone with a later commit.
                for path in [staged(lake, file), join(lake, file)] {
                    match store.head(&path).await {
                        Ok(meta) => _ = self.0.entry(file.clone()).or_insert((meta.location, meta.size)),
                        Err(object_store::Error::NotFound { .. }) => {}
                        Err(error) => return Err(LakeError::store(format!("looking for {path}"))(error)),
                    }
                }
            }
        }
        Ok(())
    }
}

/// The path of an object in the lake.
pub(crate) fn relative(lake: &Path, path: &Path) -> Option<String> {
    let parts: Vec<String> = path.prefix_match(lake)?.map(|part| part.as_ref().to_owned()).collect();
    Some(parts.join("/"))
}

fn is_in(file: &str, folder: &str) -> bool {
    file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
