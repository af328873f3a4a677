//! What `init` accepts the file source reads: random tables, written in every format, sampled, proposed for, and read back
//! with the proposal, value by value.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
        StructArray, TimestampMicrosecondArray,
    },
    buffer::{NullBuffer, OffsetBuffer},
    compute,
    datatypes::{DataType, Field, Fields, Float64Type, Int64Type},
};
use fixtures::Memory;
use infer::{Content, Sample, infer};
use proptest::prelude::*;
use source::{Next, Options};
use stream::{FileFormat, Stream};

/// A file of the rows.
fn written(format: FileFormat, rows: &RecordBatch) -> Vec<u8> {
    match format {
        FileFormat::Csv => {
            let mut writer = arrow::csv::Writer::new(Vec::new());
            writer.write(rows).unwrap();
            writer.into_inner()
        }
        FileFormat::Jsonl => {
            let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
            writer.write(rows).unwrap();
            writer.finish().unwrap();
            writer.into_inner()
        }
        FileFormat::Json => {
            let mut writer = arrow::json::ArrayWriter::new(Vec::new());
            writer.write(rows).unwrap();
            writer.finish().unwrap();
            writer.into_inner()
        }
        FileFormat::Parquet => {
            let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
            writer.write(rows).unwrap();
            writer.into_inner().unwrap()
        }
        FileFormat::Orc => {
            let mut bytes = Vec::new();
            let layout = orc::Layout::new(rows.schema_ref(), &[]).unwrap();
            let mut writer = orc::Writer::new(&mut bytes, layout).unwrap();
            writer.write(rows).unwrap();
            writer.finish().unwrap();
            bytes
        }
        FileFormat::Avro => {
            let mut writer = arrow_avro::writer::AvroWriter::new(Vec::new(), rows.schema().as_ref().clone()).unwrap();
            writer.write(rows).unwrap();
            writer.finish().unwrap();
            writer.into_inner()
        }
        FileFormat::Arrow => {
            let mut writer = arrow::ipc::writer::StreamWriter::try_new(Vec::new(), &rows.schema()).unwrap();
            writer.write(rows).unwrap();
            writer.finish().unwrap();
            writer.into_inner().unwrap()
        }
        FileFormat::Fits => fits(rows),
    }
}

/// A FITS file of the rows: text of 32 letters, which times are as well; whole numbers of which the least one says that
/// there is none.
fn fits(rows: &RecordBatch) -> Vec<u8> {
    let block = |cards: Vec<String>| -> Vec<u8> {
        let mut bytes: Vec<u8> = cards.iter().flat_map(|card| format!("{card:80}").into_bytes()).collect();
        bytes.extend(format!("{:80}", "END").into_bytes());
        bytes.resize(bytes.len().next_multiple_of(2_880), b' ');
        bytes
    };
    let (mut cards, mut cells) = (Vec::new(), vec![Vec::new(); rows.num_rows()]);
    for (place, (field, column)) in rows.schema().fields().iter().zip(rows.columns()).enumerate() {
        let n = place + 1;
        cards.push(format!("TTYPE{n:<3}= '{}'", field.name()));
        let form = match field.data_type() {
            DataType::Int64 => "K",
            DataType::Float64 => "D",
            DataType::Boolean => "L",
            _ => "32A",
        };
        cards.push(format!("TFORM{n:<3}= '{form}'"));
        if form == "K" {
            cards.push(format!("TNULL{n:<3}= {}", i64::MIN));
        }
        for (row, cell) in cells.iter_mut().enumerate() {
            let is_there = column.is_valid(row);
            match form {
                "K" if is_there => cell.extend(column.as_primitive::<Int64Type>().value(row).to_be_bytes()),
                "K" => cell.extend(i64::MIN.to_be_bytes()),
                "D" if is_there => cell.extend(column.as_primitive::<Float64Type>().value(row).to_be_bytes()),
                "D" => cell.extend(f64::NAN.to_be_bytes()),
                "L" => cell.push(if !is_there {
                    0
                } else if column.as_boolean().value(row) {
                    b'T'
                } else {
                    b'F'
                }),
                _ => {
                    let texts = compute::cast(column, &DataType::Utf8).unwrap();
                    let text = if is_there { texts.as_string::<i32>().value(row) } else { "" };
                    cell.extend(format!("{text:32}").bytes());
                }
            }
        }
    }
    let axes = [cells[0].len(), cells.len()];
    let mut bytes = block(vec!["SIMPLE  =                    T".into(), "BITPIX  = 8".into(), "NAXIS   = 0".into()]);
    let mut table = vec!["XTENSION= 'BINTABLE'".to_owned(), "BITPIX  = 8".into(), "NAXIS   = 2".into()];
    table.extend([format!("NAXIS1  = {}", axes[0]), format!("NAXIS2  = {}", axes[1]), "PCOUNT  = 0".into()]);
    table.extend(["GCOUNT  = 1".into(), format!("TFIELDS = {}", rows.num_columns())]);
    table.extend(cards);
    bytes.extend(block(table));
    bytes.extend(cells.concat());
    bytes.resize(bytes.len().next_multiple_of(2_880), 0);
    bytes
}

