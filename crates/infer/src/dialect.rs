//! How a CSV file is written, guessed from its text: line ends, lines before the header, separator, decimal sign.

use stream::{CsvOptions, LineEnd};
use text::{Dialect, Splitter, float, is_float_with_comma};

/// Bytes that are looked at.
const BYTES: usize = 256 << 10;

/// Lines behind the header that are looked at.
const LINES: usize = 100;

/// What stands between fields, the likeliest first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A guess, each setting as a line of the definition with its reason.
#[derive(Debug, Default)]
pub(crate) struct Guess {
    pub options: CsvOptions,
    pub settings: Vec<(String, String)>,
}

impl Guess {
    fn set(&mut self, setting: impl Into<String>, reason: impl Into<String>) {
        self.settings.push((setting.into(), reason.into()));
    }

    pub(crate) fn dialect(&self) -> Dialect {
        Dialect {
            separator: self.options.separator.as_ref().map_or(b',', |separator| separator.as_bytes()[0]),
            line_end: if self.options.line_end == LineEnd::Cr { b'\r' } else { b'\n' },
            decimal: if self.options.decimal_comma { b',' } else { b'.' },
        }
    }
}

/// Guesses from the beginning of a file.
pub(crate) fn guess(text: &[u8]) -> Guess {
    let text = &text[..text.len().min(BYTES)];
    let mut guess = Guess::default();
    if text.contains(&b'\r') && !text.contains(&b'\n') {
        guess.options.line_end = LineEnd::Cr;
        guess.set("line_end: cr", "the file has carriage returns and no line feeds");
    }
    let line_end = guess.dialect().line_end;
    let lines: Vec<&[u8]> = text
        .split(|byte| *byte == line_end)
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.trim_ascii().is_empty())
        .take(LINES + 1)
        .collect();
    let (before, announced) = before_header(&mut guess, &lines);
    let lines = &lines[before.min(lines.len())..];
    let is_comment = |line: &&&[u8]| line.starts_with(b"#");
    if lines.iter().skip(1).any(|line| is_comment(&line)) && lines.first().is_some_and(|line| !is_comment(&line)) {
        guess.options.comment = Some("#".to_owned());
        guess.set("comment: \"#\"", "lines among the rows begin with it");
    }
    let rows: Vec<&[u8]> =
        lines.iter().filter(|line| guess.options.comment.is_none() || !is_comment(line)).copied().collect();
    let separator = announced.unwrap_or_else(|| separator(&rows));
    if separator != b',' {
        let written = char::from(separator).escape_default().to_string();
        guess.options.separator = Some(char::from(separator).to_string());
        let reason = if announced.is_some() {
            "the first line says so"
        } else {
            "it is what stands in every line as often as in the header"
        };
        guess.set(format!("separator: \"{written}\""), reason);
    }
    let fields: Vec<Vec<Vec<u8>>> = rows.iter().map(|line| split(line, separator)).collect();
    trailing(&mut guess, &fields);
    decimal_comma(&mut guess, &fields, separator);
    guess
}

/// How many lines stand before the header, and the separator that one of them tells.
fn before_header(guess: &mut Guess, lines: &[&[u8]]) -> (usize, Option<u8>) {
    let (mut before, mut announced, mut comments) = (0, None, 0);
    if let Some([b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator]) = lines.first().map(|line| unquoted(line)) {
        (before, announced) = (1, Some(*separator));
    }
    while let Some(line) = lines.get(before).filter(|line| line.starts_with(b"#")) {
        // A header may begin so as well: it has as many fields as what follows, which has values.
        let count = |line: &[u8]| SEPARATORS.map(|separator| split(line, separator).len());
        let next = lines.get(before + 1).copied().unwrap_or_default();
        let alike = count(line).iter().zip(count(next)).any(|(here, there)| *here > 1 && *here == there);
        let is_value = |cell: &Vec<u8>| float(cell).is_some() || times::parse(cell.trim_ascii()).is_some();
        let has_values = SEPARATORS.iter().any(|separator| split(next, *separator).iter().any(is_value));
        if !next.starts_with(b"#") && alike && has_values {
            break;
        }
        (before, comments) = (before + 1, comments + 1);
    }
    if before > 0 {
        guess.options.skip_lines = before as u32;
        let reason = match (announced.is_some(), comments) {
            (true, 0) => "the first line names the separator, as spreadsheets write it".to_owned(),
            (true, count) => format!("the separator's line and {count} that begin with # stand before the header"),
            (false, count) => format!("{count} line(s) before the header begin with #"),
        };
        guess.set(format!("skip_lines: {before}"), reason);
    }
    (before, announced)
}

