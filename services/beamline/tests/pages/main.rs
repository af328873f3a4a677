//! The pages of the documentation: those that are generated are those of the code, each is in the table of contents and
//! says in its first line what one can do after reading it, and the program takes every command that they show.
//! `make docs-pages` writes the generated ones.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod alerts;
mod commands;
mod definition;
mod lines;
mod python;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// Compares a page with what the code says, or writes it.
fn compare(page: &str, text: &str) {
    let path = docs().join(page);
    if env::var_os("BEAMLINE_WRITE_DOCS").is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    assert!(fs::read_to_string(&path).unwrap_or_default() == text, "docs/{page} is out of date: run `make docs-pages`");
}

#[test]
fn the_page_of_commands_is_that_of_the_code() {
    compare("commands.md", &commands::page());
}

#[test]
fn the_page_of_alerts_is_that_of_the_code() {
    compare("alerts.md", &alerts::page());
}

#[test]
fn the_page_of_the_definition_is_that_of_the_code() {
    compare("definition.md", &definition::page());
}

/// Every page below `folder`, as a path relative to it.
fn pages(folder: &Path, below: &str) -> Vec<String> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true => pages.extend(self::pages(folder, &name)),
            false if name.ends_with(".md") && name != "SUMMARY.md" => pages.push(name),
            false => {}
        }
    }
    pages
}

#[test]
fn every_page_is_in_the_contents_and_says_what_it_is_good_for() {
    let contents = fs::read_to_string(docs().join("SUMMARY.md")).unwrap();
    let pages = pages(&docs(), "");
    assert!(pages.len() > 20, "{pages:?}");
    for page in &pages {
        assert!(contents.contains(&format!("]({page})")), "{page} is not in docs/SUMMARY.md");
        let text = fs::read_to_string(docs().join(page)).unwrap();
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        assert!(lines.next().unwrap().starts_with("# "), "{page} begins with its title");
        let first = lines.next().unwrap();
        assert!(first.starts_with("After reading this page you "), "{page}: {first}");
    }
    for link in contents.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(docs().join(link).is_file(), "docs/SUMMARY.md names {link}");
    }
}

#[test]
fn every_command_in_the_documentation_is_one_that_the_program_takes() {
    let root = docs().join("..");
    let others = ["README.md", "UPGRADING.md", "CONTRIBUTING.md", "docker/dist/README.txt"];
    let files: Vec<PathBuf> =
        pages(&docs(), "").iter().map(|page| docs().join(page)).chain(others.map(|file| root.join(file))).collect();
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files {
        for line in lines::lines(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            if let Some(error) = lines::refused(&line) {
                wrong.push(format!("{}: {}\n{error}", file.display(), line.words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 150, "{seen} commands");
}
