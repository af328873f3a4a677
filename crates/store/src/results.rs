//! The folder of one stream's results: where files are, how they become visible, and what is tidied up after a crash.
//!
//! ```text
//! processed_data/[hour=2025-01-31T13/]part-<partition>-<first position>.parquet
//! reports/<selection>_<partition>-<first position>.csv
//! _beamline/manifest.json         what is committed, with manifest-<number>.log beside it
//! _beamline/readers/              a file for each query that is going on
//! _beamline/staging/              finished or half-written files that no commit has published yet
//! ```

use std::{
    collections::{BTreeSet, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use crate::{FileEntry, Manifest, StoreError, Table, durable::sync_folder};

/// The folder of one stream's results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    root: PathBuf,
}

pub(crate) const STAGING: &str = "_beamline/staging";

impl Results {
    /// The results in `root`; nothing is read or made yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder for what belongs to the run and not to its results.
    pub fn state(&self) -> PathBuf {
        self.root.join("_beamline")
    }

    /// The folder for reports: extra CSV files and statistics.
    pub fn reports(&self) -> PathBuf {
        self.root.join(Table::Reports.name())
    }

    /// Where a file of the results is once it is published.
    pub fn path(&self, file: &FileEntry) -> PathBuf {
        self.root.join(&file.path)
    }

    /// Makes the folders and tries to write.
    ///
    /// # Errors
    /// `NotWritable` where that fails, `DiskFull` where there is no room.
    pub fn create(&self) -> Result<(), StoreError> {
        let staging = self.root.join(STAGING);
        let tried = fs::create_dir_all(&staging).and_then(|()| tempfile::tempfile_in(&staging));
        match tried {
            Ok(_) => Ok(()),
            Err(source) if source.kind() == io::ErrorKind::StorageFull => {
                Err(StoreError::DiskFull { path: self.root.clone() })
            }
            Err(source) => Err(StoreError::NotWritable { path: self.root.clone(), source }),
        }
    }

    /// Moves finished files to their places. What is there already is done, so that this can be repeated after a
    /// crash at any moment.
    ///
    /// # Errors
    /// `Missing` where a file is neither staged nor published.
    pub fn publish(&self, files: &[FileEntry]) -> Result<(), StoreError> {
        let mut folders = BTreeSet::new();
        for file in files {
            let (staged, path) = (self.root.join(&file.staged), self.path(file));
            let folder = self.root.join(file.folder());
            if !folders.contains(&folder) {
                fs::create_dir_all(&folder).map_err(|error| StoreError::file("create", &folder, error))?;
            }
            match fs::rename(&staged, &path) {
                Ok(()) => {
                    folders.insert(self.root.join(STAGING));
                    folders.extend(folder.ancestors().take_while(|f| f.starts_with(&self.root)).map(Path::to_owned));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if !path.exists() {
                        return Err(StoreError::Missing { path });
                    }
                }
                Err(error) => return Err(StoreError::file("publish", &path, error)),
            }
        }
        // Once a folder, however many files.
        folders.iter().try_for_each(|folder| sync_folder(folder))
    }

    /// Deletes files that a merged one replaces, after the manifest no longer lists them. What is gone already is done.
    ///
    /// # Errors
    /// Where a file cannot be deleted.
    pub fn remove(&self, files: &[FileEntry]) -> Result<(), StoreError> {
        files.iter().try_for_each(|file| remove(&self.path(file)))
    }

    /// Deletes what a crash left behind: staged files, and published ones that `manifest` does not list.
    ///
    /// # Errors
    /// Where a file cannot be deleted.
    pub fn remove_unlisted(&self, manifest: &Manifest) -> Result<(), StoreError> {
        self.remove_staged()?;
        self.unlisted(manifest)?.iter().try_for_each(|path| remove(&self.root.join(path)))
    }

    /// Deletes files that a crash left behind before they were published.
    ///
    /// # Errors
    /// Where a file cannot be deleted.
    pub fn remove_staged(&self) -> Result<(), StoreError> {
        files_in(&self.root.join(STAGING))?.iter().try_for_each(|path| remove(path))
    }

    /// The paths of published files that `manifest` does not list, relative to the folder: a query may still read them.
    ///
    /// # Errors
    /// Where a folder cannot be read.
    pub fn unlisted(&self, manifest: &Manifest) -> Result<Vec<String>, StoreError> {
        let listed: HashSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        let mut unlisted = Vec::new();
        for table in Table::QUERIED.into_iter().chain([Table::Reports]) {
            for path in files_in(&self.root.join(table.name()))? {
                let ours = path.file_name().and_then(|name| name.to_str()).is_some_and(is_part);
                let relative = path.strip_prefix(&self.root).ok().and_then(Path::to_str);
                unlisted.extend(relative.filter(|path| ours && !listed.contains(path)).map(str::to_owned));
            }
        }
        Ok(unlisted)
    }

    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.state().join("manifest.json")
    }
}

/// Whether a writer made the name: it ends in partition and position, `00003-000000004096`, with what follows.
fn is_part(name: &str) -> bool {
    let digits = |text: &str, count: usize| text.len() >= count && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((stem, _ending)) = name.rsplit_once('.') else { return false };
    let numbers = stem.strip_prefix("part-").or_else(|| stem.rsplit_once('_').map(|(_, numbers)| numbers));
    // Behind a dot is the number of a file among those of one commit and folder.
    let numbers = numbers.map(|numbers| numbers.split_once('.').map_or(numbers, |(numbers, _)| numbers));
    let Some((partition, positions)) = numbers.and_then(|numbers| numbers.split_once('-')) else { return false };
    digits(partition, 5) && positions.split('-').all(|position| digits(position, 12))
}

pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::file("delete", path, error)),
        _ => Ok(()),
    }
}

/// Files in `folder` and its folders; none where there is no such folder.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |error| StoreError::file("read", folder, error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        match entry.file_type().map_err(failed)?.is_dir() {
            true => files.extend(files_in(&entry.path())?),
            false => files.push(entry.path()),
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_writer_makes_are_ours() {
        let ours = [
            "part-00003-000000004096.parquet",
            "part-00003-000000004096.12.json",
            "part-00003-000000000000-000000004096.csv",
            "high.energy_events_00003-000000004096.csv",
            "anomalies_00003-000000000000-1000000004096.1.csv",
        ];
        let others = [
            "part-3-1.parquet",
            "part-00003.parquet",
            "statistics_000000004096.json",
            "all_events_final.csv",
            "notes",
            "",
        ];
        for (names, expected) in [(&ours[..], true), (&others[..], false)] {
            names.iter().for_each(|name| assert_eq!(is_part(name), expected, "{name}"));
        }
    }
}
