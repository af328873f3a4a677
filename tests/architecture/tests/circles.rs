//! No crate has modules that use each other in a circle, but those that stand here with a reason.

#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use architecture::circles::{Circle, Modules};

/// The circles that there still are: the crate, the module that they are in, the modules, and why. The list may only get
/// shorter.
const CIRCLES: [(&str, &str, &str, &str); 0] = [];

#[test]
fn modules_use_each_other_in_one_direction() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in ["crates", "services", "tests"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.join("Cargo.toml").exists() {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let circles = Modules::read(&path.join("src")).unwrap().circles();
                found.extend(
                    circles.into_iter().map(|Circle { within, modules }| (name.clone(), within, modules.join(" "))),
                );
            }
        }
    }
    found.sort();
    let listed = |found: &(String, String, String)| {
        CIRCLES.iter().any(|(name, within, modules, _)| (*name, *within, *modules) == (&*found.0, &*found.1, &*found.2))
    };
    let new: Vec<String> = found
        .iter()
        .filter(|circle| !listed(circle))
        .map(|(name, within, modules)| format!("(\"{name}\", \"{within}\", \"{modules}\")"))
        .collect();
    assert!(
        new.is_empty(),
        "modules use each other in a circle; move what both need into a module of its own:\n{}",
        new.join("\n")
    );
    for (name, within, modules, _) in CIRCLES {
        let is_there = found.iter().any(|circle| (&*circle.0, &*circle.1, &*circle.2) == (name, within, modules));
        assert!(is_there, "{name} has no circle of {modules} in `{within}` any more; take it off the list");
    }
}
