//! Circles of modules: `a` uses `b`, and `b`, by whatever way, uses `a`.
//!
//! Looked at level by level: the nodes of a level are the modules directly within one module, each with everything within
//! it. That a module uses what is within it, and that something within it uses the module's own file, is not counted.
//! A name that a module only passes on (`pub use`) counts as a use of the module that it comes from. Tests are left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// How many times a name may be passed on before it is taken to come from where it was found last.
const PASSED_ON_MAX: usize = 8;

/// The path of a module within its crate: `["runtime", "core"]`.
type Module = Vec<String>;

/// The modules of a crate.
#[derive(Debug, Default)]
pub struct Modules {
    /// By module: the paths that it uses.
    uses: BTreeMap<Module, Vec<Module>>,
    /// By module and name: the path that the name stands for, where the module has it from elsewhere.
    passed_on: BTreeMap<(Module, String), Module>,
}

/// Modules on one level that use each other in a circle, by name; and the module that they are in, empty for the crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Circle {
    /// `runtime`, or empty.
    pub within: String,
    /// In alphabetical order.
    pub modules: Vec<String>,
}

impl Modules {
    /// Reads a crate's `src`.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn read(src: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        collect(src, &mut Vec::new(), &mut files)?;
        Ok(Self::of(files))
    }

    /// The modules with their text.
    pub fn of(files: Vec<(Module, String)>) -> Self {
        let mut modules = Self::default();
        for (module, _) in &files {
            modules.uses.insert(module.clone(), Vec::new());
        }
        for (module, text) in files {
            let code = without_tests_and_comments(&text);
            for Used { path, is_public } in used(&code) {
                let Some(path) = modules.absolute(&module, &path) else { continue };
                if let (true, Some(name)) = (is_public, path.last()) {
                    modules.passed_on.insert((module.clone(), name.clone()), path.clone());
                }
                // What a module passes on is a use of those who take it from there.
                if !is_public {
                    modules.uses.entry(module.clone()).or_default().push(path);
                }
            }
        }
        modules
    }

    /// A path from the crate on; none where it leads out of the crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let mut base = module.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {
                while let Some((first, others)) = rest.split_first().filter(|(first, _)| *first == "super") {
                    debug_assert_eq!(first, "super");
                    base.pop()?;
                    rest = others;
                }
            }
            child => {
                let mut within = base.clone();
                within.push(child.to_owned());
                if !self.uses.contains_key(&within) {
                    return None;
                }
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// The module that a path leads to.
    fn target(&self, path: &Module) -> Module {
        let mut path = path.clone();
        for _ in 0..PASSED_ON_MAX {
            let depth = (0..=path.len()).rev().find(|depth| self.uses.contains_key(&path[..*depth])).unwrap_or(0);
            let (module, rest) = path.split_at(depth);
            let Some(name) = rest.first() else { return module.to_vec() };
            match self.passed_on.get(&(module.to_vec(), name.clone())) {
                Some(from) if *from != path => path = from.clone(),
                _ => return module.to_vec(),
            }
        }
        path
    }

    /// The uses that make a circle, as `modules::a uses modules::b::Name`.
    pub fn uses_in(&self, circle: &Circle) -> Vec<String> {
        let within: Module = circle.within.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let node = |module: &Module| {
            let name = module.strip_prefix(&within[..])?.first()?;
            circle.modules.contains(name).then(|| name.clone())
        };
        let mut found = BTreeSet::new();
        for (module, paths) in &self.uses {
            for path in paths {
                let (from, to) = (node(module), node(&self.target(path)));
                if from.is_some() && to.is_some() && from != to {
                    found.insert(format!("{} uses {}", module.join("::"), path.join("::")));
                }
            }
        }
        found.into_iter().collect()
    }

    /// The circles on all levels.
    pub fn circles(&self) -> Vec<Circle> {
        let mut levels: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (module, paths) in &self.uses {
            for path in paths {
                let target = self.target(path);
                let common = module.iter().zip(&target).take_while(|(one, other)| one == other).count();
                if let (Some(from), Some(to)) = (module.get(common), target.get(common)) {
                    let level = levels.entry(module[..common].to_vec()).or_default();
                    level.entry(from.clone()).or_default().insert(to.clone());
                }
            }
        }
        let circles = levels.iter().flat_map(|(within, level)| {
            let within = within.join("::");
            circles_of(level).into_iter().map(move |modules| Circle { within: within.clone(), modules })
        });
        circles.collect()
    }
}

/// The groups of nodes of which each can be reached from each.
fn circles_of(level: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = level.keys().map(|node| (node, from(level, node))).collect();
    let mut circles = BTreeSet::new();
    for (node, others) in &reached {
        let circle: Vec<String> = others
            .iter()
            .filter(|other| reached.get(**other).is_some_and(|back| back.contains(node)))
            .map(|other| (*other).clone())
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

fn from<'a>(level: &'a BTreeMap<String, BTreeSet<String>>, start: &'a String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        let next = level.get(node).into_iter().flatten();
        open.extend(next.filter(|next| reached.insert(*next)));
    }
    reached
}

