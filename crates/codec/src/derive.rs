//! Arrow schemas as Avro schemas.
//!
//! | Arrow | Avro |
//! |---|---|
//! | Int8, Int16, Int32, UInt8, UInt16 | int |
//! | Int64, UInt32, UInt64 | long; a UInt64 beyond 2^63 - 1 is an error of the encoder |
//! | Float16, Float32; Float64 | float; double |
//! | Utf8, LargeUtf8, Utf8View | string |
//! | Binary, LargeBinary, BinaryView; FixedSizeBinary | bytes; fixed |
//! | Decimal32, -64, -128, -256 with a scale from 0 to the precision | bytes (decimal) |
//! | Date32 | int (date) |
//! | Date64 | long (local-timestamp-millis) |
//! | Time32, Time64(us) | int (time-millis), long (time-micros) |
//! | Timestamp(s or ms, us, ns) | long (timestamp-millis, -micros, -nanos), local where it has no zone |
//! | List, LargeList, ListView, FixedSizeList; Map; Struct | array; map; record |
//! | Dictionary | its values' type |
//! | Time64(ns), Duration, Interval, Union, RunEndEncoded | an error |

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field as ArrowField, Schema, TimeUnit};
use serde_json::Value;

use crate::{
    CodecError,
    avro::{
        Decimal, Enum, Field, Fixed, FixedLogical, IntLogical, Kind, LongLogical, Name, Named, NullBranch, Record, Site,
    },
    emit, names, parse, types,
};

/// The record for rows of an Arrow schema.
pub(crate) fn derive(arrow: &Schema, name: &str, namespace: &str) -> Result<Record, CodecError> {
    let fail = |message: String| CodecError::Schema { message };
    names::check_name(name).and_then(|()| names::check_namespace(namespace)).map_err(fail)?;
    if arrow.fields().is_empty() {
        return Err(fail(format!("record `{name}` has no columns")));
    }
    let mut fields: Vec<Field> = Vec::with_capacity(arrow.fields().len());
    for column in arrow.fields() {
        let path = format!("{name}_{}", column.name());
        let in_context = |reason: String| fail(format!("column `{}`: {reason}", column.name()));
        names::check_name(column.name()).map_err(in_context)?;
        if fields.iter().any(|other| other.name == *column.name()) {
            return Err(fail(format!("two columns are named `{}`", column.name())));
        }
        fields.push(match kept(column, namespace) {
            Some(field) => field,
            None => field(column, &path, namespace).map_err(in_context)?,
        });
    }
    let named = Named { name: Name { namespace: namespace.into(), name: name.into() }, aliases: vec![], doc: None };
    Ok(Record { named, fields })
}

/// The Avro field of a column: the one in its metadata, or what its type says.
pub(crate) fn reader_field(column: &ArrowField) -> Result<Field, String> {
    match kept(column, "") {
        Some(field) => Ok(field),
        None => field(column, column.name(), ""),
    }
}

/// The column with a sentence about it, which its Avro field has as its documentation. A column without an Avro type stays
/// as it is.
#[must_use]
pub fn documented(column: ArrowField, doc: &str) -> ArrowField {
    let Ok(mut field) = field(&column, column.name(), "") else { return column };
    field.doc = Some(doc.to_owned());
    let metadata = HashMap::from([(types::FIELD_METADATA_KEY.to_owned(), emit::field(&field).to_string())]);
    column.with_metadata(metadata)
}

/// The Avro field that a column has kept in its metadata, if it still describes the column.
fn kept(column: &ArrowField, namespace: &str) -> Option<Field> {
    let json: Value = serde_json::from_str(column.metadata().get(types::FIELD_METADATA_KEY)?).ok()?;
    let mut field = parse::parse_field(&json).ok()?;
    if types::data_type(&field.site.kind) != *column.data_type() {
        return None;
    }
    qualify(&mut field.site.kind, namespace);
    column.name().clone_into(&mut field.name);
    if column.is_nullable() && !types::nullable(&field.site) {
        field.site.null = Some(NullBranch::First);
        field.default = Some(Value::Null);
    }
    Some(field)
}

/// A named type without a namespace comes into the record's, because inside a namespace nothing can refer to it.
fn qualify(kind: &mut Kind, namespace: &str) {
    match kind {
        Kind::Record(record) => {
            qualify_name(&mut record.named, namespace);
            record.fields.iter_mut().for_each(|field| qualify(&mut field.site.kind, namespace));
        }
        Kind::Enum(Enum { named, .. }) | Kind::Fixed(Fixed { named, .. }) => qualify_name(named, namespace),
        Kind::Array(site) | Kind::Map(site) => qualify(&mut site.kind, namespace),
        _ => {}
    }
}