/// What the proposal for a file reads in it: the rows, and the reasons of those that are none. `None` where there is no
/// proposal.
fn read_back(format: FileFormat, bytes: &[u8]) -> Option<(RecordBatch, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("rows.{}", format.ending());
    fs::write(folder.path().join(&file), bytes).unwrap();
    let found = source::sample(&folder.path().join(&file), None).unwrap();
    let content = match found.content {
        source::Content::Text(text) => Content::Text(text),
        source::Content::Rows(rows) => Content::Rows(rows),
    };
    assert_eq!(found.format, format);
    let proposal = infer(&Sample {
        name: "rows".to_owned(),
        path: file,
        schema_path: "rows.avsc".to_owned(),
        format,
        content,
        complete: found.complete,
        no_time: true,
        notes: found.notes,
    });
    let proposal = match proposal {
        Ok(proposal) => proposal,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    let files = [("rows.avsc", proposal.avro_schema.as_str())];
    let stream = Stream::load("proposal", &proposal.definition, &Memory(&files)).unwrap();
    let from = stream.definition.spec.source.clone().unwrap();
    let options = Options { base: folder.path().to_owned(), started: 0, log_dir: PathBuf::new(), speed: None };
    let stream = Arc::new(stream);
    let mut source = source::open(&from, &stream, &options).unwrap();
    let (mut batches, mut reasons) = (Vec::new(), Vec::new());
    while let Next::Records(records) = source.next(7).unwrap() {
        batches.push(records.rows);
        reasons.extend(records.rejected.into_iter().map(|rejected| rejected.reason));
    }
    Some((compute::concat_batches(stream.input.arrow(), &batches).unwrap(), reasons))
}

const ROWS: usize = 20;

fn column() -> impl Strategy<Value = ArrayRef> {
    let gaps = || prop::collection::vec(prop::bool::weighted(0.8), ROWS);
    let numbers = prop_oneof![-1e9..1e9, Just(0.5), Just(-3.0)];
    let long = (prop::collection::vec(-1_000_i64..1_000_000, ROWS), gaps())
        .prop_map(|(values, there)| Arc::new(gapped(values, there).collect::<Int64Array>()) as ArrayRef);
    let double = (prop::collection::vec(numbers, ROWS), gaps())
        .prop_map(|(values, there)| Arc::new(gapped(values, there).collect::<Float64Array>()) as ArrayRef);
    let truth = (prop::collection::vec(any::<bool>(), ROWS), gaps())
        .prop_map(|(values, there)| Arc::new(gapped(values, there).collect::<BooleanArray>()) as ArrayRef);
    let text = (prop::collection::vec("[a-z][a-z,;\" #=]{0,8}[a-z]|007|1e3|NA|2025-01-02", ROWS), gaps())
        .prop_map(|(values, there)| Arc::new(gapped(values, there).collect::<StringArray>()) as ArrayRef);
    let time = (prop::collection::vec(0_i64..1_900_000_000_000_000, ROWS), gaps()).prop_map(|(values, there)| {
        let times: TimestampMicrosecondArray = gapped(values, there).collect();
        Arc::new(times.with_timezone("+00:00")) as ArrayRef
    });
    prop_oneof![long, double, truth, text, time]
}

/// Lists of numbers, records, and lists of records: what JSON, Avro, Parquet and Arrow can hold.
fn nested() -> impl Strategy<Value = ArrayRef> {
    let lengths = prop::collection::vec(0_usize..4, ROWS);
    let gaps = prop::collection::vec(prop::bool::weighted(0.8), ROWS);
    (lengths, gaps, prop::collection::vec(-1e6..1e6, 3 * ROWS), 0..3).prop_map(|(lengths, there, numbers, kind)| {
        let count = if kind == 1 { ROWS } else { lengths.iter().sum() };
        let values: ArrayRef = Arc::new(Float64Array::from(numbers[..count].to_vec()));
        let fields: Fields =
            vec![Field::new("a", DataType::Float64, true), Field::new("b", DataType::Utf8, true)].into();
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..count).map(|row| format!("t{row}"))));
        let records = |nulls| StructArray::new(fields.clone(), vec![values.clone(), texts.clone()], nulls);
        let items: ArrayRef = match kind {
            0 => values.clone(),
            1 => return Arc::new(records(Some(NullBuffer::from(there)))) as ArrayRef,
            _ => Arc::new(records(None)),
        };
        let item = Arc::new(Field::new("item", items.data_type().clone(), true));
        // What a missing list would hold is nobody's.
        let there = there.iter().zip(&lengths).map(|(there, length)| *there || *length > 0).collect::<Vec<_>>();
        Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths), items, Some(NullBuffer::from(there))))
    })
}

