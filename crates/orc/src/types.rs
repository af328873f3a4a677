//! The types that an ORC file has for those of Arrow.

use arrow::datatypes::DataType;

/// The zones that are UTC by another name. An ORC file knows instants and no zones.
const UTC: [&str; 4] = ["UTC", "+00:00", "Z", "Etc/UTC"];

/// The type in which a file holds the values of a type, each as it is; `None` where the writer has none.
pub fn held(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::Date32
        | DataType::Timestamp(_, None) => data_type.clone(),
        DataType::Timestamp(unit, Some(zone)) if UTC.contains(&zone.as_ref()) => {
            DataType::Timestamp(*unit, Some(UTC[0].into()))
        }
        // ORC has no enums: it has the texts of their values.
        DataType::Dictionary(_, values) if **values == DataType::Utf8 => DataType::Utf8,
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        _ => return None,
    })
}

/// What helps with a column of a type that the writer lacks.
pub fn help(data_type: &DataType) -> &'static str {
    match data_type {
        other if other.is_nested() => "Parquet and JSON have lists, maps and records",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "Parquet has decimals; in ORC they can be DOUBLE or VARCHAR, by a cast that you choose"
        }
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            "ORC has signed numbers alone: cast it to BIGINT"
        }
        DataType::Timestamp(..) => "ORC has instants in UTC alone: convert it",
        _ => "cast it to a type that ORC has, as VARCHAR or BIGINT",
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, TimeUnit};

    use super::*;

    #[test]
    fn a_type_is_held_as_it_is_or_not_at_all() {
        let instant = |zone: &str| DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
        assert_eq!(held(&instant("+00:00")), Some(instant("UTC")));
        assert_eq!(held(&DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into())), Some(DataType::Utf8));
        for data_type in [DataType::Boolean, DataType::Int64, DataType::Utf8, DataType::Binary, DataType::Date32] {
            assert_eq!(held(&data_type), Some(data_type));
        }
        let list = DataType::List(Field::new_list_field(DataType::Int64, true).into());
        for (data_type, says) in [
            (list, "have lists"),
            (DataType::Decimal128(18, 4), "has decimals"),
            (DataType::UInt64, "BIGINT"),
            (instant("+02:00"), "UTC"),
            (DataType::Time64(TimeUnit::Microsecond), "cast it"),
            (DataType::FixedSizeBinary(16), "cast it"),
        ] {
            assert_eq!(held(&data_type), None, "{data_type}");
            assert!(help(&data_type).contains(says), "{data_type}: {}", help(&data_type));
        }
    }
}
