//! The schema of the raw events, and the columns that identify, partition and date them.

use arrow::datatypes::{DataType, TimeUnit};
use codec::ValueSchema;

use crate::{
    FileReader,
    node::Node,
    report::Report,
    scope::{Scope, type_name},
};

/// Reads the Avro schema; `None` where that is not possible, which is reported.
pub(super) fn read(spec: &Node, files: &dyn FileReader, report: &mut Report<'_>) -> Option<ValueSchema> {
    let node = spec.get("schema")?;
    let path = node.text()?;
    let bytes = match files.read(path) {
        Ok(bytes) => bytes,
        Err(reason) => {
            report.add(node.at, format!("the schema `{path}` cannot be read: {reason}"), None);
            return None;
        }
    };
    let Ok(text) = String::from_utf8(bytes) else {
        report.add(node.at, format!("the schema `{path}` is not text: an Avro schema is JSON in UTF-8"), None);
        return None;
    };
    match ValueSchema::parse(&text) {
        Ok(schema) => Some(schema),
        Err(error) => {
            report.add(node.at, format!("the schema `{path}` cannot be used: {error}"), None);
            None
        }
    }
}

/// The columns that `id`, `key` and `time` name must exist and have fitting types.
pub(super) fn check_roles(spec: &Node, scope: &Scope, report: &mut Report<'_>) {
    for role in ["id", "key", "time"] {
        let Some(node) = spec.get(role) else { continue };
        let Some(field) = scope.column(node, role, report) else { continue };
        let (fits, wanted) = match role {
            "time" => (is_time(field.data_type()), "a timestamp in milliseconds or microseconds, or text in ISO 8601"),
            _ => (is_identity(field.data_type()), "text, a whole number or an enum"),
        };
        if !fits {
            let (name, found) = (field.name(), type_name(field.data_type()));
            let suggestion = (role == "time" && field.data_type().is_integer()).then(|| {
                "where it counts milliseconds or microseconds since 1970, give it \
                 `\"logicalType\": \"timestamp-millis\"` or `\"timestamp-micros\"` in the schema"
                    .to_owned()
            });
            report.add(node.at, format!("{role}: column `{name}` must be {wanted}, but is {found}"), suggestion);
        }
    }
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(TimeUnit::Millisecond | TimeUnit::Microsecond, _) | DataType::Utf8)
}

fn is_identity(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 => true,
        DataType::Dictionary(_, values) => is_identity(values),
        other => other.is_integer(),
    }
}
