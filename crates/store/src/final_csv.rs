//! `all_events_final.csv`: every processed event of a run in one file, in order.

use std::path::Path;

use arrow::{array::RecordBatch, error::ArrowError};

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
    let options = QueryOptions { memory_bytes_max: MEMORY_BYTES_MAX, ..QueryOptions::default() };
    let columns: Vec<String> = order_by.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    let order = if columns.is_empty() { String::new() } else { format!(" ORDER BY {}", columns.join(", ")) };
    let sql = format!("SELECT * FROM processed_data{order}");
    let opened = [(results.clone(), manifest.clone())];
    let mut count = 0;
    replace(path, |file| {
        block_on(async {
            let session = open_manifests(&opened, &options).await?;
            let mut answer = session.sql(&sql).await?;
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
