//! How a CSV file is written.

/// The signs of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between two fields.
    pub separator: u8,
    /// Behind a record.
    pub line_end: u8,
    /// Before a fraction.
    pub decimal: u8,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { separator: b',', line_end: b'\n', decimal: b'.' }
    }
}

/// How programs and people write that a value is missing.
pub const MARKERS: [&str; 48] = [
    "NA",
    "N/A",
    "n/a",
    "na",
    "N.A.",
    "n.a.",
    "#N/A",
    "#NA",
    "<NA>",
    "null",
    "NULL",
    "Null",
    "None",
    "none",
    "NONE",
    "nil",
    "NIL",
    "Nil",
    "-",
    "--",
    "---",
    "?",
    ".",
    "..",
    "...",
    "*",
    "**",
    "***",
    "\\N",
    "missing",
    "MISSING",
    "Missing",
    "unknown",
    "Unknown",
    "undef",
    "NaT",
    "1.#QNAN",
    "-1.#QNAN",
    "1.#IND",
    "-1.#IND",
    "1.#SNAN",
    "#VALUE!",
    "#DIV/0!",
    "#NUM!",
    "#REF!",
    "#NAME?",
    "#NULL!",
    "-nan(ind)",
];

/// Whether a cell is one of [`MARKERS`].
pub fn is_marker(cell: &str) -> bool {
    MARKERS.contains(&cell.trim())
}
