//! The files inside the binary are those of the repository: none is missing, none differs.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, path::Path};

/// What is measured with is not an example: it has no end and fills the disk.
const NOT_EXAMPLES: [&str; 2] = ["streams/bench.yaml", "streams/bench.test.yaml"];

#[test]
fn the_files_inside_are_those_of_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut on_disk = BTreeMap::new();
    for folder in ["reference", "schemas", "streams"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = format!("{folder}/{}", entry.unwrap().file_name().into_string().unwrap());
            if !NOT_EXAMPLES.contains(&path.as_str()) {
                let text = fs::read_to_string(root.join(&path)).unwrap();
                on_disk.insert(path, text);
            }
        }
    }
    let inside: BTreeMap<String, String> =
        examples::FILES.iter().map(|file| (file.path.to_owned(), file.text.to_owned())).collect();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&inside), names(&on_disk), "add the file to crates/examples/src/files.rs");
    for (path, text) in on_disk {
        assert!(inside[&path] == text, "{path} differs: build again");
    }
}