fn gapped<T>(values: Vec<T>, there: Vec<bool>) -> impl Iterator<Item = Option<T>> {
    values.into_iter().zip(there).map(|(value, there)| there.then_some(value))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_proposed_reads_every_row_of_every_format(
        names in prop::collection::btree_set("[a-z]{1,6}|value|time|id|count", 1..6),
        columns in prop::collection::vec(prop_oneof![4 => column(), 1 => nested()], 6),
    ) {
        let names: BTreeSet<String> = names;
        let named: Vec<(&String, &ArrayRef)> = names.iter().zip(&columns).collect();
        for format in FileFormat::ALL {
            let holds = |column: &ArrayRef| match format {
                // The writer of ORC files has no nested types; those that pyarrow writes are read in the tests of inputs.
                FileFormat::Csv | FileFormat::Fits | FileFormat::Orc => !column.data_type().is_nested(),
                _ => true,
            };
            let columns = named.iter().filter(|(_, column)| holds(column));
            let columns: Vec<(&String, ArrayRef, bool)> = columns.map(|(name, column)| (*name, (*column).clone(), true)).collect();
            if columns.is_empty() {
                continue;
            }
            let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
            let Some((found, reasons)) = read_back(format, &written(format, &rows)) else { continue };
            prop_assert_eq!(reasons, Vec::<String>::new(), "{:?}", format);
            prop_assert_eq!(found.num_rows(), ROWS, "{:?}", format);
            for (field, wanted) in rows.schema().fields().iter().zip(rows.columns()) {
                let Some(column) = found.column_by_name(field.name()) else {
                    prop_assert!(holds_nothing(wanted), "{:?} lacks {}: {:?}", format, field.name(), wanted);
                    continue;
                };
                prop_assert!(is_same(column, wanted), "{} in {:?}: {:?}, and not {:?}", field.name(), format, column, wanted);
            }
        }
    }
}

/// Whether there is nothing in a column by which its type could be told.
fn holds_nothing(column: &ArrayRef) -> bool {
    let is_empty =
        |row| column.is_null(row) || column.as_list_opt::<i32>().is_some_and(|lists| lists.value(row).is_empty());
    (0..column.len()).all(is_empty)
}

/// Whether these are the same values. Another type is a matter of taste where it holds them: a column of text may hold
/// numbers only, and lists call their items as they like.
fn is_same(found: &ArrayRef, wanted: &ArrayRef) -> bool {
    match (found.data_type(), wanted.data_type()) {
        (one, other) if one == other => found == wanted,
        (kind, DataType::Utf8) => compute::cast(wanted, kind).is_ok_and(|wanted| &wanted == found),
        (_, kind) => compute::cast(found, kind).is_ok_and(|found| &found == wanted),
    }
}
