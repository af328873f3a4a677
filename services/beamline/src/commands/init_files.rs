//! The files that `beamline init` writes: what they are called, and that none is written over unasked.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::Failure;

/// What an editor completes definitions by.
pub(super) const SCHEMA: &str = "https://raw.githubusercontent.com/beamline/beamline/main/schemas/stream.schema.json";

/// Letters of a stream's name.
const NAME_LETTERS_MAX: usize = 63;

/// A stream's name after a file's: lower-case letters, digits and hyphens, a letter first.
pub(super) fn stream_name(sample: &Path) -> String {
    let file = sample.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let stem = file.split('.').find(|part| !part.is_empty()).unwrap_or_default();
    let words: Vec<&str> =
        stem.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut name = words.join("-");
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        name.insert_str(0, "stream-");
    }
    name.truncate(NAME_LETTERS_MAX);
    name.trim_end_matches('-').to_owned()
}

pub(super) fn write(path: &PathBuf, text: &str, force: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => cannot("write", path, &error),
    })
}

pub(super) fn exists(path: &Path) -> Failure {
    Failure::configuration(format!(
        "{} is there already; choose another --name, or write over it with --force",
        path.display()
    ))
}

pub(super) fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::configuration(format!("cannot {what} {}: {error}", path.display()))
}

/// A path as a shell takes it.
pub(super) fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+=,:@%".contains(&byte));
    if plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
