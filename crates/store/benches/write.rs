//! What writing costs a row, by setting: `cargo bench --profile dev -p store` (the profile that the pipeline is built
//! with).
//!
//! Time is for 131,072 rows of 22 columns, a physical particle event with its scores; the item rate is rows a second.
//! Each setting's bytes a row are printed first.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::{fs::File, sync::Arc};

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    compute::concat_batches,
};
use divan::{Bencher, counter::ItemsCount};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, Encoding, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    schema::types::ColumnPath,
};
use store::{Results, Table, TableWriter, WriterOptions};
use stream::{PartitionBy, ResultFormat};

const ROWS: usize = 131_072;
/// What a worker hands over at once: a batch of 8192 rows, cut over 8 partitions.
const BATCH_ROWS: usize = 1024;

const SETTINGS: [&str; 16] = [
    "no compression",
    "snappy",
    "lz4",
    "zstd 1",
    "zstd 3",
    "dictionaries everywhere, zstd 1",
    "byte stream split, zstd 1",
    "byte stream split, lz4",
    "statistics of chunks, zstd 1",
    "no statistics, zstd 1",
    "floats as they are, zstd 1",
    "byte stream split, no compression",
    "by column",
    "by column, floats lz4",
    "by column, ids with deltas",
    "by column, statistics of chunks",
];

const TABLES: [&str; 4] = ["parquet", "parquet by hour", "csv", "json"];

fn main() {
    let rows = rows();
    for setting in SETTINGS {
        println!("{setting}: {:.1} bytes a row", write(setting, &rows) as f64 / ROWS as f64);
    }
    divan::main();
}

#[divan::bench(args = SETTINGS, sample_count = 10)]
fn setting(bencher: Bencher, setting: &str) {
    let rows = rows();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| write(setting, &rows));
}

#[divan::bench(args = TABLES, sample_count = 10)]
fn table_writer(bencher: Bencher, table: &str) {
    let rows = rows();
    let folder = tempfile::tempdir().unwrap();
    let results = Results::new(folder.path());
    results.create().unwrap();
    let mut options = WriterOptions {
        time: Some("timestamp".to_owned()),
        id: Some("event_id".to_owned()),
        ..WriterOptions::default()
    };
    match table {
        "csv" => options.format = ResultFormat::Csv,
        "json" => options.format = ResultFormat::Json,
        "parquet by hour" => options.partition_by = PartitionBy::Hour,
        _ => {}
    }
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let mut writer = TableWriter::new(&results, Table::ProcessedData, 0, 0, rows.schema(), &options).unwrap();
        for offset in (0..ROWS).step_by(BATCH_ROWS) {
            writer.write(&rows.slice(offset, BATCH_ROWS)).unwrap();
        }
        writer.finish().unwrap()
    });
}

fn write(setting: &str, rows: &RecordBatch) -> usize {
    let file: File = tempfile::tempfile().unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties(setting, rows))).unwrap();
    for offset in (0..ROWS).step_by(8192) {
        writer.write(&rows.slice(offset, 8192)).unwrap();
    }
    writer.finish().unwrap();
    writer.bytes_written()
}

fn properties(setting: &str, rows: &RecordBatch) -> WriterProperties {
    let zstd = |level| Compression::ZSTD(ZstdLevel::try_new(level).unwrap());
    let mut builder = WriterProperties::builder().set_compression(match setting {
        "snappy" => Compression::SNAPPY,
        setting if setting.ends_with("lz4") => Compression::LZ4_RAW,
        setting if setting.ends_with("no compression") => Compression::UNCOMPRESSED,
        "zstd 3" => zstd(3),
        _ => zstd(1),
    });
    builder = match setting {
        setting if setting.contains("statistics of chunks") => builder.set_statistics_enabled(EnabledStatistics::Chunk),
        setting if setting.starts_with("no statistics") => builder.set_statistics_enabled(EnabledStatistics::None),
        _ => builder,
    };
    if setting.starts_with("by column") {
        builder = builder.set_dictionary_page_size_limit(256 << 10);
        for field in rows.schema().fields() {
            let column = ColumnPath::new(vec![field.name().clone()]);
            let data_type = field.data_type();
            if data_type.is_floating() {
                let codec = if setting.ends_with("lz4") { Compression::LZ4_RAW } else { Compression::SNAPPY };
                builder =
                    builder.set_column_dictionary_enabled(column.clone(), false).set_column_compression(column, codec);
            } else if data_type.is_integer() || data_type.is_temporal() {
                builder = builder
                    .set_column_dictionary_enabled(column.clone(), false)
                    .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
            } else if field.name() == "event_id" {
                builder = builder.set_column_dictionary_enabled(column.clone(), false);
                if setting.ends_with("deltas") {
                    builder = builder.set_column_encoding(column, Encoding::DELTA_BYTE_ARRAY);
                }
            }
        }
    } else if !setting.starts_with("dictionaries everywhere") {
        for field in rows.schema().fields() {
            let float = field.data_type().is_floating();
            let column = ColumnPath::new(vec![field.name().clone()]);
            builder = column_properties(builder, setting, column, float || field.data_type().is_temporal(), float);
        }
    }
    builder.build()
}

