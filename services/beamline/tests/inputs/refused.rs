//! Kinds of files that are not read: `init` refuses each by name with a line of Python; the line is run here on a file that
//! the real tool wrote, and what it makes goes through `init` and a replay.

use std::{env, fs, path::Path, process::Command};

use crate::{beamline, text};

/// A file, what it is called, what to replace by what in the line, and what the line writes.
type Kind = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

const KINDS: [Kind; 8] = [
    ("events.root", "a ROOT file", &[("TREE", "events")], "events.parquet"),
    ("events.h5", "an HDF5 file", &[("TABLE", "events")], "events.parquet"),
    ("events.vot", "a VOTable", &[], "events.csv"),
    ("events.xlsx", "a spreadsheet (.xlsx)", &[], "events.csv"),
    ("events.pb", "a file of Protobuf messages", &[], "events.jsonl"),
    ("events.npy", "an array of NumPy", &[], "events.parquet"),
    ("events.feather", "a Feather file of version 1", &[], "events.parquet"),
    ("ascii.fits", "has no binary table", &[], "ascii.csv"),
];

#[test]
fn the_line_in_each_refusal_makes_something_that_is_read() {
    let Some(python) = servers::python_of_inputs().unwrap() else {
        println!("skipped: there is no Python with venv");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs/tools/unread.py");
    let written = Command::new(&python).args(["-B", "-W", "ignore"]).arg(script).arg(folder).output().unwrap();
    assert!(written.status.success(), "{}", text(&written.stderr));
    let path = format!("{}:{}", python.parent().unwrap().display(), env::var("PATH").unwrap_or_default());
    for (file, called, names, made) in KINDS {
        let refused = beamline(folder, &["init", file]);
        let said = text(&refused.stderr);
        assert!(refused.status.code() == Some(64) && said.contains(called), "{file}: {said}");
        let line = said.split('`').find(|part| part.starts_with("python3 ")).unwrap_or_else(|| panic!("{said}"));
        let line = names.iter().fold(line.to_owned(), |line, (word, name)| line.replace(word, name));
        let ran = Command::new("sh").args(["-c", &line]).current_dir(folder).env("PATH", &path).output().unwrap();
        assert!(ran.status.success(), "{line}\n{}", text(&ran.stderr));
        let name = file.replace('.', "-");
        let read = beamline(folder, &["init", made, "--name", &name]);
        assert!(read.status.success(), "{file}: {}", text(&read.stderr));
        let definition = format!("{name}.yaml");
        let replayed = beamline(folder, &["replay", &definition, "--out", &name]);
        assert!(replayed.status.success(), "{file}: {}", text(&replayed.stderr));
        let sql = "SELECT count(*) AS n, sum(CAST(id AS INT)) AS ids, sum(x) AS x FROM processed_data";
        let found = beamline(folder, &["query", "--results", &name, "--format", "csv", sql]);
        assert_eq!(text(&found.stdout).trim(), "n,ids,x\n5,15,7.5", "{file}: {}", text(&found.stderr));
        println!("{file:16} refused, converted and read");
        fs::remove_file(folder.join(made)).unwrap();
    }
}
