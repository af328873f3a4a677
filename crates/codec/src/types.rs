//! Avro types as Arrow types.
//!
//! | Avro | Arrow |
//! |---|---|
//! | null, boolean, int, long, float, double | Null, Boolean, Int32, Int64, Float32, Float64 |
//! | bytes, string | Binary, Utf8 |
//! | string (uuid) | Utf8: the text as it stands in the message, so that SQL compares it with a text |
//! | fixed, fixed (uuid), fixed (duration) | FixedSizeBinary |
//! | decimal on bytes or fixed | Decimal128 up to 38 digits, beyond that Decimal256 |
//! | enum | Dictionary(Int32, Utf8), whose dictionary is all symbols in the schema's order |
//! | int (date), int (time-millis), long (time-micros) | Date32, Time32(ms), Time64(us) |
//! | long (timestamp-millis, -micros, -nanos) | Timestamp in UTC |
//! | long (local-timestamp-...) | Timestamp without a zone |
//! | record, array, map | Struct, List, Map |
//! | a union of null and a type | the type, nullable |

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field as ArrowField, Fields, Schema, TimeUnit};

use crate::{
    avro::{Decimal, Field, FixedLogical, IntLogical, Kind, LongLogical, Record, Site},
    emit,
};

/// The metadata key under which a column keeps its Avro field, as JSON. It stands on top-level fields only, and covers
/// what is nested in them.
pub(crate) const FIELD_METADATA_KEY: &str = "avro.field";

/// The Arrow schema of a record's columns, each with its Avro field in the metadata.
pub(crate) fn schema(record: &Record) -> Schema {
    let column = |field: &Field| {
        let metadata = HashMap::from([(FIELD_METADATA_KEY.to_owned(), emit::field(field).to_string())]);
        arrow_field(&field.name, &field.site).with_metadata(metadata)
    };
    Schema::new(record.fields.iter().map(column).collect::<Vec<_>>())
}

/// The same without metadata.
pub(crate) fn fields(record: &Record) -> Fields {
    record.fields.iter().map(|field| arrow_field(&field.name, &field.site)).collect()
}

fn arrow_field(name: &str, site: &Site) -> ArrowField {
    ArrowField::new(name, data_type(&site.kind), nullable(site))
}

/// Whether the column may hold nulls.
pub(crate) fn nullable(site: &Site) -> bool {
    site.null.is_some() || site.kind == Kind::Null
}

/// The Arrow type of an Avro type.
pub(crate) fn data_type(kind: &Kind) -> DataType {
    let timestamp = |unit, utc: bool| DataType::Timestamp(unit, utc.then(|| "UTC".into()));
    match kind {
        // Only writers have the latter two, and they become no columns.
        Kind::Null | Kind::Union(_) | Kind::Again(_) => DataType::Null,
        Kind::Boolean => DataType::Boolean,
        Kind::Int(IntLogical::None) => DataType::Int32,
        Kind::Int(IntLogical::Date) => DataType::Date32,
        Kind::Int(IntLogical::TimeMillis) => DataType::Time32(TimeUnit::Millisecond),
        Kind::Long(LongLogical::None) => DataType::Int64,
        Kind::Long(LongLogical::TimeMicros) => DataType::Time64(TimeUnit::Microsecond),
        Kind::Long(LongLogical::TimestampMillis(utc)) => timestamp(TimeUnit::Millisecond, *utc),
        Kind::Long(LongLogical::TimestampMicros(utc)) => timestamp(TimeUnit::Microsecond, *utc),
        Kind::Long(LongLogical::TimestampNanos(utc)) => timestamp(TimeUnit::Nanosecond, *utc),
        Kind::Float => DataType::Float32,
        Kind::Double => DataType::Float64,
        Kind::Bytes => DataType::Binary,
        Kind::Decimal(decimal) => decimal_type(*decimal),
        Kind::String { .. } => DataType::Utf8,
        Kind::Fixed(fixed) => match fixed.logical {
            FixedLogical::Decimal(decimal) => decimal_type(decimal),
            // The parser limits the size to far below i32::MAX.
            _ => DataType::FixedSizeBinary(fixed.size as i32),
        },
        Kind::Enum(_) => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        Kind::Record(record) => DataType::Struct(fields(record)),
        Kind::Array(items) => DataType::List(Arc::new(arrow_field("item", items))),
        Kind::Map(values) => {
            DataType::Map(Arc::new(ArrowField::new("entries", DataType::Struct(entries(values)), false)), false)
        }
    }
}

/// The two columns of a map.
pub(crate) fn entries(values: &Site) -> Fields {
    [ArrowField::new("key", DataType::Utf8, false), arrow_field("value", values)].into_iter().collect()
}

fn decimal_type(decimal: Decimal) -> DataType {
    match decimal.precision <= DECIMAL128_MAX_PRECISION {
        true => DataType::Decimal128(decimal.precision, decimal.scale as i8),
        false => DataType::Decimal256(decimal.precision, decimal.scale as i8),
    }
}
