//! The invariants of `ARCHITECTURE.md` that speak of the code itself.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const PURE: [&str; 24] = [
    "suggest", "expr", "lookup", "physics", "times", "text", "codec", "fits", "orc", "stream", "detect", "window",
    "stage", "cases", "infer", "sink", "examples", "graph", "live", "evaluate", "top", "maths", "hints", "sizes",
];

/// Crates that read files or sockets, start threads, look at clocks or throw dice.
const IMPURE: [&str; 14] = [
    "axum",
    "datafusion",
    "object_store",
    "rand",
    "rand_chacha",
    "rand_distr",
    "rdkafka",
    "redb",
    "reqwest",
    "scylla",
    "signal-hook",
    "tempfile",
    "tokio",
    "tracing-subscriber",
];

/// What pure code never says.
const IMPURE_PATHS: [&str; 8] =
    ["std::fs", "std::net", "std::thread", "std::process", "SystemTime", "Instant::now", "std::env", "std::io::std"];

/// The crates that may say `unsafe`, the part of each one's `src` that does, and how often its `lib.rs` allows it.
const UNSAFE: [(&str, &str, usize); 2] = [("batches", "native", 1), ("hints", "lib.rs", 2)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The workspace's packages, with the names of what each needs to run.
fn packages() -> BTreeMap<String, (PathBuf, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > PURE.len(), "cargo metadata lists the workspace");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let needed = dependencies.filter(|dependency| dependency["kind"].is_null());
            let names = needed.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect();
            let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
            (package["name"].as_str().unwrap().to_owned(), (folder, names))
        })
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(rust_files(&path)),
            false if path.extension().is_some_and(|ending| ending == "rs") => files.push(path),
            false => {}
        }
    }
    files
}

#[test]
fn pure_crates_have_no_io_clock_thread_or_randomness() {
    let packages = packages();
    for name in PURE {
        let (folder, needed) = &packages[name];
        for dependency in needed {
            assert!(!IMPURE.contains(&dependency.as_str()), "{name} depends on {dependency}");
            let ours = packages.contains_key(dependency);
            assert!(!ours || PURE.contains(&dependency.as_str()), "{name} depends on {dependency}, which is not pure");
        }
        for file in rust_files(&folder.join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for path in IMPURE_PATHS {
                assert!(!code.contains(path), "{} says {path}", file.display());
            }
        }
    }
}

#[test]
fn services_depend_on_crates_and_never_on_each_other() {
    let packages = packages();
    let in_services = |folder: &Path| folder.parent().is_some_and(|parent| parent.ends_with("services"));
    let services: Vec<&String> =
        packages.iter().filter(|(_, (folder, _))| in_services(folder)).map(|(name, _)| name).collect();
    assert!(!services.is_empty());
    for (name, (folder, needed)) in &packages {
        for dependency in needed {
            assert!(!services.contains(&dependency), "{name} depends on the service {dependency}");
        }
        let main = folder.join("src/main.rs");
        if main.exists() {
            let lines = fs::read_to_string(&main).unwrap().lines().count();
            assert!(lines <= 60, "{} has {lines} lines", main.display());
        }
    }
}

/// Everything that `beamline` needs is built before a newcomer sees the first row.
#[test]
fn the_command_line_is_built_without_the_client_of_kubernetes() {
    let packages = packages();
    let mut needed = vec!["beamline"];
    let mut at = 0;
    while at < needed.len() {
        let (_, dependencies) = &packages[needed[at]];
        at += 1;
        for dependency in dependencies {
            assert!(
                !["kube", "k8s-openapi"].contains(&dependency.as_str()),
                "{} depends on {dependency}",
                needed[at - 1]
            );
            if packages.contains_key(dependency) && !needed.contains(&dependency.as_str()) {
                needed.push(dependency);
            }
        }
    }
    assert!(needed.contains(&"service"), "{needed:?}");
}

#[test]
fn every_package_takes_the_workspace_lints_and_every_file_says_what_it_is_for() {
    for (name, (folder, _)) in packages() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        if UNSAFE.iter().all(|(allowed, ..)| *allowed != name) {
            assert!(manifest.contains("[lints]\nworkspace = true"), "{name} takes the workspace's lints");
        }
        for file in rust_files(&folder.join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//! "), "{} opens with what it is for", file.display());
        }
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(workspace.contains("unsafe_code = \"forbid\""));
}

#[test]
fn two_crates_say_unsafe_in_one_place_each_and_give_the_reason_of_each_block() {
    let packages = packages();
    for (name, place, allowed) in UNSAFE {
        says_unsafe_only_there(name, &packages[name].0, place, allowed);
    }
}

fn says_unsafe_only_there(name: &str, folder: &Path, place: &str, allowed: usize) {
    let lints = |manifest: &str, table: &str| {
        let text = manifest.split_once(table).unwrap().1;
        text.lines().skip(1).take_while(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for table in ["lints.rust]", "lints.clippy]"] {
        let own = lints(&manifest, table);
        for lint in lints(&workspace, table) {
            assert!(own.contains(&lint) || lint.starts_with("unsafe_code"), "{name} does not have `{lint}`");
        }
    }
    for lint in ["unsafe_code = \"deny\"", "unsafe_op_in_unsafe_fn = \"deny\"", "undocumented_unsafe_blocks = \"deny\""]
    {
        assert!(manifest.contains(lint), "{name} has `{lint}`");
    }
    let inside = folder.join("src").join(place);
    for file in rust_files(&folder.join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let allows = text.matches("allow(unsafe_code").count();
        assert_eq!(allows, if file.ends_with("src/lib.rs") { allowed } else { 0 }, "{}", file.display());
        let mut before = "";
        for line in text.lines().map(str::trim) {
            let code = line.split("//").next().unwrap();
            let blocks = code.contains("unsafe {") || code.starts_with("unsafe impl");
            // Which comment it is, clippy sees.
            let documented = before.starts_with("//");
            assert!(!blocks || file.starts_with(&inside) && documented, "{}: {line}", file.display());
            before = line;
        }
    }
}

#[test]
fn every_metric_is_told_by_somebody() {
    let names = fs::read_to_string(root().join("crates/measure/src/names.rs")).unwrap();
    let statics = names.lines().filter_map(|line| Some(line.strip_prefix("pub static ")?.split_once(':')?.0));
    let statics: Vec<&str> = statics.collect();
    assert!(statics.len() > 30, "{statics:?}");
    let code: Vec<String> = ["crates", "services"]
        .iter()
        .flat_map(|folder| rust_files(&root().join(folder)))
        .filter(|path| !path.ends_with("crates/measure/src/names.rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    let used = |name: &str| code.iter().any(|text| text.split(|sign| !is_word(sign)).any(|word| word == name));
    let silent: Vec<&str> = statics.into_iter().filter(|name| !used(name)).collect();
    assert!(silent.is_empty(), "documented, and never told: {silent:?}");
}
