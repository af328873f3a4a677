//! The years that a time may lie in.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        DataType, Date32Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType,
    },
};

/// The years 0 to 9999 in days since 1970, the end excluded.
const CALENDAR_DAYS: std::ops::Range<i64> = -719_528..2_932_897;

/// The rows of a column of times or dates that lie beyond the years 0 to 9999. No text holds such a moment, and a number
/// that is too large for the column becomes one.
pub fn beyond_calendar(column: &ArrayRef) -> Vec<usize> {
    const DAY: i64 = 86_400;
    let beyond = |values: &[i64], day: i64| {
        let range = CALENDAR_DAYS.start.saturating_mul(day)..CALENDAR_DAYS.end.saturating_mul(day);
        if values.iter().all(|value| range.contains(value)) {
            return Vec::new();
        }
        (0..values.len()).filter(|row| !range.contains(&values[*row]) && column.is_valid(*row)).collect()
    };
    match column.data_type() {
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().values();
            beyond(&days.iter().map(|day| i64::from(*day)).collect::<Vec<_>>(), 1)
        }
        DataType::Timestamp(TimeUnit::Second, _) => beyond(column.as_primitive::<TimestampSecondType>().values(), DAY),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            beyond(column.as_primitive::<TimestampMillisecondType>().values(), DAY * 1_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            beyond(column.as_primitive::<TimestampMicrosecondType>().values(), DAY * 1_000_000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            beyond(column.as_primitive::<TimestampNanosecondType>().values(), DAY * 1_000_000_000)
        }
        _ => Vec::new(),
    }
}

/// Why such a row is rejected.
pub fn beyond_calendar_reason(column: &str) -> String {
    format!("column `{column}`: the time is not within the years 0 to 9999")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_beyond_the_calendar_are_found() {
        let last = 253_402_300_799_999_999;
        let first = -62_167_219_200_000_000;
        let times =
            vec![Some(first), Some(first - 1), Some(last), Some(last + 1), None, Some(i64::MAX), Some(i64::MIN)];
        let column: ArrayRef = std::sync::Arc::new(arrow::array::TimestampMicrosecondArray::from(times));
        assert_eq!(beyond_calendar(&column), [1, 3, 5, 6]);
        let nanos: ArrayRef = std::sync::Arc::new(arrow::array::TimestampNanosecondArray::from(vec![i64::MAX, 0]));
        assert_eq!(beyond_calendar(&nanos), [0]);
        let days: ArrayRef = std::sync::Arc::new(arrow::array::Date32Array::from(vec![2_932_896, 2_932_897, i32::MIN]));
        assert_eq!(beyond_calendar(&days), [1, 2]);
    }
}
