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
mod tests {
    use super::*;

    fn settings(text: &str) -> Vec<String> {
        guess(text.as_bytes()).settings.into_iter().map(|(setting, _)| setting).collect()
    }

    #[test]
    fn each_way_of_writing_is_recognised() {
        assert_eq!(settings("a,b\n1,2\n"), Vec::<String>::new());
        assert_eq!(settings("a\tb\n1\t2,x\n"), ["separator: \"\\t\""]);
        assert_eq!(settings("a;b\n1;2,5\n"), ["separator: \";\"", "decimal_comma: true"]);
        assert_eq!(settings("a;b;c\n1;2,5;1.5\n"), ["separator: \";\""]);
        assert_eq!(settings("a\tb\n1\t1,234\n"), ["separator: \"\\t\""]);
        assert_eq!(settings("sep=;\na;b\n1;2\n"), ["skip_lines: 1", "separator: \";\""]);
        assert_eq!(settings("\"sep=,\"\r\na,b\r\n1,2\r\n"), ["skip_lines: 1"]);
        assert_eq!(settings("# x\n# y, z\na,b\n1,2\n"), ["skip_lines: 2"]);
        assert_eq!(settings("#a,b\n1,2\n"), Vec::<String>::new());
        assert_eq!(settings("a,b\n1,2\n# end\n"), ["comment: \"#\""]);
        assert_eq!(settings("a,b\n1,2,\n3,4,\n"), ["trailing_separator: true"]);
        assert_eq!(settings("a,b\r1,2\r"), ["line_end: cr"]);
        assert_eq!(settings("a|b|c\n\"x|y\"|2|3\n"), ["separator: \"|\""]);
        assert_eq!(settings("a b\n1 2\n\"x y\" 3\n"), ["separator: \" \""]);
        assert_eq!(settings("a b\n1 2\n3  4\n"), Vec::<String>::new());
        assert_eq!(settings("first name\nJohn Smith\n"), Vec::<String>::new());
        assert_eq!(settings(""), Vec::<String>::new());
    }

