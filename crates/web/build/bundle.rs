//! Joins the page's modules into one file without their comments: 40 requests become one, and the whole page stays within its size.
//!
//! No parser: a module is lines, and only the forms of `import` and `export` named in [`Module::parse`] are accepted; any other is an
//! error of the build. Each module becomes a function that is called once, after those that it imports. Libraries (`vendor/`) stay
//! files of their own.

use std::collections::BTreeSet;

/// The folder whose modules are not joined.
pub(crate) const LIBRARIES: &str = "vendor/";

/// What the page's modules become.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// One module that does what the entry did.
    pub(crate) text: String,
    /// The paths of all modules that are part of it.
    pub(crate) parts: BTreeSet<String>,
}

/// Joins `entry` and everything that it imports; `read` gives the text of a path of the page.
pub(crate) fn bundle(entry: &str, read: &dyn Fn(&str) -> Result<String, String>) -> Result<Bundle, String> {
    let mut joined =
        Joined { read, libraries: BTreeSet::new(), parts: BTreeSet::new(), open: Vec::new(), text: String::new() };
    joined.add(entry)?;
    let libraries: String = joined.libraries.iter().map(|line| format!("{line}\n")).collect();
    Ok(Bundle { text: libraries + &joined.text, parts: joined.parts })
}

struct Joined<'a> {
    read: &'a dyn Fn(&str) -> Result<String, String>,
    libraries: BTreeSet<String>,
    parts: BTreeSet<String>,
    open: Vec<String>,
    text: String,
}

impl Joined<'_> {
    fn add(&mut self, path: &str) -> Result<(), String> {
        if self.parts.contains(path) {
            return Ok(());
        }
        if self.open.iter().any(|open| open == path) {
            return Err(format!(
                "{path}: imports itself by way of {}; move what both need into a module of its own",
                self.open.join(", ")
            ));
        }
        self.open.push(path.to_owned());
        let module = Module::parse(path, &(self.read)(path)?)?;
        self.libraries.extend(module.libraries);
        let mut imports = String::new();
        for (names, from) in &module.imports {
            self.add(from)?;
            imports.push_str(&format!("const {{{}}} = {};\n", names.replace(" as ", ": "), variable(from)));
        }
        let exports = module.exports.join(", ");
        self.text.push_str(&format!(
            "const {} = (() => {{\n{imports}{}return {{{exports}}};\n}})();\n",
            variable(path),
            module.body
        ));
        self.open.pop();
        self.parts.insert(path.to_owned());
        Ok(())
    }
}

/// A module's name within the joined file.
fn variable(path: &str) -> String {
    let name = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    std::iter::once('$').chain(path.chars().map(name)).collect()
}

#[derive(Default)]
struct Module {
    libraries: Vec<String>,
    /// Names with their new names, and the path of the module that they are of.
    imports: Vec<(String, String)>,
    exports: Vec<String>,
    body: String,
}

impl Module {
    /// Takes `import { a, b as c } from './path.js';`, `import ANYTHING from '../vendor/path.js';`, and `export` before `const NAME`,
    /// `const { NAMES }`, `function`, `async function` or `class`; each on one line.
    fn parse(path: &str, text: &str) -> Result<Self, String> {
        let mut module = Self::default();
        for line in without_comments(path, text)?
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
        {
            if let Some(import) = line.strip_prefix("import ") {
                module.import(path, import)?;
            } else if let Some(export) = line.strip_prefix("export ") {
                module.exports.extend(exported(export).ok_or_else(|| format!("{path}: cannot join `{line}`"))?);
                module.body.push_str(&format!("{export}\n"));
            } else {
                module.body.push_str(&format!("{line}\n"));
            }
        }
        Ok(module)
    }

    fn import(&mut self, path: &str, import: &str) -> Result<(), String> {
        let wrong = || format!("{path}: cannot join `import {import}`: write it on one line, with a relative path");
        let (what, from) = import.rsplit_once(" from '").ok_or_else(wrong)?;
        let from = resolved(path, from.strip_suffix("';").ok_or_else(wrong)?).ok_or_else(wrong)?;
        if from.starts_with(LIBRARIES) {
            self.libraries.push(format!("import {what} from './{from}';"));
        } else {
            let names = what.strip_prefix("{ ").and_then(|names| names.strip_suffix(" }")).ok_or_else(wrong)?;
            self.imports.push((names.to_owned(), from));
        }
        Ok(())
    }
}

/// The names that a line brings into being.
fn exported(line: &str) -> Option<Vec<String>> {
    let rest = ["const ", "async function ", "function ", "class "].iter().find_map(|word| line.strip_prefix(word))?;
    if let Some(names) = rest.strip_prefix("{ ") {
        return Some(names.split_once(" }")?.0.split(", ").map(str::to_owned).collect());
    }
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
    (end > 0).then(|| vec![rest[..end].to_owned()])
}

/// The path that `./x.js` or `../x.js` in `path` means.
fn resolved(path: &str, from: &str) -> Option<String> {
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    for part in from.split('/') {
        match part {
            "." => {}
            ".." => {
                folders.pop()?;
            }
            name => folders.push(name),
        }
    }
    from.starts_with('.').then(|| folders.join("/"))
}

/// Takes out the comments that open with `/**`: those of the type checker.
fn without_comments(path: &str, text: &str) -> Result<String, String> {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("/**") {
        kept.push_str(before);
        rest = after.split_once("*/").ok_or_else(|| format!("{path}: a comment does not end"))?.1;
    }
    kept.push_str(rest);
    Ok(kept)
}