fn unquoted(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line)
}

fn split(line: &[u8], separator: u8) -> Vec<Vec<u8>> {
    Splitter::new(separator).split(line).iter().map(<[u8]>::to_vec).collect()
}

/// What cuts most lines into as many fields as the header, and into more than one.
fn separator(all: &[&[u8]]) -> u8 {
    let Some((header, rows)) = all.split_first() else { return b',' };
    let mut best = (b',', 0, 0);
    for separator in SEPARATORS {
        let fields = split(header, separator).len();
        let fitting = rows
            .iter()
            .filter(|row| {
                let found = split(row, separator);
                found.len() == fields || found.len() == fields + 1 && found.last().is_some_and(Vec::is_empty)
            })
            .count();
        // Where there are no rows the header decides.
        let score = if rows.is_empty() { 1 } else { fitting };
        if fields > 1 && (score, fields) > (best.1, best.2) {
            best = (separator, score, fields);
        }
    }
    if best.2 == 0 && blanks_separate(all) { b' ' } else { best.0 }
}

/// Whether single blanks cut every line into as many fields as the header, and there are numbers or times among them.
fn blanks_separate(rows: &[&[u8]]) -> bool {
    let fields: Vec<_> = rows.iter().map(|row| split(row, b' ')).collect();
    let Some((header, rows)) = fields.split_first() else { return false };
    let is_value = |cell: &Vec<u8>| float(cell).is_some() || times::parse(cell).is_some();
    let alike = rows.iter().all(|row| row.len() == header.len() && !row.iter().any(Vec::is_empty));
    header.len() > 1 && !rows.is_empty() && alike && rows.iter().flatten().any(is_value)
}

fn trailing(guess: &mut Guess, fields: &[Vec<Vec<u8>>]) {
    let Some((header, rows)) = fields.split_first() else { return };
    let is_longer = |row: &&Vec<Vec<u8>>| row.len() == header.len() + 1 && row.last().is_some_and(Vec::is_empty);
    if !rows.is_empty() && rows.iter().filter(is_longer).count() * 2 > rows.len() {
        guess.options.trailing_separator = true;
        guess.set("trailing_separator: true", "rows have a separator behind their last field, and the header has none");
    }
}

/// Sets the decimal comma where a column has numbers with one and no column has numbers with a point.
fn decimal_comma(guess: &mut Guess, fields: &[Vec<Vec<u8>>], separator: u8) {
    if separator == b',' {
        return;
    }
    let cells = || fields.iter().skip(1).flatten().map(|cell| cell.trim_ascii());
    let has_point = |cell: &[u8]| {
        cell.contains(&b'.') && !cell.contains(&b',') && float(cell).is_some() && text::float_with_comma(cell).is_none()
    };
    // `1,234` between tabs may be a thousand and more; beside semicolons the comma is the decimal sign.
    let is_plain = |cell: &[u8]| {
        let behind = cell.rsplit(|byte| *byte == b',').next().unwrap_or_default();
        is_float_with_comma(cell) && (separator == b';' || behind.len() != 3)
    };
    if cells().any(is_plain) && !cells().any(has_point) {
        guess.options.decimal_comma = true;
        guess.set("decimal_comma: true", "numbers are written 1,5");
    }
}

#[cfg(test)]
mod tests;