fn qualify_name(named: &mut Named, namespace: &str) {
    if named.name.namespace.is_empty() {
        namespace.clone_into(&mut named.name.namespace);
    }
}

/// `path` names the types that a column needs a name for.
pub(crate) fn field(column: &ArrowField, path: &str, namespace: &str) -> Result<Field, String> {
    let site = site(column, path, namespace)?;
    let default = site.null.map(|_| Value::Null);
    Ok(Field { name: column.name().clone(), aliases: vec![], doc: None, site, default })
}

fn site(column: &ArrowField, path: &str, namespace: &str) -> Result<Site, String> {
    let kind = kind(column.data_type(), path, namespace)?;
    let null = (column.is_nullable() && kind != Kind::Null).then_some(NullBranch::First);
    Ok(Site { kind, null })
}

fn kind(data_type: &DataType, path: &str, namespace: &str) -> Result<Kind, String> {
    let named = || Named { name: Name { namespace: namespace.into(), name: path.into() }, aliases: vec![], doc: None };
    Ok(match data_type {
        DataType::Null => Kind::Null,
        DataType::Boolean => Kind::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            Kind::Int(IntLogical::None)
        }
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Kind::Long(LongLogical::None),
        DataType::Float16 | DataType::Float32 => Kind::Float,
        DataType::Float64 => Kind::Double,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::String { uuid: false },
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Kind::Bytes,
        DataType::FixedSizeBinary(size) => match usize::try_from(*size) {
            Ok(size) if size > 0 => Kind::Fixed(Fixed { named: named(), size, logical: FixedLogical::None }),
            _ => return Err("fixed-size binary of no bytes cannot be written as Avro".into()),
        },
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => match u8::try_from(*scale) {
            Ok(scale) if scale <= *precision => Kind::Decimal(Decimal { precision: *precision, scale }),
            _ => {
                return Err(format!(
                    "a decimal's scale must be from 0 to its {precision} digits, found {scale}; cast it"
                ));
            }
        },
        DataType::Date32 => Kind::Int(IntLogical::Date),
        DataType::Date64 => Kind::Long(LongLogical::TimestampMillis(false)),
        DataType::Time32(_) => Kind::Int(IntLogical::TimeMillis),
        DataType::Time64(TimeUnit::Microsecond) => Kind::Long(LongLogical::TimeMicros),
        DataType::Timestamp(unit, zone) => Kind::Long(timestamp(*unit, zone.is_some())),
        DataType::List(items)
        | DataType::LargeList(items)
        | DataType::ListView(items)
        | DataType::LargeListView(items)
        | DataType::FixedSizeList(items, _) => {
            let items = site(items, path, namespace)?;
            if !items.takes_bytes() {
                return Err("a list of nothing but nulls cannot be written as Avro; cast its items to a type".into());
            }
            Kind::Array(Box::new(items))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => Kind::Map(Box::new(map_values(fields, path, namespace)?)),
            other => return Err(format!("a map of {other} cannot be written as Avro")),
        },
        DataType::Struct(children) => {
            Kind::Record(Record { named: named(), fields: nested(children, path, namespace)? })
        }
        DataType::Dictionary(_, values) => kind(values, path, namespace)?,
        other => return Err(format!("{other} cannot be written as Avro; cast it to another type")),
    })
}

fn timestamp(unit: TimeUnit, utc: bool) -> LongLogical {
    match unit {
        TimeUnit::Second | TimeUnit::Millisecond => LongLogical::TimestampMillis(utc),
        TimeUnit::Microsecond => LongLogical::TimestampMicros(utc),
        TimeUnit::Nanosecond => LongLogical::TimestampNanos(utc),
    }
}

fn map_values(entries: &arrow::datatypes::Fields, path: &str, namespace: &str) -> Result<Site, String> {
    match entries[0].data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => site(&entries[1], path, namespace),
        other => Err(format!("a map's keys must be text in Avro, found {other}")),
    }
}

fn nested(children: &arrow::datatypes::Fields, path: &str, namespace: &str) -> Result<Vec<Field>, String> {
    if children.is_empty() {
        return Err("a struct without fields cannot be written as Avro".into());
    }
    children
        .iter()
        .map(|child| {
            names::check_name(child.name())?;
            field(child, &format!("{path}_{}", child.name()), namespace)
        })
        .collect()
}
