//! What is written comes back, whatever the batches; files of other programs are read from any row on; what is damaged is an
//! error.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, DictionaryArray, Float32Array, Float64Array, Int8Array,
        Int16Array, Int32Array, Int64Array, LargeStringArray, ListArray, RecordBatch, StringArray,
        TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
    },
    compute::concat_batches,
    datatypes::{DataType, Field, Float64Type, Int32Type, Schema, SchemaRef},
};
use bytes::Bytes;
use orc::{File, Layout, Writer};
use proptest::prelude::*;

/// Every type that is held, each with nulls, for rows with these numbers.
fn rows(numbers: &[i64]) -> RecordBatch {
    let some = |salt: i64| numbers.iter().map(move |n| ((n + salt) % 3 != 0).then_some(*n));
    // Before and after 1970 and 2015, where ORC counts from; never in the last second before 1970.
    let times =
        |unit: i64| some(3).map(move |n| n.map(|n| (n - 400) * 90_000 * unit + n.rem_euclid(1_000) * (unit / 1_000)));
    let kinds: DictionaryArray<Int32Type> = some(4).map(|n| n.map(|n| ["muon", "electron"][n as usize % 2])).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("yes", Arc::new(some(0).map(|n| n.map(|n| n % 2 == 0)).collect::<BooleanArray>())),
        ("i8", Arc::new(some(1).map(|n| n.map(|n| n as i8)).collect::<Int8Array>())),
        ("i16", Arc::new(some(2).map(|n| n.map(|n| n as i16)).collect::<Int16Array>())),
        ("i32", Arc::new(some(1).map(|n| n.map(|n| (n * 7_919) as i32)).collect::<Int32Array>())),
        ("i64", Arc::new(some(2).map(|n| n.map(|n| n.wrapping_mul(i64::MAX / 3))).collect::<Int64Array>())),
        ("whole", Arc::new(numbers.iter().copied().collect::<Int64Array>())),
        ("f32", Arc::new(some(0).map(|n| n.map(|n| n as f32 / 3.0)).collect::<Float32Array>())),
        ("f64", Arc::new(some(1).map(|n| n.map(|n| (n as f64).sin() * 1e300)).collect::<Float64Array>())),
        ("text", Arc::new(some(2).map(|n| n.map(|n| "ü".repeat(n as usize % 5))).collect::<StringArray>())),
        ("large", Arc::new(some(0).map(|n| n.map(|n| n.to_string())).collect::<LargeStringArray>())),
        ("bytes", Arc::new(some(1).map(|n| n.map(|n| n.to_be_bytes())).collect::<BinaryArray>())),
        ("day", Arc::new(some(2).map(|n| n.map(|n| (n - 9_000) as i32)).collect::<Date32Array>())),
        ("kind", Arc::new(kinds)),
        ("s", Arc::new(some(3).map(|n| n.map(|n| (n - 400) * 86_400)).collect::<TimestampSecondArray>())),
        ("ms", Arc::new(times(1_000).collect::<TimestampMillisecondArray>().with_timezone("+00:00"))),
        ("us", Arc::new(times(1_000_000).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))),
        ("ns", Arc::new(times(1_000_000).map(|t| t.map(|t| t * 1_000 + 1)).collect::<TimestampNanosecondArray>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn written(batches: &[RecordBatch]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let layout = Layout::new(batches[0].schema_ref(), &[]).unwrap();
    let mut writer = Writer::new(&mut bytes, layout).unwrap();
    batches.iter().for_each(|rows| writer.write(rows).unwrap());
    writer.finish().unwrap();
    bytes
}

fn read(bytes: &[u8], schema: &SchemaRef) -> RecordBatch {
    let file = File::open(Bytes::copy_from_slice(bytes), false).unwrap();
    let rows: Vec<RecordBatch> = file.read_as(schema.clone()).collect::<Result<_, _>>().unwrap();
    concat_batches(schema, &rows).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_come_back_however_they_are_cut(count in 1_usize..6_000, cuts in prop::collection::vec(0.0..1.0_f64, 0..6)) {
        let numbers: Vec<i64> = (0..count as i64).collect();
        let whole = rows(&numbers);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| (cut * count as f64) as usize).chain([0, count]).collect();
        cuts.sort_unstable();
        let batches: Vec<RecordBatch> = cuts.windows(2).map(|cut| whole.slice(cut[0], cut[1] - cut[0])).collect();
        prop_assert_eq!(read(&written(&batches), &whole.schema()), whole);
    }

    #[test]
    fn a_file_is_read_from_any_row_on(first in 0_u64..300_000) {
        let file = File::open(stripes(), false).unwrap();
        prop_assert_eq!(file.rows(), 300_000);
        let rows: Vec<RecordBatch> = file.read(|name| name == "whole", first).collect::<Result<_, _>>().unwrap();
        let found = concat_batches(rows[0].schema_ref(), &rows).unwrap();
        let wanted: Int64Array = (first as i64..300_000).collect();
        prop_assert_eq!(found.column(0).as_ref(), &wanted as &dyn arrow::array::Array);
    }

    #[test]
    fn a_damaged_file_is_an_error_or_other_rows(place in 0.0..1.0_f64, byte in 0_u8..=255, cut in prop::option::of(0.0..1.0_f64)) {
        let mut bytes = written(&[rows(&(0..500).collect::<Vec<_>>())]);
        let at = (place * bytes.len() as f64) as usize;
        bytes[at] = byte;
        if let Some(cut) = cut {
            bytes.truncate((cut * bytes.len() as f64) as usize);
        }
        let bytes = Bytes::from(bytes);
        let _ = orc::read_through(|| Ok(bytes.clone()));
    }
}

/// A file of several stripes.
fn stripes() -> Bytes {
    static FILE: std::sync::OnceLock<Bytes> = std::sync::OnceLock::new();
    let make = || {
        let batches = (0..3).map(|part| {
            let numbers: Int64Array = (part * 100_000..(part + 1) * 100_000).collect();
            RecordBatch::try_from_iter([("whole", Arc::new(numbers) as ArrayRef)]).unwrap()
        });
        written(&batches.collect::<Vec<_>>()).into()
    };
    FILE.get_or_init(make).clone()
}

#[test]
fn a_table_with_more_columns_has_nulls_in_an_earlier_file() {
    let bytes = written(&[rows(&[1, 2, 3])]);
    let fields = vec![Field::new("i32", DataType::Int64, true), Field::new("later", DataType::Utf8, true)];
    let found = read(&bytes, &Arc::new(Schema::new(fields)));
    assert_eq!((found.num_rows(), found.column(1).null_count()), (3, 3));
    assert_eq!(
        found.column(0).as_ref(),
        &Int64Array::from(vec![Some(7_919), None, Some(23_757)]) as &dyn arrow::array::Array
    );
}

#[test]
fn what_the_writer_lacks_is_an_error_that_names_the_column() {
    let list: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(1.5), None]), None]));
    let rows = RecordBatch::try_from_iter_with_nullable([("hits", list, true)]).unwrap();
    let error = Layout::new(rows.schema_ref(), &[]).unwrap_err().to_string();
    assert!(error.contains("`hits`") && error.contains("have lists"), "{error}");
    // Unless it is asked for as text.
    let layout = Layout::new(rows.schema_ref(), &["hits"]).unwrap();
    let texts = layout.texts(&rows).unwrap();
    assert_eq!(
        texts.column(0).as_ref(),
        &StringArray::from(vec![Some("[1.5,null]"), None]) as &dyn arrow::array::Array
    );
}

#[test]
fn an_instant_that_orc_cannot_hold_is_an_error() {
    // ORC-763: half a second before 1970 would come back as half a second after it.
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![-500_000]).with_timezone("UTC"));
    let rows = RecordBatch::try_from_iter([("time", times)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, Layout::new(rows.schema_ref(), &[]).unwrap()).unwrap();
    writer.write(&rows).unwrap();
    let error = writer.finish().unwrap_err().to_string();
    assert!(error.contains("-500000"), "{error}");
}

/// `make spark` holds that Spark reads such columns.
#[test]
fn instants_and_no_other_columns_are_marked_for_spark() {
    let bytes = written(&[rows(&[1, 2, 3])]);
    let mark = b"spark.sql.catalyst.type";
    let marks = bytes.windows(mark.len()).filter(|part| part == mark).count();
    // `ms` and `us`; `s` and `ns` have no zone.
    assert_eq!(marks, 2);
}