fn collect(folder: &Path, module: &mut Module, files: &mut Vec<(Module, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            module.push(name);
            collect(&path, module, files)?;
            module.pop();
        } else if path.extension().is_some_and(|ending| ending == "rs") && name != "main" && name != "tests" {
            let mut own = module.clone();
            if name != "lib" || !module.is_empty() {
                own.push(name);
            }
            files.push((own, fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// A path in the text.
struct Used {
    path: Module,
    /// Whether it is passed on.
    is_public: bool,
}

/// All paths that begin in the crate: of `use`, with groups taken apart, and in the code.
fn used(code: &str) -> Vec<Used> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = next_use(rest) {
        inline(&rest[..start.begin], &mut found);
        let statement = &rest[start.begin + start.length..];
        let end = statement.find(';').unwrap_or(statement.len());
        let mut paths = Vec::new();
        group(&statement[..end], &[], &mut paths);
        found.extend(paths.into_iter().map(|path| Used { path, is_public: start.is_public }));
        rest = &statement[end..];
    }
    inline(rest, &mut found);
    found
}

struct Start {
    begin: usize,
    length: usize,
    is_public: bool,
}

/// The next `use` at the beginning of a line.
fn next_use(code: &str) -> Option<Start> {
    let mut begin = 0;
    for line in code.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let visible = trimmed.strip_prefix("pub(crate) ").or_else(|| trimmed.strip_prefix("pub(super) "));
        let visible = visible.or_else(|| trimmed.strip_prefix("pub "));
        let statement = visible.unwrap_or(trimmed);
        if let Some(rest) = statement.strip_prefix("use ") {
            return Some(Start { begin, length: line.len() - rest.len(), is_public: visible.is_some() });
        }
        begin += line.len();
    }
    None
}

/// `a::{b, c::{d, self}}` as paths.
fn group(text: &str, prefix: &[String], paths: &mut Vec<Module>) {
    let text = text.trim();
    let Some((head, inner)) = text.split_once('{') else {
        let alone = text.split(" as ").next().unwrap_or_default();
        let segments = alone.split("::").map(str::trim).filter(|segment| !segment.is_empty());
        let mut path = [prefix.to_vec(), segments.map(str::to_owned).collect()].concat();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        paths.push(path);
        return;
    };
    let segments = head.split("::").map(str::trim).filter(|segment| !segment.is_empty());
    let prefix = [prefix.to_vec(), segments.map(str::to_owned).collect()].concat();
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut begin) = (0, 0);
    for (index, sign) in inner.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                group(&inner[begin..index], &prefix, paths);
                begin = index + 1;
            }
            _ => {}
        }
    }
    if !inner[begin..].trim().is_empty() {
        group(&inner[begin..], &prefix, paths);
    }
}

/// Paths that begin with `crate::` or `super::` in the code itself.
fn inline(code: &str, found: &mut Vec<Used>) {
    let is_path = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == ':';
    for word in code.split(|sign| !is_path(sign)) {
        if word.starts_with("crate::") || word.starts_with("super::") {
            let path = word.split("::").filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
            found.push(Used { path, is_public: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let files = files.iter().map(|(module, text)| {
            let module = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            (module, (*text).to_owned())
        });
        let found = Modules::of(files.collect()).circles();
        found.into_iter().map(|circle| (circle.within, circle.modules.join(" "))).collect()
    }

    fn at(within: &str, modules: &str) -> Vec<(String, String)> {
        vec![(within.to_owned(), modules.to_owned())]
    }

    #[test]
    fn a_line_of_modules_is_not_a_circle() {
        let files =
            [("", "mod a; mod b;"), ("a", "use crate::b::B;"), ("b", "use std::fmt;"), ("c", "use crate::{a, b};")];
        assert_eq!(circles(&files), []);
    }

    #[test]
    fn a_circle_is_found_whatever_way_it_takes() {
        let direct = [("a", "use crate::b::B;"), ("b", "use crate::{\n    a::{A, Other},\n    x,\n};")];
        assert_eq!(circles(&direct), at("", "a b"));
        let long = [("a", "use crate::b;"), ("b", "fn f() { crate::c::g() }"), ("c", "use super::a::A;")];
        assert_eq!(circles(&long), at("", "a b c"));
    }

    #[test]
    fn a_folder_is_one_node_above_and_a_level_of_its_own_within() {
        let files = [("a::x", "use crate::b::B;"), ("a::y", ""), ("a", ""), ("b", "use crate::a::y::Y;")];
        assert_eq!(circles(&files), at("", "a b"));
        let within = [("a::x", "use super::y::Y;"), ("a::y", "use crate::a::x;"), ("a", "use x::X;"), ("b", "")];
        assert_eq!(circles(&within), at("a", "x y"));
        let own = [("a::x", "use super::Own;"), ("a", "use x::X;")];
        assert_eq!(circles(&own), [], "a module and what is within it are one");
    }

    #[test]
    fn what_is_passed_on_is_a_use_of_where_it_comes_from() {
        let files = [("", "pub use self::b::B;"), ("a", "use crate::B;"), ("b", "use crate::a::A;")];
        assert_eq!(circles(&files), at("", "a b"));
        let files = [("", "pub use self::{b::B, a::A};"), ("a", ""), ("b", "use crate::A;")];
        assert_eq!(circles(&files), []);
    }

    #[test]
    fn tests_and_comments_use_nothing() {
        let files = [("a", "// use crate::b;\n#[cfg(test)]\nmod tests { use crate::b::B; }"), ("b", "use crate::a;")];
        assert_eq!(circles(&files), []);
    }
}
