//! No crate has modules that use each other in a circle, but those that stand here with a reason.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::Path};

use architecture::circles::Modules;

/// The circles that there still are: the crate, the module that they are in, the modules, and why. The list may only get
/// shorter.
const CIRCLES: [(&str, &str, &str, &str); 1] =
    [("source", "files", "fit nested", "a nested column is fitted by its children, and each of them may be nested")];

#[test]
fn modules_use_each_other_in_one_direction() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut left: BTreeSet<String> =
        CIRCLES.map(|(name, within, modules, _)| format!("{name}: {within}: {modules}")).into();
    assert_eq!(left.len(), CIRCLES.len(), "a circle stands in the list twice");
    let mut new = Vec::new();
    for folder in ["crates", "services", "tests"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if !path.join("Cargo.toml").exists() {
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let modules = Modules::read(&path.join("src")).unwrap();
            for circle in modules.circles() {
                let together = circle.modules.join(" ");
                if !left.remove(&format!("{name}: {}: {together}", circle.within)) {
                    let uses = modules.uses_in(&circle).join("\n    ");
                    new.push(format!("(\"{name}\", \"{}\", \"{together}\")\n    {uses}", circle.within));
                }
            }
        }
    }
    let how = "modules use each other in a circle; move what both need into a module of its own";
    assert!(new.is_empty(), "{how}:\n{}", new.join("\n"));
    assert!(left.is_empty(), "these circles are open now, take them off the list: {left:?}");
}
