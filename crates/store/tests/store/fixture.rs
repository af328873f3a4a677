//! Events, and results that hold them.

use std::{path::Path, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
        TimestampMicrosecondArray,
    },
    compute::concat_batches,
    datatypes::SchemaRef,
};
use store::{
    FileEntry, Manifest, QueryOptions, Results, StoreError, Table, TableWriter, WriterOptions, dead_letters_schema,
};
use tempfile::TempDir;

/// 2024-12-31T22:00:00Z.
pub(crate) const BEGIN: i64 = 1_735_682_400_000_000;
pub(crate) const MINUTE: i64 = 60_000_000;

/// Events one a minute from [`BEGIN`] on, beginning with the event of this number.
pub(crate) fn events(first: i64, count: i64) -> RecordBatch {
    let numbers = || first..first + count;
    let mut tags = ListBuilder::new(StringBuilder::new());
    for number in numbers() {
        (0..number % 3).for_each(|tag| tags.values().append_value(format!("tag \"{tag}\"")));
        tags.append(number % 5 != 0);
    }
    let times = TimestampMicrosecondArray::from_iter_values(numbers().map(|number| BEGIN + number * MINUTE));
    let id = |number: i64| if number % 4 == 0 { format!("e,{number}") } else { format!("e\"{number}\"") };
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(StringArray::from_iter_values(numbers().map(id))) as ArrayRef, false),
        ("timestamp", Arc::new(times.with_timezone("+00:00")), false),
        ("Q1", Arc::new(Int64Array::from_iter_values(numbers().map(|number| number % 7 - 3))), false),
        (
            "pt1",
            Arc::new(
                numbers()
                    .map(|number| (number % 6 != 0).then(|| (number as f64 * 0.1).sin()))
                    .collect::<Float64Array>(),
            ),
            true,
        ),
        ("anomalous", Arc::new(numbers().map(|number| Some(number % 10 == 0)).collect::<BooleanArray>()), false),
        ("tags", Arc::new(tags.finish()), true),
    ])
    .unwrap()
}

pub(crate) fn folder() -> (TempDir, Results) {
    let folder = tempfile::tempdir().unwrap();
    let results = Results::new(folder.path().join("out of [a] run%20"));
    results.create().unwrap();
    (folder, results)
}

pub(crate) fn options() -> WriterOptions {
    WriterOptions {
        time: Some("timestamp".to_owned()),
        id: Some("id".to_owned()),
        stream: "muon-pairs".to_owned(),
        fingerprint: "f00d".to_owned(),
        ..WriterOptions::default()
    }
}

pub(crate) fn schemas() -> Vec<(Table, SchemaRef)> {
    let schema = events(0, 0).schema();
    vec![
        (Table::ProcessedData, schema.clone()),
        (Table::Anomalies, schema),
        (Table::DeadLetters, dead_letters_schema()),
    ]
}

/// Writes and publishes rows of a partition that begin at a position.
pub(crate) fn put(
    results: &Results,
    options: &WriterOptions,
    partition: u32,
    first: u64,
    rows: &[RecordBatch],
) -> Vec<FileEntry> {
    let mut writer =
        TableWriter::new(results, Table::ProcessedData, partition, first, rows[0].schema(), options).unwrap();
    for rows in rows {
        writer.write(rows).unwrap();
    }
    let files = writer.finish().unwrap();
    results.publish(&files).unwrap();
    files
}

/// Results with 300 events in three files.
pub(crate) fn filled(options: &WriterOptions) -> (TempDir, Results, Manifest) {
    let (folder, results) = folder();
    let mut manifest = Manifest::new("muon-pairs", "f00d", "id", schemas());
    for (partition, first) in [(0, 0), (1, 0), (0, 200)] {
        let events = events(first as i64 + 100 * i64::from(partition), 100);
        manifest.files.extend(put(&results, options, partition, first, &[events]));
    }
    manifest.position = 300;
    results.publish_manifest(&manifest).unwrap();
    (folder, results, manifest)
}

/// The answer to a query over these folders, as one batch.
pub(crate) fn ask_all<P: AsRef<Path>>(
    folders: &[P],
    sql: &str,
    options: &QueryOptions,
) -> Result<RecordBatch, StoreError> {
    store::query::block_on(async {
        let session = store::query::open(folders, options).await?;
        let mut answer = session.sql(sql).await?;
        let mut batches = Vec::new();
        while let Some(rows) = answer.next().await? {
            batches.push(rows);
        }
        Ok(concat_batches(&answer.schema(), &batches).unwrap())
    })?
}

pub(crate) fn ask(results: &Results, sql: &str) -> Result<RecordBatch, StoreError> {
    ask_all(&[results.root()], sql, &QueryOptions::default())
}

pub(crate) fn complaint(results: &Results, sql: &str) -> String {
    ask(results, sql).unwrap_err().to_string()
}
