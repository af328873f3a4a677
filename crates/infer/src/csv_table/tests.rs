//! Texts of many kinds as tables: their columns, and what is refused.

use super::*;
use crate::examples::lines;

fn whole(text: &str) -> Table {
    read(text.as_bytes(), true).unwrap()
}

fn refused(text: &str) -> String {
    read(text.as_bytes(), true).unwrap_err().to_string()
}

/// The columns, each with its cells; a missing one is empty.
fn cells(table: &Table) -> Vec<(&str, Vec<&str>)> {
    let columns = table.columns.iter();
    columns
        .map(|column| {
            let cells = column.cells.iter().map(|cell| if let Cell::Text(text) = cell { text } else { "" });
            (column.name.as_str(), cells.collect())
        })
        .collect()
}

#[test]
fn cells_are_those_of_the_text() {
    for (text, wanted) in [
        ("\u{feff} a ,b\n1, 2\n,x y\n", vec![("a", vec!["1", ""]), ("b", vec![" 2", "x y"])]),
        ("a,b\r\n1,2\r\n3,\r\n", vec![("a", vec!["1", "3"]), ("b", vec!["2", ""])]),
        ("a,b\r1,2\r3,4\r", vec![("a", vec!["1", "3"]), ("b", vec!["2", "4"])]),
        // A carriage return within a file of line feeds that ends a cell is not its own; before it, it is.
        ("a,b\n1,x\ry\r\n", vec![("a", vec!["1"]), ("b", vec!["x\ry"])]),
        ("a,b\n\n1,2\n   \n3,4\n", vec![("a", vec!["1", "3"]), ("b", vec!["2", "4"])]),
        ("a,b\n1,2\n#3,4\n5,6\n", vec![("a", vec!["1", "5"]), ("b", vec!["2", "6"])]),
        ("a,b\n1,2,\n3,4,\n5,6\n", vec![("a", vec!["1", "3", "5"]), ("b", vec!["2", "4", "6"])]),
        ("a,b,\n1,2,\n", vec![("a", vec!["1"]), ("b", vec!["2"]), ("", vec![""])]),
        ("# one\n\n# two\na;b\n1;2\n", vec![("a", vec!["1"]), ("b", vec!["2"])]),
        // In a single column an empty text in quotes is a missing value; a blank line is none.
        ("a\nx\n\"\"\n\n \ny\n", vec![("a", vec!["x", "", "y"])]),
    ] {
        let table = whole(text);
        assert_eq!(cells(&table), wanted, "{text:?}");
        assert_eq!(table.rows, wanted[0].1.len(), "{text:?}");
        assert!(table.notes.is_empty(), "{:?}", table.notes);
    }
}

#[test]
fn half_a_record_at_the_end_of_a_sample_is_not_a_row() {
    for (text, rows) in [("a,b\n1,2\n3,4\n5,", 2), ("a,b\n1,2\n", 1), ("a,b\r1,2\r3,4", 1)] {
        let table = read(text.as_bytes(), false).unwrap();
        assert_eq!((table.rows, table.columns[1].texts().next()), (rows, Some("2")), "{text:?}");
    }
    assert_eq!(whole("a,b\n1,2\n3,4").rows, 2);
}

#[test]
fn a_long_file_is_looked_at_here_and_there() {
    let table = whole(&lines("a,b", 20_000, |row| format!("{row},x")));
    assert_eq!(table.rows, 9_715);
    assert_eq!(table.notes, ["9715 rows were looked at, of 20000 in that part of the file"]);
    let last = table.columns[0].texts().last().unwrap();
    assert!(last.parse::<usize>().unwrap() > 19_900, "{last}");
}

#[test]
fn records_that_are_not_rows_are_counted() {
    let text = b"a,b\n1,2\n3\n4,5,6\n\xff,1\n7,8\n";
    let table = read(text, true).unwrap();
    assert_eq!(table.rows, 2);
    assert_eq!(
        table.notes,
        [
            "1 records of the sample are not UTF-8; they will be dead letters; if it is in Windows-1252: `iconv -f \
                 WINDOWS-1252 -t UTF-8 FILE > NEW`",
            "2 records of the sample do not have the 2 fields of the header; they will be dead letters",
        ]
    );
    assert!(refused("a,b\n1\n").contains("no row of the sample has the 2 fields of the header; the first has 1: 1. "));
    let error = read(b"a,b\n\xff,1\n", true).unwrap_err().to_string();
    assert!(error.contains("no row of the sample is text in UTF-8"), "{error}");
}

#[test]
fn a_row_in_place_of_the_header_is_refused() {
    for text in [
        "1,2\n3,4\n",
        "1,,2025-01-01\n3,4,5\n",
        "1,2,a,b\nx,y,c,d\n",
        "1,2,3,4,a,b,c\n1,2,3,4,5,6,7\n",
        "2025-01-01,a\n2025-01-02,b\n",
        "a,2025-01-01T00:00:00Z\nb,2025-01-02T00:00:00Z\n",
    ] {
        assert!(refused(text).contains("the first line holds values and no names"), "{text:?}");
    }
    // One number may be a name, and a few among many names, and a time above what is none.
    for text in ["1,a\n3,b\n", "1,2,a,b,c\n1,2,3,4,5\n", "2025-01-01,a\nx,b\n", "2025-01-01,a\n,b\n"] {
        assert!(read(text.as_bytes(), true).is_ok(), "{text:?}");
    }
    let long = refused(&format!("{}\n1\n", vec!["1.5"; 50].join(",")));
    assert!(long.contains(&format!("names: {};", &vec!["1.5"; 50].join(",")[..80])), "{long}");
}

#[test]
fn columns_that_are_aligned_with_blanks_are_refused() {
    for text in ["id  x\n1   2.5\n", "day   x  y\n2025-01-01  a   b\n"] {
        assert!(refused(text).contains("aligned with blanks"), "{text:?}");
    }
    for text in ["first  name\nJohn  Smith\n", "a  b\n1  2\n3\n", "name\n1\n", "a b,c\n1 2,3\n"] {
        assert!(read(text.as_bytes(), true).is_ok(), "{text:?}");
    }
}

#[test]
fn a_header_that_cannot_be_one_is_refused() {
    assert!(refused("").contains("the sample is empty"));
    assert!(refused("a\0,b\n1,2\n").contains("its header line is not UTF-8 text"));
    let names = |count: usize| (0..count).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    let file = |count: usize| format!("{}\n{}\n", names(count), vec!["1"; count].join(","));
    assert_eq!(whole(&file(2_000)).columns.len(), 2_000);
    assert!(refused(&file(2_001)).contains("the header has 2001 columns; at most 2000 are possible"));
}

#[test]
fn lines_before_the_header_are_left_out_blank_ones_uncounted() {
    let options = CsvOptions { skip_lines: 2, ..CsvOptions::default() };
    assert_eq!(behind(b"#a\n\n#b\nx,y\n", &options, b'\n'), b"x,y\n");
    assert_eq!(behind(b"#a\n", &options, b'\n'), b"");
    assert_eq!(behind(b"#a\r#b\rx", &options, b'\r'), b"x");
    assert_eq!(behind(b"x,y\n", &CsvOptions::default(), b'\n'), b"x,y\n");
}
