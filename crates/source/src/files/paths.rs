//! The files that a definition's paths and patterns name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use glob::{MatchOptions, Pattern};
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
        let found = if path.contains('*') { matching(path, base)? } else { vec![base.join(path)] };
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

/// Files that match the pattern, sorted; those whose names begin with a point are hidden, as in a shell.
fn matching(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, SourceError> {
    // The folder of the definition is not a pattern, whatever its name.
    let whole = Path::new(&Pattern::escape(&base.to_string_lossy())).join(pattern);
    let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
    let paths = glob::glob_with(&whole.to_string_lossy(), options)
        .map_err(|error| SourceError::input(format!("`{pattern}` is not a pattern: {error}")))?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|error| {
            let folder = error.path().to_owned();
            SourceError::io("read the folder", &folder, error.into())
        })?;
        if path.is_file() {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(SourceError::input(format!("no file matches {}", base.join(pattern).display())));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let folder = tempfile::tempdir().unwrap();
        // Signs of patterns in the folder's own name stand for themselves.
        let base = folder.path().join("runs [1]*");
        for name in
            ["a.csv", "a.csv.gz", ".hidden.csv", "b.csv", "run_1_x2.csv", "run_1_y.csv", "one/c.csv", "two/d.csv"]
        {
            fs::create_dir_all(base.join(name).parent().unwrap()).unwrap();
            fs::write(base.join(name), "").unwrap();
        }
        fs::create_dir(base.join("folder.csv")).unwrap();
        let found = |pattern: &str| -> Vec<String> {
            let found = matching(pattern, &base).unwrap_or_else(|error| vec![error.to_string().into()]);
            found.iter().map(|path| path.strip_prefix(&base).unwrap_or(path).display().to_string()).collect()
        };
        assert_eq!(found("*.csv"), ["a.csv", "b.csv", "run_1_x2.csv", "run_1_y.csv"]);
        assert_eq!(found("a*"), ["a.csv", "a.csv.gz"]);
        assert_eq!(found("run_*_x*.csv"), ["run_1_x2.csv"]);
        assert_eq!(found("*/*.csv"), ["one/c.csv", "two/d.csv"]);
        assert_eq!(found("**/?.csv"), ["a.csv", "b.csv", "one/c.csv", "two/d.csv"]);
        assert_eq!(found(&format!("{}/o*/*", Pattern::escape(&base.to_string_lossy()))), ["one/c.csv"]);
        assert!(found("no*.csv")[0].starts_with("no file matches"));
        assert!(found("***.csv")[0].contains("is not a pattern"));
    }

    #[test]
    fn a_bare_name_has_no_endings() {
        assert_eq!(bare_name(Path::new("data/run.1.csv.gz")), "run.1");
        assert_eq!(bare_name(Path::new("x")), "x");
    }
}
