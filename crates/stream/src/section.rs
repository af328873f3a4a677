//! One section of a definition's text written anew, everything else left as it is.

use crate::{
    Diagnostics,
    node::{Entry, Node},
    report::Report,
    yaml,
};

/// The text of a definition with `section`, lines without indentation, in place of `spec.detect`; where there is none, behind
/// what comes before it in the documentation.
///
/// # Errors
/// Where the text is not YAML, or lays `spec` out so that lines cannot be told to belong to one section.
pub fn with_detect(name: &str, text: &str, section: &str) -> Result<String, Diagnostics> {
    let mut report = Report::new(name, text);
    let Some(document) = yaml::parse(text, &mut report) else { return Err(report.finish()) };
    let entries = document.get("spec").map(Node::entries).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    match lines_of(entries, &document, &lines) {
        Some((first, end, indent)) => {
            let mut written: Vec<String> = lines[..first].iter().map(|line| (*line).to_owned()).collect();
            written.extend(section.lines().map(|line| format!("{:indent$}{line}", "").trim_end().to_owned()));
            written.extend(lines[end..].iter().map(|line| (*line).to_owned()));
            Ok(written.join("\n") + "\n")
        }
        None => {
            let at = document.entry("spec").map_or(document.at, |spec| spec.at);
            let hint = "give each of its fields a line of its own".to_owned();
            report.add(at, "the fields of `spec` share lines, so none can be replaced", Some(hint));
            Err(report.finish())
        }
    }
}

/// The lines that a detector's section has or gets, from 0, the end exclusive; and the indentation of the fields of `spec`.
fn lines_of(entries: &[Entry], document: &Node, lines: &[&str]) -> Option<(usize, usize, usize)> {
    let indent = entries.first()?.at.column - 1;
    let alone =
        |entry: &Entry| lines.get(entry.at.line - 1).is_some_and(|line| line.len() - line.trim_start().len() == indent);
    if indent == 0 || !entries.iter().all(alone) {
        return None;
    }
    let spec = document.entry("spec")?.at.line;
    let after_spec = document.entries().iter().map(|entry| entry.at.line).filter(|line| *line > spec).min();
    let end_of_spec = after_spec.map_or(lines.len(), |line| line - 1);
    let next = |line: usize| {
        let following = entries.iter().map(|entry| entry.at.line).filter(|other| *other > line).min();
        above(lines, following.map_or(end_of_spec, |line| line - 1))
    };
    if let Some(detect) = entries.iter().find(|entry| entry.name == "detect") {
        return Some((detect.at.line - 1, next(detect.at.line), indent));
    }
    // Behind it come what is computed of its columns, and where results go.
    let later = entries.iter().filter(|entry| ["aggregate", "expect", "store"].contains(&entry.name.as_str()));
    let place = above(lines, later.map(|entry| entry.at.line - 1).min().unwrap_or(end_of_spec));
    Some((place, place, indent))
}

/// Where the empty lines and comments above a line begin: they belong to what follows.
fn above(lines: &[&str], mut line: usize) -> usize {
    while line > 0 && (lines[line - 1].trim().is_empty() || lines[line - 1].trim_start().starts_with('#')) {
        line -= 1;
    }
    line
}