fn column_properties(
    builder: WriterPropertiesBuilder,
    setting: &str,
    column: ColumnPath,
    many_values: bool,
    float: bool,
) -> WriterPropertiesBuilder {
    let mut builder = builder;
    if many_values {
        builder = builder.set_column_dictionary_enabled(column.clone(), false);
    }
    if float && setting.starts_with("byte stream split") {
        builder = builder.set_column_encoding(column.clone(), Encoding::BYTE_STREAM_SPLIT);
    }
    if float && setting.starts_with("floats as they are") {
        builder = builder.set_column_compression(column, Compression::UNCOMPRESSED);
    }
    builder
}

/// Random numbers, the same each time.
fn random(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    })
}

fn rows() -> RecordBatch {
    let kinds = ["electron", "muon", "pion", "kaon", "proton"];
    let numbers = |seed: u64, scale: f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(random(seed).take(ROWS).map(|value| (value - 0.3) * scale)))
    };
    let scores = |seed: u64| -> ArrayRef {
        let values = random(seed).take(ROWS).enumerate().map(|(row, value)| (row > 4000).then(|| -value.ln()));
        Arc::new(values.collect::<Float64Array>())
    };
    let texts =
        |text: &dyn Fn(usize) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..ROWS).map(text))) };
    let rows = RecordBatch::try_from_iter([
        ("event_id", texts(&|row| format!("evt-{:012}", row * 7))),
        ("event_number", Arc::new(Int64Array::from_iter_values(0..ROWS as i64)) as ArrayRef),
        (
            "timestamp",
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(
                    (0..ROWS as i64).map(|row| 1_735_689_600_000_000 + row * 977),
                )
                .with_timezone("UTC"),
            ) as ArrayRef,
        ),
        ("detector_id", texts(&|row| format!("det-{:04}", row * 31 % 1250))),
        ("particle_type", texts(&|row| kinds[row * 7 % 5].to_owned())),
        ("energy_gev", numbers(1, 1000.0)),
        ("momentum_x", numbers(2, 50.0)),
        ("momentum_y", numbers(3, 50.0)),
        ("momentum_z", numbers(4, 600.0)),
        ("vertex_x", numbers(5, 0.1)),
        ("vertex_y", numbers(6, 0.1)),
        (
            "mass_gev",
            Arc::new(Float64Array::from_iter_values(
                (0..ROWS).map(|row| [0.000511, 0.105658, 0.13957, 0.493677, 0.938272][row * 7 % 5]),
            )),
        ),
        ("charge", Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| row as i64 % 2 * 2 - 1)))),
        ("pt", numbers(7, 80.0)),
        ("eta", numbers(8, 5.0)),
        ("mass_shell_pull", numbers(9, 6.0)),
        ("anomalous", Arc::new((0..ROWS).map(|row| Some(row % 997 == 0)).collect::<BooleanArray>())),
        ("anomaly_score", numbers(10, 0.9)),
        ("score_ewma", scores(11)),
        ("score_mahalanobis", scores(12)),
        ("score_chains", scores(13)),
        (
            "anomaly_reasons",
            Arc::new((0..ROWS).map(|row| (row % 997 == 0).then_some("ewma,mahalanobis")).collect::<StringArray>()),
        ),
    ])
    .unwrap();
    concat_batches(&rows.schema(), [&rows]).unwrap()
}