    #[test]
    fn what_is_rare_or_only_looks_so_decides_nothing() {
        for (text, wanted) in [
            // What the first line announces; a line of six letters that does not announce anything.
            ("sep=|\na,b|c\nx,y|3\n", vec!["skip_lines: 1", "separator: \"|\""]),
            ("SEP=\t\na\tb\n1\t2\n", vec!["skip_lines: 1", "separator: \"\\t\""]),
            ("sex=;x\n1;2\n", vec!["separator: \";\""]),
            ("sep=;\n# note\na;b\n1;2\n", vec!["skip_lines: 2", "separator: \";\""]),
            // Comments before the header, a header that begins like one, and one behind a comment.
            ("# made by x\na,b\n1,2\n", vec!["skip_lines: 1"]),
            ("# one, two\n#a,b\n1,2\n", vec!["skip_lines: 1"]),
            ("#a,b\nx,y\n", vec!["skip_lines: 1"]),
            ("#a,b\n2025-01-01,y\n", vec![]),
            ("#a;b\nx;1\n", vec!["separator: \";\""]),
            ("#a\n1\n", vec!["skip_lines: 1"]),
            ("#a,b,c\n1,2\n", vec!["skip_lines: 1"]),
            ("#a,b\n1,2\n#c,d\n3,4\n", vec![]),
            ("a,b\n1,2\n", vec![]),
            // The separator is what fits most lines, then what makes most fields.
            ("a;b,c\n1;2\n3;4\n5,6\n", vec!["separator: \";\"", "decimal_comma: true"]),
            ("a;b,c\n1,2\n3,4\n5;6\n", vec![]),
            ("a,b;c;d\n1,2;3;4\n", vec!["separator: \";\"", "decimal_comma: true"]),
            ("a,b;c;d\n", vec!["separator: \";\""]),
            (
                "a,b;c;d\n1,2;3;4;\n1,2;3;4;\n",
                vec!["separator: \";\"", "trailing_separator: true", "decimal_comma: true"],
            ),
            ("a;b\n1;2;\n3;4;\n5;6,7;8\n", vec!["separator: \";\"", "trailing_separator: true", "decimal_comma: true"]),
            ("a,b;c\n1,2;3;x\n4,5;6;x\n", vec![]),
            ("a;b,c\n1;2,3\n", vec![]),
            ("a;b,c\nx;y;z;\n1,2\n3;4;5;\n", vec![]),
            // Comments are not rows, and a header that begins like one is the header.
            ("a;b\n1;2\n#2,5;1\n", vec!["comment: \"#\"", "separator: \";\""]),
            ("#a;b\n1,5;2\n", vec!["separator: \";\"", "decimal_comma: true"]),
            // Blanks, where nothing else cuts the lines and there are values among them.
            ("a b\n1 x\n", vec!["separator: \" \""]),
            ("a b\n2025-01-01 x\n", vec!["separator: \" \""]),
            ("a b\n1 x\ny\n", vec![]),
            ("a b\n", vec![]),
            ("a b,c\n1 x,2\n", vec![]),
            ("a\n1\n", vec![]),
            // A separator behind most rows, and not behind half of them.
            ("a,b\n1,2,\n3,4\n", vec![]),
            ("a,b\n1,2,\n3,4,\n5,6\n", vec!["trailing_separator: true"]),
            ("a,b\n1,2,x\n3,4,y\n", vec![]),
            ("a,b,c\n1,\n3,\n", vec![]),
            // The decimal comma, which a number with a point speaks against, and one that is ambiguous does not prove.
            ("a;b\n1,234;x\n", vec!["separator: \";\"", "decimal_comma: true"]),
            ("a\tb\n1,23\tx\n", vec!["separator: \"\\t\"", "decimal_comma: true"]),
            ("a\tb\n1,234\tx\n", vec!["separator: \"\\t\""]),
            ("a;b\n2,5;1.234\n", vec!["separator: \";\"", "decimal_comma: true"]),
            ("a;b\n2,5;1.2\n", vec!["separator: \";\""]),
            ("2,5;b\nx;y\n", vec!["separator: \";\""]),
            ("a;b\n2,5;x.y\n", vec!["separator: \";\"", "decimal_comma: true"]),
            ("a;b\n2,5;1.234,5\n", vec!["separator: \";\"", "decimal_comma: true"]),
            ("a,b\n\"2,5\",x\n", vec![]),
            // Line ends: a text without line feeds is cut at its carriage returns.
            ("a,b\r\n1,2\r\n", vec![]),
            ("a,b\r\r1,2\r", vec!["line_end: cr"]),
        ] {
            assert_eq!(settings(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn each_setting_has_its_reason() {
        let reasons =
            |text: &str| guess(text.as_bytes()).settings.into_iter().map(|(_, reason)| reason).collect::<Vec<_>>();
        let header = "rows have a separator behind their last field, and the header has none";
        for (text, wanted) in [
            (
                "sep=;\na;b\n1;2\n",
                vec!["the first line names the separator, as spreadsheets write it", "the first line says so"],
            ),
            (
                "sep=;\n#x\n#y\na;b\n1;2\n",
                vec!["the separator's line and 2 that begin with # stand before the header", "the first line says so"],
            ),
            ("#x\na,b\n1,2\n", vec!["1 line(s) before the header begin with #"]),
            (
                "a;b\n1;2,5\n",
                vec!["it is what stands in every line as often as in the header", "numbers are written 1,5"],
            ),
            ("a,b\n1,2,\n", vec![header]),
            ("a,b\n1,2\n#\n", vec!["lines among the rows begin with it"]),
            ("a,b\r1,2", vec!["the file has carriage returns and no line feeds"]),
        ] {
            assert_eq!(reasons(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn the_dialect_is_that_of_the_settings() {
        let dialect = |text: &str| {
            let dialect = guess(text.as_bytes()).dialect();
            (dialect.separator, dialect.line_end, dialect.decimal)
        };
        assert_eq!(dialect("a,b\n1,2\n"), (b',', b'\n', b'.'));
        assert_eq!(dialect("a;b\r1;2,5\r"), (b';', b'\r', b','));
    }

    #[test]
    fn the_beginning_decides() {
        let rows = |count: usize, row: &str| row.repeat(count);
        // The hundredth line behind the header is looked at, and the next one is not.
        let text = |before: usize| format!("a;b\n{}1;2,5\n", rows(before, "1;2\n"));
        assert_eq!(settings(&text(99)), ["separator: \";\"", "decimal_comma: true"]);
        assert_eq!(settings(&text(100)), ["separator: \";\""]);
        // And no byte beyond the first 256 KiB.
        let long = format!("a;b\n1;{}\n1;2,5\n", "x".repeat(256 << 10));
        assert_eq!(settings(&long), ["separator: \";\""]);
        let long = format!("a;b\n1;{}\n1;2,5\n", "x".repeat(255 << 10));
        assert_eq!(settings(&long), ["separator: \";\"", "decimal_comma: true"]);
    }
}
