//! What a CQL table says of itself: its layout as JSON in the table's comment, so that a query needs no definition.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use sink::Table;

use crate::{
    CqlError,
    layout::{Layout, Order, layout},
};

/// The layout of a comment.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Comment {
    beamline: u32,
    stream: String,
    table: Table,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    order: String,
    identity: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    group: Vec<String>,
    bucket: i64,
    newest_first: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl_seconds: Option<u64>,
    /// Name, Arrow type, whether it can be null.
    columns: Vec<(String, String, bool)>,
}

/// The comment of a table.
pub(crate) fn comment(layout: &Layout) -> String {
    let name = |index: usize| layout.schema.field(index).name().clone();
    let comment = Comment {
        beamline: VERSION,
        stream: layout.stream.clone(),
        table: layout.table,
        key: layout.key.map(name),
        order: name(layout.order.column()),
        identity: layout.identity.iter().copied().map(name).collect(),
        group: layout.group.iter().copied().map(name).collect(),
        bucket: layout.order.width(),
        newest_first: matches!(layout.order, Order::Time { newest_first: true, .. }),
        ttl_seconds: layout.ttl_seconds,
        columns: layout
            .schema
            .fields()
            .iter()
            .map(|field| (field.name().clone(), field.data_type().to_string(), field.is_nullable()))
            .collect(),
    };
    serde_json::json!(comment).to_string()
}

/// The layout that a table's comment has; `None` where the comment is not of this program.
///
/// # Errors
/// Where it is of this program, but cannot be used.
pub(crate) fn layout_of(name: &str, comment: &str) -> Result<Option<Layout>, CqlError> {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(comment) else { return Ok(None) };
    match json["beamline"].as_u64() {
        None => return Ok(None),
        Some(version) if version > u64::from(VERSION) => {
            return Err(layout(name, format!("it has version {version}; use a newer program")));
        }
        Some(_) => {}
    }
    let comment: Comment =
        serde_json::from_value(json).map_err(|error| layout(name, format!("its comment cannot be read: {error}")))?;
    let schema = schema(name, &comment.columns)?;
    let column = |column: &str| {
        schema.index_of(column).map_err(|_| layout(name, format!("its comment names no column `{column}`")))
    };
    let at = column(&comment.order)?;
    let order = match schema.field(at).data_type() {
        data_type if data_type.is_integer() => Order::Position { column: at, bucket: comment.bucket },
        _ => Order::Time { column: at, bucket_millis: comment.bucket, newest_first: comment.newest_first },
    };
    Ok(Some(Layout {
        key: comment.key.as_deref().map(column).transpose()?,
        identity: comment.identity.iter().map(|name| column(name)).collect::<Result<_, _>>()?,
        group: comment.group.iter().map(|name| column(name)).collect::<Result<_, _>>()?,
        stream: comment.stream,
        table: comment.table,
        name: name.to_owned(),
        order,
        ttl_seconds: comment.ttl_seconds,
        schema,
    }))
}

fn schema(name: &str, columns: &[(String, String, bool)]) -> Result<SchemaRef, CqlError> {
    let fields = columns.iter().map(|(column, data_type, nullable)| {
        let data_type: DataType = data_type
            .parse()
            .map_err(|_| layout(name, format!("its comment gives column `{column}` the unknown type {data_type}")))?;
        Ok(Field::new(column, data_type, *nullable))
    });
    Ok(SchemaRef::new(Schema::new(fields.collect::<Result<Vec<_>, CqlError>>()?)))
}
