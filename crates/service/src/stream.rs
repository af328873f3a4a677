//! Reading a stream definition and the files it names from disk.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use stream::{FileReader, Stream};

use crate::Failure;

/// Files next to a stream definition.
pub struct Beside {
    folder: PathBuf,
}

impl Beside {
    /// The files next to the definition at `path`.
    pub fn definition(path: &Path) -> Self {
        Self { folder: folder_of(path) }
    }
}

impl FileReader for Beside {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let path = self.folder.join(path);
        fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    }
}

/// The folder that paths in the definition at `path` are relative to.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Reads and checks a stream definition.
///
/// # Errors
/// Everything that is wrong with it, as a matter of configuration.
pub fn load_stream(path: &Path) -> Result<Arc<Stream>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::configuration(format!("cannot read the stream definition {}: {error}", path.display()))
    })?;
    let name = path.display().to_string();
    Stream::load(&name, &text, &Beside::definition(path)).map(Arc::new).map_err(Failure::configuration)
}
