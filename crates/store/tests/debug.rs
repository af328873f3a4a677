#![allow(clippy::unwrap_used, missing_docs, dead_code)]
#[path = "store/fixture.rs"]
mod fixture;
use fixture::*;
use std::fs;
#[test]
fn debug_damage() {
    let (_folder, results, manifest) = filled(&options());
    let path = results.path(&manifest.files[1]);
    let good = fs::read(&path).unwrap();
    println!("LEN {}", good.len());
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
    for c in reader.metadata().row_group(0).columns() { println!("{} {:?}", c.column_path(), c.byte_range()); }
    for (a, b) in [(4, 1000), (4, 40), (100, 200), (300, 600)] {
        let mut bytes = good.clone();
        bytes[a..b].fill(0xff);
        fs::write(&path, bytes).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
        println!("{a} {b} READ {:?}", reader.build().unwrap().take(3).map(|r| r.map(|r| r.num_rows())).collect::<Vec<_>>());
        for sql in ["SELECT * FROM processed_data", "SELECT id, timestamp FROM processed_data"] {
            println!("{a} {b} {sql} {:?}", ask(&results, sql).map(|r| r.num_rows()));
        }
    }
    panic!();
}
