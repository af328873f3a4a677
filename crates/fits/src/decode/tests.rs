//! Every type of column, from bytes that are written down here.

use arrow::{array::Array, json::LineDelimitedWriter};
use proptest::prelude::*;

use super::*;
use crate::header::tests::header;

/// A heap in memory.
struct Bytes<'a>(&'a [u8]);

impl Heap for Bytes<'_> {
    fn read(&mut self, offset: u64, bytes: usize, into: &mut Vec<u8>) -> Result<(), String> {
        let begin = usize::try_from(offset).unwrap();
        into.extend(self.0.get(begin..begin + bytes).ok_or("it ends before")?);
        Ok(())
    }
}

/// A table of a column, whose heap begins at `rows`.
fn table(form: &str, further: &[&str], row_bytes: usize, rows: usize, heap: usize) -> Result<Table, FitsError> {
    let cards = [
        "XTENSION= 'BINTABLE'".to_owned(),
        "BITPIX  = 8".to_owned(),
        "NAXIS   = 2".to_owned(),
        format!("NAXIS1  = {row_bytes}"),
        format!("NAXIS2  = {rows}"),
        format!("PCOUNT  = {heap}"),
        "TFIELDS = 1".to_owned(),
        "TTYPE1  = 'x'".to_owned(),
        format!("TFORM1  = '{form}'"),
    ];
    let cards: Vec<&str> = cards.iter().map(String::as_str).chain(further.iter().copied()).collect();
    Table::read(&header(&cards)).map(Option::unwrap)
}

/// The values of a column, as JSON.
fn read(form: &str, further: &[&str], row_bytes: usize, data: &[u8], heap: &[u8]) -> Vec<String> {
    let table = table(form, further, row_bytes, data.len() / row_bytes, heap.len()).unwrap();
    let whole = [data, heap].concat();
    let batch = table.decode(&[0], data, &mut Bytes(&whole)).unwrap();
    let mut out = LineDelimitedWriter::new(Vec::new());
    out.write(&batch).unwrap();
    out.finish().unwrap();
    let text = String::from_utf8(out.into_inner()).unwrap();
    text.lines().map(|line| line.trim_start_matches("{\"x\":").trim_end_matches('}').to_owned()).collect()
}

#[test]
fn every_type_of_the_standard_is_read() {
    assert_eq!(read("L", &[], 1, b"TF\0", b""), ["true", "false", "{"]);
    assert_eq!(read("1B", &["TNULL1  = 9"], 1, &[0, 255, 9], b""), ["0", "255", "{"]);
    assert_eq!(read("B", &["TZERO1  = -128"], 1, &[0, 128, 255], b""), ["-128", "0", "127"]);
    assert_eq!(read("I", &["TNULL1  = -1"], 2, &[0x7f, 0xff, 0xff, 0xff], b""), ["32767", "{"]);
    assert_eq!(read("I", &["TZERO1  = 32768"], 2, &[0x80, 0, 0x7f, 0xff], b""), ["0", "65535"]);
    assert_eq!(read("J", &["TZERO1  = 2147483648"], 4, &[0x7f, 0xff, 0xff, 0xff], b""), ["4294967295"]);
    assert_eq!(
        read("K", &["TZERO1  = 9223372036854775808"], 8, &[0x7f, 255, 255, 255, 255, 255, 255, 255], b""),
        ["18446744073709551615"]
    );
    assert_eq!(
        read("I", &["TSCAL1  = 0.5", "TZERO1  = 10", "TNULL1  = 3"], 2, &[0, 1, 0xff, 0xff, 0, 3], b""),
        ["10.5", "9.5", "{"]
    );
    assert_eq!(read("E", &[], 4, &[1.5_f32.to_be_bytes(), f32::NAN.to_be_bytes()].concat(), b""), ["1.5", "{"]);
    assert_eq!(read("D", &["TSCAL1  = 2.D0"], 8, &1.5_f64.to_be_bytes(), b""), ["3.0"]);
    assert_eq!(read("5A", &[], 5, b"ab   a\0xyz     ", b""), ["\"ab\"", "\"a\"", "{"]);
    assert_eq!(
        read("C", &[], 8, &[1.5_f32.to_be_bytes(), 2.5_f32.to_be_bytes()].concat(), b""),
        ["{\"re\":1.5,\"im\":2.5"]
    );
}

