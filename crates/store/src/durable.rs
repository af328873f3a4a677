//! Writes that survive a crash: a file is there whole or not at all.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use crate::StoreError;

/// Writes `bytes` to `path`, whole or not at all: to a file beside it, synced, then renamed. Makes its folder where
/// there is none.
///
/// # Errors
/// Where the disk is full or the folder cannot be written.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace(path, |file| file.write_all(bytes).map_err(|error| StoreError::file("write", path, error)))
}

/// Fills a new file beside `path` and puts it in its place.
pub(crate) fn replace(path: &Path, fill: impl FnOnce(&mut File) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|error| StoreError::file("create", folder, error))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".beamline-");
    // A temporary file is its owner's alone by default; a result is as readable as any file its owner makes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(|error| StoreError::file("write to", folder, error))?;
    fill(file.as_file_mut())?;
    file.as_file().sync_all().map_err(|error| StoreError::file("write", path, error))?;
    file.persist(path).map_err(|error| StoreError::file("replace", path, error.error))?;
    sync_folder(folder)
}

/// Makes the names in `folder` durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| StoreError::file("write to", folder, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_a_failure_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        let failed = replace(&path, |file| {
            file.write_all(b"thr").unwrap();
            Err(StoreError::DiskFull { path: path.clone() })
        });
        assert!(matches!(failed, Err(StoreError::DiskFull { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no leftovers");
        let error = write_atomic(&path.join("c"), b"").unwrap_err().to_string();
        assert!(error.contains("b.json"), "{error}");
    }
}
