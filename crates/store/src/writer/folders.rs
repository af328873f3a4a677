//! Event times, and the folder that each row goes to.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, TimestampMicrosecondArray},
    compute::{CastOptions, can_cast_types, cast_with_options},
    datatypes::{DataType, Schema, TimeUnit, TimestampMicrosecondType},
    temporal_conversions::timestamp_us_to_datetime,
};
use stream::PartitionBy;

use super::part::Place;
use crate::StoreError;

/// The folder of rows without a time, as Hive names it.
const NO_TIME: &str = "__HIVE_DEFAULT_PARTITION__";

const HOUR_MICROS: i64 = 3_600_000_000;

/// Reads event times from rows.
pub(super) struct Times {
    column: Option<usize>,
}

impl Times {
    /// Of the time column of `schema`; a table that has no such column has no times.
    pub(super) fn of(schema: &Schema, place: &Place) -> Result<Self, StoreError> {
        let column = place.options.time.as_ref().and_then(|name| schema.index_of(name).ok());
        if let Some(column) = column {
            let field = schema.field(column);
            let temporal = field.data_type().is_temporal() || field.data_type().is_string();
            if !temporal || !can_cast_types(field.data_type(), &micros(field.data_type())) {
                let message = format!("`{}` is {}, which is not a time", field.name(), field.data_type());
                return Err(place.rejected(message));
            }
        }
        Ok(Self { column })
    }

    /// One time a row; null where it is missing or no time.
    pub(super) fn read(
        &self,
        rows: &RecordBatch,
        place: &Place,
    ) -> Result<Option<TimestampMicrosecondArray>, StoreError> {
        let Some(column) = self.column else { return Ok(None) };
        let column = rows.column(column);
        let options = CastOptions { safe: true, ..CastOptions::default() };
        let times =
            cast_with_options(column, &micros(column.data_type()), &options).map_err(|error| place.failed(&error))?;
        Ok(times.as_primitive_opt::<TimestampMicrosecondType>().cloned())
    }
}

/// What times of this type are read as. One without a zone counts as UTC, and has the same microseconds either way.
fn micros(data_type: &DataType) -> DataType {
    let zone = data_type.is_string() || matches!(data_type, DataType::Timestamp(_, Some(_)));
    DataType::Timestamp(TimeUnit::Microsecond, zone.then(|| "+00:00".into()))
}

/// The folders of `rows` rows with these times, each with its rows; no mask where they are all of them.
pub(super) fn split(
    times: Option<&TimestampMicrosecondArray>,
    rows: usize,
    by: PartitionBy,
) -> Vec<(String, Option<BooleanArray>)> {
    let Some(times) = times else { return vec![(folder(None, by), None)] };
    let span = if by == PartitionBy::Day { 24 * HOUR_MICROS } else { HOUR_MICROS };
    let slot = |row: usize| times.is_valid(row).then(|| times.value(row).div_euclid(span));
    let mut slots: BTreeMap<Option<i64>, BooleanBufferBuilder> = BTreeMap::new();
    for row in 0..rows {
        let mask = slots.entry(slot(row)).or_insert_with(|| {
            let mut mask = BooleanBufferBuilder::new(rows);
            mask.append_n(rows, false);
            mask
        });
        mask.set_bit(row, true);
    }
    let all = slots.len() == 1;
    let named = |(slot, mut mask): (Option<i64>, BooleanBufferBuilder)| {
        let name = folder(slot.map(|slot| slot * span), by);
        (name, (!all).then(|| BooleanArray::new(mask.finish(), None)))
    };
    slots.into_iter().map(named).collect()
}

/// `hour=2025-01-31T13` or `date=2025-01-31`.
fn folder(begin: Option<i64>, by: PartitionBy) -> String {
    let (name, format) = match by {
        PartitionBy::None => return String::new(),
        PartitionBy::Day => ("date", "%Y-%m-%d"),
        PartitionBy::Hour => ("hour", "%Y-%m-%dT%H"),
    };
    let time = begin.and_then(timestamp_us_to_datetime);
    format!("{name}={}", time.map_or_else(|| NO_TIME.to_owned(), |time| time.format(format).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_goes_to_the_folder_of_its_hour() {
        let hour = HOUR_MICROS;
        let times = TimestampMicrosecondArray::from(vec![Some(hour), Some(-1), None, Some(hour + 1), Some(0)]);
        let rows =
            |mask: &Option<BooleanArray>| -> Vec<usize> { mask.as_ref().unwrap().values().set_indices().collect() };
        let split = split(Some(&times), 5, PartitionBy::Hour);
        let found: Vec<(&str, Vec<usize>)> = split.iter().map(|(name, mask)| (name.as_str(), rows(mask))).collect();
        let expected = [
            ("hour=__HIVE_DEFAULT_PARTITION__", vec![2]),
            ("hour=1969-12-31T23", vec![1]),
            ("hour=1970-01-01T00", vec![4]),
            ("hour=1970-01-01T01", vec![0, 3]),
        ];
        assert_eq!(found, expected);
        assert_eq!(super::split(Some(&times.slice(3, 1)), 1, PartitionBy::Day), [("date=1970-01-01".to_owned(), None)]);
        assert_eq!(folder(Some(i64::MAX), PartitionBy::Day), "date=__HIVE_DEFAULT_PARTITION__");
    }
}
