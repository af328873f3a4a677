//! Rows by the hour of their event, in the order of time, as Parquet or ORC.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{Array, AsArray, RecordBatch, TimestampMicrosecondArray, UInt32Array},
    compute::{CastOptions, cast_with_options, take_record_batch},
    datatypes::{DataType, FieldRef, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType},
    temporal_conversions::timestamp_us_to_datetime,
};
use orc::OrcError;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties},
};

use crate::{Format, LakeError};

/// Where rows go that have no time.
pub(crate) const NO_TIME: &str = "__HIVE_DEFAULT_PARTITION__";
const HOUR_MICROS: i64 = 3_600_000_000;
const ROW_GROUP_ROWS: usize = 131_072;
const CREATED_BY: &str = concat!("beamline ", env!("CARGO_PKG_VERSION"));

/// The rows of each hour, in the order of their time; `None` in a table without a time.
pub(crate) fn by_hour(rows: &RecordBatch, time: &str) -> Result<Vec<(Option<String>, RecordBatch)>, LakeError> {
    let Some(times) = times(rows, time)? else { return Ok(vec![(None, rows.clone())]) };
    let mut hours: BTreeMap<Option<i64>, Vec<u32>> = BTreeMap::new();
    for row in 0..times.len() {
        let hour = times.is_valid(row).then(|| times.value(row).div_euclid(HOUR_MICROS));
        hours.entry(hour).or_default().push(row as u32);
    }
    let ordered = hours.into_iter().map(|(hour, mut found)| {
        // The sort keeps the order of rows with the same time.
        found.sort_by_key(|row| times.value(*row as usize));
        let rows = take_record_batch(rows, &UInt32Array::from(found)).map_err(|error| LakeError::rows(time, error))?;
        Ok((Some(name(hour)), rows))
    });
    ordered.collect()
}

/// Times in microseconds; null where a text is none.
fn times(rows: &RecordBatch, time: &str) -> Result<Option<TimestampMicrosecondArray>, LakeError> {
    let Some(values) = rows.column_by_name(time) else { return Ok(None) };
    let zone = match values.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => Some("+00:00".into()),
    };
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let micros = cast_with_options(values, &DataType::Timestamp(TimeUnit::Microsecond, zone), &options);
    let micros = micros.map_err(|error| LakeError::rows(time, error))?;
    Ok(micros.as_primitive_opt::<TimestampMicrosecondType>().cloned())
}

fn name(hour: Option<i64>) -> String {
    let begin = hour.and_then(|hour| timestamp_us_to_datetime(hour * HOUR_MICROS));
    begin.map_or_else(|| NO_TIME.to_owned(), |begin| begin.format("%Y-%m-%dT%H").to_string())
}

/// Rows as the bytes of a file.
pub(crate) fn encoded(rows: &RecordBatch, format: Format) -> Result<Vec<u8>, LakeError> {
    match format {
        Format::Orc => orc(rows),
        Format::Parquet | Format::Delta => parquet(rows),
    }
}

fn orc(rows: &RecordBatch) -> Result<Vec<u8>, LakeError> {
    let failed = |error: OrcError| LakeError::rows("orc", error);
    let mut bytes = Vec::new();
    let layout = orc::Layout::new(rows.schema_ref(), &[]).map_err(failed)?;
    let mut writer = orc::Writer::new(&mut bytes, layout).map_err(failed)?;
    writer.write(rows).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

fn parquet(rows: &RecordBatch) -> Result<Vec<u8>, LakeError> {
    let failed = |error: parquet::errors::ParquetError| LakeError::rows("parquet", error);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties()?)).map_err(failed)?;
    writer.write(rows).map_err(failed)?;
    writer.close().map_err(failed)?;
    Ok(bytes)
}

/// How files are written: compressed with zstd, with statistics for every page.
pub(crate) fn properties() -> Result<WriterProperties, LakeError> {
    let level = ZstdLevel::try_new(1).map_err(|error| LakeError::rows("parquet", error))?;
    Ok(WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .build())
}

/// The same columns without what else a schema carries along; nested ones that the table has as text, as JSON text.
pub(crate) fn plain(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, LakeError> {
    let columns = schema.fields().iter().map(|field| {
        let values = rows.column_by_name(field.name());
        let Some(values) = values else { return Ok(arrow::array::new_null_array(field.data_type(), rows.num_rows())) };
        if values.data_type().is_nested() && *field.data_type() == DataType::Utf8 {
            return orc::json_text(values).map_err(|error| LakeError::rows(field.name(), error));
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(values, field.data_type(), &strict).map_err(|error| LakeError::rows(field.name(), error))
    });
    if let Some(extra) = rows.schema().fields().iter().find(|field| schema.index_of(field.name()).is_err()) {
        return Err(LakeError::rows(extra.name(), "the table has no such column"));
    }
    let columns = columns.collect::<Result<Vec<_>, LakeError>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| LakeError::rows("rows", error))
}

/// Columns, and behind them those that others have beside them, which can be null.
pub(crate) fn with_others(schema: &SchemaRef, others: &Schema) -> SchemaRef {
    let missing = others.fields().iter().filter(|field| schema.index_of(field.name()).is_err());
    let missing: Vec<FieldRef> = missing.map(|field| Arc::new(field.as_ref().clone().with_nullable(true))).collect();
    match missing.is_empty() {
        true => schema.clone(),
        false => Arc::new(Schema::new(schema.fields().iter().cloned().chain(missing).collect::<Vec<_>>())),
    }
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{Int64Array, StringArray},
        datatypes::{Field, Int64Type},
    };

    use super::*;

    #[test]
    fn rows_go_to_their_hours_in_the_order_of_time() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("time", DataType::Utf8, true),
            Field::new("row", DataType::Int64, false),
        ]));
        let times =
            ["2025-01-31T14:00:00", "2025-01-31T13:30:00Z", "2025-01-31T13:10:00", "2025-01-31T15:00:00+02:00", "x"];
        let columns: Vec<arrow::array::ArrayRef> =
            vec![Arc::new(StringArray::from_iter_values(times)), Arc::new(Int64Array::from_iter_values(0..5))];
        let rows = RecordBatch::try_new(schema, columns).unwrap();
        let hours = by_hour(&rows, "time").unwrap();
        let found: Vec<(&str, Vec<i64>)> = hours
            .iter()
            .map(|(hour, rows)| {
                (hour.as_deref().unwrap(), rows.column(1).as_primitive::<Int64Type>().values().to_vec())
            })
            .collect();
        let expected = [(NO_TIME, vec![4]), ("2025-01-31T13", vec![3, 2, 1]), ("2025-01-31T14", vec![0])];
        assert_eq!(found, expected);
        assert_eq!(by_hour(&rows, "other").unwrap(), [(None, rows)]);
    }
}
