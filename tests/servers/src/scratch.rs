//! The folder of a server.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{ServerError, guard::Guard};

/// The folder of a server: a temporary one, or one that stays.
#[derive(Debug)]
pub(crate) enum Scratch {
    /// It goes with this value, and with the process where the value is never dropped.
    Temporary { folder: TempDir, _guard: Guard },
    /// It stays, for a server that goes on with its data the next time.
    Kept(PathBuf),
}

impl Scratch {
    /// A temporary folder.
    pub(crate) fn new(name: &str) -> Result<Self, ServerError> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("beamline-{name}-"))
            .tempdir()
            .map_err(ServerError::file(std::env::temp_dir()))?;
        // The servers in it are being killed at the same moment, and may still write.
        let guard = Guard::new("rm -rf \"$1\"; sleep 2; rm -rf \"$1\"", &folder.path().to_string_lossy())?;
        Ok(Self::Temporary { folder, _guard: guard })
    }

    /// A folder that stays.
    pub(crate) fn kept(folder: &Path) -> Result<Self, ServerError> {
        std::fs::create_dir_all(folder).map_err(ServerError::file(folder))?;
        // Servers run elsewhere, and want to know where it is.
        folder.canonicalize().map(Self::Kept).map_err(ServerError::file(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Temporary { folder, .. } => folder.path(),
            Self::Kept(folder) => folder,
        }
    }

    /// Create a folder in it.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, ServerError> {
        let path = self.path().join(name);
        std::fs::create_dir_all(&path).map_err(ServerError::file(&path))?;
        Ok(path)
    }

    /// Write a file in it.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf, ServerError> {
        let path = self.path().join(name);
        std::fs::write(&path, content).map_err(ServerError::file(&path))?;
        Ok(path)
    }
}
