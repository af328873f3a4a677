//! What a run writes at its end for a spreadsheet: `all_events_final.csv` with every processed event, and a file for each
//! aggregate.

use std::path::Path;

use arrow::{array::RecordBatch, error::ArrowError};
use stream::columns;

use crate::{
    Manifest, Results, StoreError,
    durable::replace,
    query::{QueryOptions, block_on, open_manifests},
    writer::CsvFile,
};

/// Bytes of memory for the sort; beyond it goes to disk.
const MEMORY_BYTES_MAX: usize = 512 << 20;

/// Writes all processed data to one CSV file in the order of `order_by` (the time and the id, which make it complete),
/// whole or not at all, and gives the number of rows. Blocks; not to be called from within an asynchronous runtime.
///
/// # Errors
/// `Query` where a column of `order_by` is none, `DiskFull` or `File` where the file cannot be written, `Damaged`
/// where a result file cannot be read.
pub fn final_csv(results: &Results, manifest: &Manifest, order_by: &[&str], path: &Path) -> Result<u64, StoreError> {
    let columns = quoted(order_by.iter().copied());
    let order = if columns.is_empty() { String::new() } else { format!(" ORDER BY {columns}") };
    write_csv(results, manifest, &format!("SELECT * FROM processed_data{order}"), path)
}

/// Writes the results of one aggregate to a CSV file in the order of its windows and groups, whole or not at all, and
/// gives the number of rows. Blocks; not to be called from within an asynchronous runtime.
///
/// # Errors
/// As [`final_csv`].
pub fn aggregate_csv(
    results: &Results,
    manifest: &Manifest,
    aggregate: &str,
    group_by: &[String],
    path: &Path,
) -> Result<u64, StoreError> {
    let listed = manifest.aggregates.get(aggregate).map(Vec::as_slice).unwrap_or_default();
    let own = [columns::WINDOW_START, columns::WINDOW_END].into_iter();
    let selected = quoted(own.clone().chain(listed.iter().map(String::as_str)).chain([columns::FINAL]));
    let order = quoted(own.chain(group_by.iter().map(String::as_str)));
    let sql = format!("SELECT {selected} FROM aggregates WHERE aggregate = '{aggregate}' ORDER BY {order}");
    write_csv(results, manifest, &sql, path)
}

/// Names as SQL has them, separated by commas.
fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    names.join(", ")
}

fn write_csv(results: &Results, manifest: &Manifest, sql: &str, path: &Path) -> Result<u64, StoreError> {
    let options = QueryOptions { memory_bytes_max: MEMORY_BYTES_MAX, ..QueryOptions::default() };
    let opened = [(results.clone(), manifest.clone())];
    let mut count = 0;
    replace(path, |file| {
        block_on(async {
            let session = open_manifests(&opened, &options).await?;
            let mut answer = session.sql(sql).await?;
            let failed = |error: &ArrowError| StoreError::writing(path, error);
            let schema = answer.schema();
            let mut csv = CsvFile::new(&*file, &schema);
            csv.write_rows(&RecordBatch::new_empty(schema)).map_err(|error| failed(&error))?;
            while let Some(rows) = answer.next().await? {
                csv.write_rows(&rows).map_err(|error| failed(&error))?;
                count += rows.num_rows() as u64;
            }
            Ok(())
        })?
    })?;
    Ok(count)
}
