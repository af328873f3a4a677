//! How each way of writing CSV is recognised.

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
        ("a,b;c;d\n1,2;3;4;\n1,2;3;4;\n", vec!["separator: \";\"", "trailing_separator: true", "decimal_comma: true"]),
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
        ("a;b\n1;2,5\n", vec!["it is what stands in every line as often as in the header", "numbers are written 1,5"]),
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
