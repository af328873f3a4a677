//! The temporary folder of a server.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{ServerError, guard::Guard};

/// A folder that goes with this value, and with the process where the value is never dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: TempDir,
    _guard: Guard,
}

impl Scratch {
    pub(crate) fn new(name: &str) -> Result<Self, ServerError> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("beamline-{name}-"))
            .tempdir()
            .map_err(ServerError::file(std::env::temp_dir()))?;
        // The servers in it are being killed at the same moment, and may still write.
        let guard = Guard::new("rm -rf \"$1\"; sleep 2; rm -rf \"$1\"", &folder.path().to_string_lossy())?;
        Ok(Self { folder, _guard: guard })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Create a folder in it.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, ServerError> {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).map_err(ServerError::file(&path))?;
        Ok(path)
    }

    /// Write a file in it.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf, ServerError> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).map_err(ServerError::file(&path))?;
        Ok(path)
    }
}
