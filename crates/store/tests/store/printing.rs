//! Every output format, as it is printed.

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use store::{OutputFormat, Printed, QueryOptions, Results, StoreError, TableLimits, print};

use crate::fixture::{filled, options};

const SQL: &str = "SELECT id, timestamp, pt1, tags FROM processed_data ORDER BY timestamp";

fn printed(results: &Results, sql: &str, format: OutputFormat, limits: TableLimits) -> (Vec<u8>, Printed) {
    store::query::block_on(async {
        let session = store::query::open(&[results.root()], &QueryOptions::default()).await.unwrap();
        let mut out = Vec::new();
        let printed = print(session.sql(sql).await.unwrap(), format, limits, &mut out).await.unwrap();
        (out, printed)
    })
    .unwrap()
}

#[test]
fn a_table_ends_where_the_terminal_does() {
    let (_folder, results, _) = filled(&options());
    let limits = TableLimits { rows: 3, letters: 12 };
    let (out, printed) = printed(&results, SQL, OutputFormat::Table, limits);
    let expected = "\
+--------+---------------+---------------------+---------------+
| id     | timestamp     | pt1                 | tags          |
+--------+---------------+---------------------+---------------+
| e,0    | 2024-12-31T2… |                     |               |
| e\"1\"   | 2024-12-31T2… | 0.0998334166…       | [tag \"0\"]     |
| e\"2\"   | 2024-12-31T2… | 0.1986693307…       | [tag \"0\", ta… |
+--------+---------------+---------------------+---------------+
";
    let squeezed = |text: &str| text.replace(['-', ' '], "");
    assert_eq!(squeezed(&String::from_utf8(out).unwrap()), squeezed(expected));
    assert_eq!(printed.rows, 3);
    assert!(printed.note.unwrap().starts_with("the first 3 rows"));
}

#[test]
fn text_and_parquet_hold_every_row() {
    let (_folder, results, _) = filled(&options());
    let (csv, _) = printed(&results, SQL, OutputFormat::Csv, TableLimits::FILE);
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().next(), Some("id,timestamp,pt1,tags"));
    assert_eq!(csv.lines().count(), 301);
    let (json, all) = printed(&results, SQL, OutputFormat::Json, TableLimits::FILE);
    let json = String::from_utf8(json).unwrap();
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(first, serde_json::json!({"id": "e,0", "timestamp": "2024-12-31T22:00:00Z", "pt1": null, "tags": null}));
    assert_eq!((json.lines().count(), all), (300, Printed { rows: 300, note: None }));
    let (parquet, _) = printed(&results, SQL, OutputFormat::Parquet, TableLimits::FILE);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes(parquet)).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 300);
}

fn bytes(parquet: Vec<u8>) -> std::fs::File {
    use std::io::{Seek, Write};
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&parquet).unwrap();
    file.rewind().unwrap();
    file
}

#[test]
fn an_empty_answer_still_has_columns() {
    let (_folder, results, _) = filled(&options());
    let none = "SELECT id, Q1 FROM processed_data WHERE Q1 > 100";
    assert_eq!(printed(&results, none, OutputFormat::Csv, TableLimits::FILE).0, b"id,Q1\n");
    assert_eq!(printed(&results, none, OutputFormat::Json, TableLimits::FILE).0, b"");
    let (table, _) = printed(&results, none, OutputFormat::Table, TableLimits::FILE);
    assert!(String::from_utf8(table).unwrap().contains("| id | Q1 |"));
}

#[test]
fn a_closed_pipe_is_an_error_of_the_output() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (_folder, results, _) = filled(&options());
    for format in [OutputFormat::Table, OutputFormat::Csv, OutputFormat::Json, OutputFormat::Parquet] {
        let failed = store::query::block_on(async {
            let session = store::query::open(&[results.root()], &QueryOptions::default()).await?;
            print(session.sql(SQL).await?, format, TableLimits::FILE, &mut Closed).await
        });
        match failed.unwrap() {
            Err(StoreError::Output(error)) => assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{format:?}"),
            other => panic!("{format:?}: {other:?}"),
        }
    }
}
