//! The files that a definition's paths and patterns name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use stream::FileFormat;

use super::{
    InputFile, detect,
    input::{self, Encoding, Packing},
};
use crate::SourceError;

/// Endings of compressed files.
const PACKED_ENDINGS: [&str; 4] = [".gz", ".zst", ".bz2", ".xz"];

/// Endings that tell a format.
const ENDINGS: [&str; 14] = [
    ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".orc", ".avro", ".arrow", ".feather", ".fits", ".fit",
    ".txt", ".dat",
];

/// The files of `definition`, in its order, a pattern's sorted by name; at least one.
pub(crate) fn find(definition: &stream::Files, base: &Path) -> Result<Vec<InputFile>, SourceError> {
    let mut files = Vec::new();
    for path in &definition.paths {
        let path = base.join(path);
        let found = if path.to_string_lossy().contains('*') { matching(&path)? } else { vec![path] };
        for path in found {
            files.push(input_file(path, definition.format)?);
        }
    }
    if files.is_empty() {
        return Err(SourceError::input("the source names no files; add some to `paths`"));
    }
    Ok(files)
}

/// A file's name without its folder and endings: `run_1` of `data/run_1.csv.gz`.
pub(crate) fn bare_name(path: &Path) -> String {
    let name = file_name(path);
    let without = |name: &str, endings: &[&str]| {
        endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name).to_owned()
    };
    without(&without(&name, &PACKED_ENDINGS), &ENDINGS)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) fn input_file(path: PathBuf, format: Option<FileFormat>) -> Result<InputFile, SourceError> {
    let found = fs::metadata(&path).map_err(|error| SourceError::io("read", &path, error))?;
    if found.is_dir() {
        return Err(SourceError::input(format!(
            "{} is a folder; name the files in it, as in `folder/*.csv`",
            path.display()
        )));
    }
    let mut packing = Packing::of(&input::head(&path, Packing::None, 8)?);
    if packing == Packing::None && file_name(&path).to_ascii_lowercase().ends_with(".gz") {
        packing = Packing::Gzip;
    }
    let head = if found.len() > 0 { input::head(&path, packing, detect::HEAD_BYTES)? } else { Vec::new() };
    let format = detect::format(&path, &head, format)?;
    if packing != Packing::None && matches!(format, FileFormat::Parquet | FileFormat::Orc | FileFormat::Arrow) {
        let name = match format {
            FileFormat::Parquet => "Parquet",
            FileFormat::Orc => "ORC",
            _ => "Arrow",
        };
        let file = path.display();
        let message = format!("{file} is a {} {name} file; unpack it, {name} compresses by itself", packed(packing));
        return Err(SourceError::input(message));
    }
    let is_text = matches!(format, FileFormat::Csv | FileFormat::Jsonl | FileFormat::Json);
    let encoding = if is_text { Encoding::of(&head) } else { Encoding::Utf8 };
    Ok(InputFile { path, format, packing, encoding, bytes: found.len() })
}

fn packed(packing: Packing) -> String {
    match packing {
        Packing::Gzip => "gzipped".to_owned(),
        other => format!("{}-compressed", other.name()),
    }
}

/// Files whose name matches the pattern in the last part of `path`, sorted.
fn matching(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let pattern = file_name(path);
    if folder.to_string_lossy().contains('*') {
        let message = format!("{}: `*` may stand only in the last part of a path", path.display());
        return Err(SourceError::input(message));
    }
    let entries = fs::read_dir(folder).map_err(|error| SourceError::io("read the folder", folder, error))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| SourceError::io("read the folder", folder, error))?.path();
        let name = file_name(&path);
        if path.is_file() && !name.starts_with('.') && matches(&pattern, &name) {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(SourceError::input(format!("no file matches {}", path.display())));
    }
    found.sort();
    Ok(found)
}

/// Whether `name` fits `pattern`, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let (first, last) = (parts.next().unwrap_or_default(), pattern.rsplit('*').next().unwrap_or_default());
    let Some(rest) = name.strip_prefix(first).filter(|rest| rest.len() >= last.len() && rest.ends_with(last)) else {
        return false;
    };
    let mut rest = &rest[..rest.len() - last.len()];
    let middle: Vec<&str> = parts.collect();
    for part in &middle[..middle.len().saturating_sub(1)] {
        let Some(index) = rest.find(part) else { return false };
        rest = &rest[index + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name, fits) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "a.csv.gz", false),
            ("a*", "a", true),
            ("a*a", "a", false),
            ("run_*_x*.csv", "run_1_x2.csv", true),
            ("run_*_x*.csv", "run_1_y.csv", false),
            ("*", "x", true),
            ("a*b*b", "ab", false),
            ("a*b*b", "abb", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn a_bare_name_has_no_endings() {
        assert_eq!(bare_name(Path::new("data/run.1.csv.gz")), "run.1");
        assert_eq!(bare_name(Path::new("x")), "x");
    }
}
