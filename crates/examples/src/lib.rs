//! The example streams, with the schemas and tables that they name, as text inside the binary: `beamline demo` runs
//! them on a machine that has nothing else, and writes them out to be changed.

mod files;

use std::cell::RefCell;

use stream::{Diagnostics, FileReader, Source, Stream};

pub use self::files::{FILES, File};

/// The examples in the order in which they are listed. The first is what a newcomer sees.
const NAMES: [&str; 11] = [
    "particle-physics",
    "sensors",
    "clickstream",
    "logs",
    "logins",
    "payments",
    "prices",
    "particle-events",
    "cms-dimuons",
    "lhe-particles",
    "nab",
];

/// The example that runs where no name is given.
pub const FIRST: &str = NAMES[0];

/// One example stream.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// The stream's name.
    pub name: &'static str,
    /// Its definition.
    pub definition: &'static File,
}

impl Example {
    /// The example of that name.
    pub fn named(name: &str) -> Option<Self> {
        let name = NAMES.into_iter().find(|known| *known == name)?;
        let definition = find(&format!("streams/{name}.yaml"))?;
        Some(Self { name, definition })
    }

    /// All examples, the first one first.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().filter_map(Self::named)
    }

    /// What the stream is, as the first comment of its definition says it.
    pub fn summary(&self) -> &'static str {
        let comments = self.definition.text.lines().filter_map(|line| line.strip_prefix("# "));
        comments.into_iter().find(|line| !line.starts_with("yaml-language-server:")).unwrap_or_default()
    }

    /// The checked stream.
    ///
    /// # Errors
    /// What is wrong with its definition, which the tests of this crate exclude.
    pub fn load(&self) -> Result<Stream, Diagnostics> {
        Stream::load(self.definition.path, self.definition.text, &Inside::default())
    }

    /// The definition, its cases, what an editor completes both by, and every file that the definition names, each once.
    pub fn files(&self) -> Vec<&'static File> {
        let inside = Inside::default();
        // A definition that does not load has named its files all the same.
        let _ = Stream::load(self.definition.path, self.definition.text, &inside);
        let mut files = vec![self.definition];
        let cases = format!("streams/{}.test.yaml", self.name);
        files.extend([&cases, "schemas/stream.schema.json", "schemas/cases.schema.json"].into_iter().filter_map(find));
        for file in inside.read.into_inner() {
            if !files.iter().any(|known| known.path == file.path) {
                files.push(file);
            }
        }
        files
    }
}

/// Whether a stream makes its own events, so that it runs without any file.
pub fn makes_events(stream: &Stream) -> bool {
    matches!(stream.definition.spec.source, Some(Source::Synthetic(_)))
}

fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

/// Reads the files inside the binary as if a definition in `streams/` named them, and remembers which ones it read.
#[derive(Debug, Default)]
struct Inside {
    read: RefCell<Vec<&'static File>>,
}

impl FileReader for Inside {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let file = path.strip_prefix("../").and_then(find).ok_or_else(|| format!("there is no example file {path}"))?;
        self.read.borrow_mut().push(file);
        Ok(file.text.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_loads_and_says_what_it_is() {
        assert_eq!(Example::all().count(), NAMES.len());
        for example in Example::all() {
            let stream = example.load().unwrap_or_else(|errors| panic!("{}: {errors}", example.name));
            assert_eq!(stream.name(), example.name);
            assert!(example.summary().ends_with('.'), "{}: {:?}", example.name, example.summary());
        }
    }

    #[test]
    fn an_example_comes_with_the_files_it_names() {
        let files = Example::named("particle-physics").unwrap().files();
        let paths: Vec<&str> = files.iter().map(|file| file.path).collect();
        let expected = [
            "streams/particle-physics.yaml",
            "streams/particle-physics.test.yaml",
            "schemas/stream.schema.json",
            "schemas/cases.schema.json",
            "schemas/particle-hit.avsc",
            "reference/particles.csv",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn the_first_example_needs_no_files() {
        assert!(makes_events(&Example::named(FIRST).unwrap().load().unwrap()));
        assert!(!makes_events(&Example::named("nab").unwrap().load().unwrap()));
    }
}