#[test]
fn arrays_have_their_dimensions() {
    assert_eq!(read("2I", &[], 4, &[0, 1, 0, 2, 0, 3, 0, 4], b""), ["[1,2]", "[3,4]"]);
    assert_eq!(read("6B", &["TDIM1   = '(3,2)'"], 6, &[1, 2, 3, 4, 5, 6], b""), ["[[1,2,3],[4,5,6]]"]);
    assert_eq!(read("1B", &["TDIM1   = '(1,1)'"], 1, &[7], b""), ["[[7]]"]);
    assert_eq!(
        read("10X", &[], 2, &[0b1010_0000, 0b0100_0000], b""),
        ["[true,false,true,false,false,false,false,false,false,true]"]
    );
    assert_eq!(read("6A", &["TDIM1   = '(3,2)'"], 6, b"ab cd ", b""), ["[\"ab\",\"cd\"]"]);
    assert_eq!(read("6A3", &[], 6, b"ab cd ", b""), ["[\"ab\",\"cd\"]"]);
}

#[test]
fn arrays_of_variable_length_lie_behind_the_rows() {
    let rows = [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    assert_eq!(read("1PI(2)", &[], 8, &rows, &[0, 5, 0, 6]), ["[5,6]", "[]", "[6]"]);
    assert_eq!(read("PA(2)", &[], 8, &rows, b"abc"), ["\"ab\"", "{", "\"c\""]);
    let wide: Vec<u8> = [2_u64, 1].iter().flat_map(|part| part.to_be_bytes()).collect();
    assert_eq!(read("1QB", &[], 16, &wide, &[9, 8, 7]), ["[8,7]"]);
    assert_eq!(read("1PB", &["THEAP   = 10"], 8, &rows[..8], &[0, 0, 9, 8]), ["[9,8]"]);
    let beyond = table("1PB", &[], 8, 1, 1).unwrap();
    let error = beyond.decode(&[0], &rows[..8], &mut Bytes(&[])).unwrap_err().to_string();
    assert!(error.contains("the heap ends before that"), "{error}");
    let huge = [[0xff_u8; 8], [0; 8]].concat();
    assert!(table("1QB", &[], 16, 1, 1).unwrap().decode(&[0], &huge, &mut Bytes(&[])).is_err());
}

#[test]
fn what_contradicts_itself_is_refused_and_names_the_column() {
    for (form, further, row_bytes, words) in [
        ("Z", &[][..], 1, "column `x`: TFORM1 is \"Z\""),
        ("2J", &[], 4, "its columns take 8 bytes of a row, and a row has 4"),
        ("99999999999999999999J", &[], 4, "TFORM1"),
        ("3PJ", &[], 24, "TFORM1"),
        ("J", &["ZTABLE  = T"], 4, "compressed by tiles"),
    ] {
        let error = table(form, further, row_bytes, 1, 0).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let image = header(&["XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 0"]);
    assert!(Table::read(&image).unwrap().is_none());
    assert_eq!(table("0J", &[], 0, 1, 0).unwrap().schema().fields().len(), 0);
}

#[test]
fn a_time_says_what_it_counts_from() {
    let further = ["TTYPE1  = 'y'", "TUNIT1  = 's'", "MJDREFI = 50814", "MJDREFF = 0.5", "TIMESYS = 'TT'"];
    assert!(table("D", &further, 8, 1, 0).unwrap().schema().field(0).metadata().is_empty(), "it is not called time");
    let mut cards = vec!["XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 8", "NAXIS2  = 1"];
    cards.extend(["TFIELDS = 1", "TTYPE1  = 'TIME'", "TFORM1  = 'D'"]);
    cards.extend(&further[1..]);
    let table = Table::read(&header(&cards)).unwrap().unwrap();
    assert_eq!(table.schema().field(0).metadata()["fits.mjdref"], "50814.5");
    assert_eq!(table.schema().field(0).metadata()["fits.timesys"], "TT");
}

proptest! {
    /// Rows cut anywhere give the same values.
    #[test]
    fn a_batch_boundary_changes_nothing(rows in prop::collection::vec(any::<[u8; 8]>(), 1..40), cut in 0_usize..40) {
        let data = rows.concat();
        let table = table("4I", &["TNULL1  = 0"], 8, rows.len(), 0).unwrap();
        let cut = cut.min(rows.len()) * 8;
        let whole = table.decode(&[0], &data, &mut Bytes(&[])).unwrap();
        let parts = [&data[..cut], &data[cut..]].map(|part| table.decode(&[0], part, &mut Bytes(&[])).unwrap());
        let joined = arrow::compute::concat_batches(&whole.schema(), &parts).unwrap();
        prop_assert_eq!(whole.column(0).len(), rows.len());
        prop_assert_eq!(whole, joined);
    }
}
