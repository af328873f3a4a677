//! Collects what is wrong with one file.

use crate::{Diagnostic, Diagnostics, node::Position};

/// Collects what is wrong with one file.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    file: &'a str,
    lines: Vec<&'a str>,
    found: Vec<Diagnostic>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, lines: text.lines().collect(), found: Vec::new() }
    }

    /// Something is wrong at `at`, with or without an idea of what would mend it.
    pub(crate) fn add(&mut self, at: Position, message: impl Into<String>, suggestion: Option<String>) {
        // The parser may stand one line beyond the end of a file that ends too early.
        let line = at.line.clamp(1, self.lines.len().max(1));
        let length = self.line(line).chars().count();
        let column = if line < at.line { length + 1 } else { at.column.clamp(1, length + 1) };
        self.found.push(Diagnostic { file: self.file.to_owned(), line, column, message: message.into(), suggestion });
    }

    /// Whether something is wrong at exactly this place, so that more about it would only repeat that.
    pub(crate) fn has(&self, at: Position) -> bool {
        self.found.iter().any(|found| (found.line, found.column) == (at.line, at.column))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The text of a line from 1; empty beyond the end.
    pub(crate) fn line(&self, line: usize) -> &'a str {
        line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or_default()
    }

    /// Everything that was found, in the order of the file.
    pub(crate) fn finish(mut self) -> Diagnostics {
        self.found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        Diagnostics(self.found)
    }
}
