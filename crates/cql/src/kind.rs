//! Arrow types as CQL types, so that every value comes back as it was.
//!
//! | Arrow | CQL |
//! |---|---|
//! | Boolean | boolean |
//! | Int8, Int16, Int32, UInt8, UInt16 | int |
//! | Int64, UInt32 | bigint |
//! | Float16, Float32; Float64 | float; double |
//! | Utf8 and its kin, dictionaries of them | text |
//! | Binary and its kin, FixedSizeBinary | blob |
//! | Timestamp in seconds or milliseconds | timestamp |
//! | Timestamp in microseconds or nanoseconds | bigint, since a CQL timestamp knows milliseconds only |
//! | Date32, Time32, Time64 | date, time, time |
//! | Decimal128, Decimal256, UInt64 | decimal |
//! | List, Map, Struct and their kin | text: a JSON object with the value in it |

use arrow::datatypes::{DECIMAL256_MAX_PRECISION, DataType, TimeUnit};

/// What a column is in CQL, and how its values are laid out on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Int,
    BigInt,
    Float,
    Double,
    Text,
    Blob,
    Timestamp,
    Date,
    Time,
    Decimal(i8),
    Json,
}

impl Kind {
    /// The kind of an Arrow type; `None` where CQL has nothing for it.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        use DataType as T;
        Some(match data_type {
            T::Boolean => Self::Boolean,
            T::Int8 | T::Int16 | T::Int32 | T::UInt8 | T::UInt16 => Self::Int,
            T::Int64 | T::UInt32 => Self::BigInt,
            T::UInt64 => Self::Decimal(0),
            T::Float16 | T::Float32 => Self::Float,
            T::Float64 => Self::Double,
            T::Utf8 | T::LargeUtf8 | T::Utf8View => Self::Text,
            T::Dictionary(_, values) => Self::of(values)?,
            T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => Self::Blob,
            T::Timestamp(TimeUnit::Second | TimeUnit::Millisecond, _) => Self::Timestamp,
            T::Timestamp(..) => Self::BigInt,
            T::Date32 => Self::Date,
            T::Time32(_) | T::Time64(_) => Self::Time,
            T::Decimal128(_, scale) | T::Decimal256(_, scale) => Self::Decimal(*scale),
            T::List(_) | T::LargeList(_) | T::FixedSizeList(..) | T::Map(..) | T::Struct(_) => Self::Json,
            _ => return None,
        })
    }

    /// The type's name in CQL.
    pub(crate) fn cql(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::BigInt => "bigint",
            Self::Float => "float",
            Self::Double => "double",
            Self::Text | Self::Json => "text",
            Self::Blob => "blob",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
            Self::Time => "time",
            Self::Decimal(_) => "decimal",
        }
    }

    /// The one Arrow type that values of this kind pass through on their way in and out.
    pub(crate) fn canonical(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Int => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Text | Self::Json => DataType::Utf8,
            Self::Blob => DataType::Binary,
            Self::Timestamp => DataType::Int64,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Nanosecond),
            Self::Decimal(scale) => DataType::Decimal256(DECIMAL256_MAX_PRECISION, scale),
        }
    }

    /// Whether a column of this kind can be part of a primary key here.
    pub(crate) fn can_be_key(self) -> bool {
        matches!(self, Self::Boolean | Self::Int | Self::BigInt | Self::Text | Self::Timestamp | Self::Date)
    }
}
