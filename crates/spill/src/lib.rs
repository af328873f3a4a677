//! States that memory has no room for, in temporary files: a cache that ends with the process.
//!
//! A partition has a file without a name, which the system deletes when it is closed, also after a crash. States of a
//! partition have one length, so that a state's number says where it stands; a file takes at most as many bytes as all states
//! of its partition.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
};

use stage::{Spill, Spills};

/// Files in one folder.
#[derive(Debug, Clone)]
pub struct SpillFolder(PathBuf);

impl SpillFolder {
    /// Files in this folder, which is made with the first of them.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }
}

impl Spills for SpillFolder {
    fn open(&self) -> io::Result<Box<dyn Spill>> {
        let in_context = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", self.0.display()));
        fs::create_dir_all(&self.0).map_err(in_context)?;
        let file = tempfile::tempfile_in(&self.0).map_err(in_context)?;
        Ok(Box::new(SpillFile { file, state_bytes: 0 }))
    }
}

/// The states of one partition.
#[derive(Debug)]
struct SpillFile {
    file: File,
    /// The length of a state, once one was written.
    state_bytes: usize,
}

impl SpillFile {
    fn offset(&self, number: u32) -> u64 {
        u64::from(number) * self.state_bytes as u64
    }
}

impl Spill for SpillFile {
    fn write(&mut self, number: u32, state: &[u8]) -> io::Result<()> {
        if self.state_bytes == 0 {
            self.state_bytes = state.len();
        }
        if state.len() != self.state_bytes {
            let message = format!("a state of {} bytes, where the others have {}", state.len(), self.state_bytes);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.file.write_all_at(state, self.offset(number))
    }

    fn read(&mut self, number: u32) -> io::Result<Vec<u8>> {
        let mut state = vec![0; self.state_bytes];
        self.file.read_exact_at(&mut state, self.offset(number))?;
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_as_it_was_written_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = SpillFolder::new(folder.path().join("spill")).open().unwrap();
        spill.write(7, b"seven").unwrap();
        spill.write(2, b"two..").unwrap();
        spill.write(7, b"VII..").unwrap();
        assert_eq!((spill.read(2).unwrap(), spill.read(7).unwrap()), (b"two..".to_vec(), b"VII..".to_vec()));
        assert!(spill.write(1, b"longer than the others").is_err());
        assert!(spill.read(8).is_err(), "it was never written");
        let names = fs::read_dir(folder.path().join("spill")).unwrap().count();
        assert_eq!(names, 0, "the file has no name: it is gone with its process");
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = SpillFolder::new(file.path()).open().unwrap_err();
        assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    }
}
