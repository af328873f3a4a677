//! The schema of a file, and what of it columns can hold.
//!
//! A union of numbers becomes the number that holds them all, one of numbers, text and booleans becomes text, and a null
//! among the branches a null. What is left over has no column: other unions, types that contain themselves, records
//! without fields, and nulls.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::{
    CodecError,
    adapt::FIXED_BYTES_MAX,
    avro::{Field, IntLogical, Kind, LongLogical, NullBranch, Record, Site},
    parse, types,
};

/// The schema that a file of Avro has in its header.
#[derive(Debug, Clone)]
pub struct FileSchema {
    writer: Arc<Record>,
    projected: Arc<Record>,
    arrow: SchemaRef,
    left_out: Vec<String>,
}

impl FileSchema {
    /// Parses the schema in a file's header. It may have any union, and types that contain themselves.
    ///
    /// # Errors
    /// [`CodecError::Schema`] where the text is not a schema, or the schema not a record.
    pub fn parse(avro: &str) -> Result<Self, CodecError> {
        let writer = parse::parse_writer(avro)?;
        let mut left_out = Vec::new();
        let fields = fields(&writer, "", &mut left_out);
        let projected = Record { named: writer.named.clone(), fields };
        let arrow = Arc::new(types::schema(&projected));
        Ok(Self { writer: Arc::new(writer), projected: Arc::new(projected), arrow, left_out })
    }

    /// The columns that it has, each with its Avro field in the metadata.
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }

    /// What has no column: the path of each field, and why.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    pub(crate) fn writer(&self) -> &Record {
        &self.writer
    }

    /// The column that a field becomes.
    pub(crate) fn column(&self, name: &str) -> Option<&Field> {
        self.projected.fields.iter().find(|field| field.name == name)
    }
}

fn fields(record: &Record, path: &str, left_out: &mut Vec<String>) -> Vec<Field> {
    let mut kept = Vec::with_capacity(record.fields.len());
    for field in &record.fields {
        let path = if path.is_empty() { field.name.clone() } else { format!("{path}.{}", field.name) };
        if let Some(site) = site(&field.site, &path, left_out) {
            let default = site.null.map(|_| serde_json::Value::Null);
            let (name, doc) = (field.name.clone(), field.doc.clone());
            kept.push(Field { name, aliases: Vec::new(), doc, site, default });
        }
    }
    kept
}

fn site(site: &Site, path: &str, left_out: &mut Vec<String>) -> Option<Site> {
    if let Kind::Union(branches) = &site.kind {
        let has_null = branches.contains(&Kind::Null);
        let others: Vec<&Kind> = branches.iter().filter(|branch| **branch != Kind::Null).collect();
        let kind = match others.as_slice() {
            [only] => kind(only, path, left_out)?,
            several => match common(several) {
                Some(kind) => kind,
                None => {
                    left_out.push(format!("`{path}` ({})", site.kind.label()));
                    return None;
                }
            },
        };
        return Some(Site { kind, null: has_null.then_some(NullBranch::First) });
    }
    // A null comes first, so that it can be the default.
    Some(Site { kind: kind(&site.kind, path, left_out)?, null: site.null.map(|_| NullBranch::First) })
}

fn kind(kind: &Kind, path: &str, left_out: &mut Vec<String>) -> Option<Kind> {
    let mut leave_out = |why: String| left_out.push(format!("`{path}` ({why})"));
    match kind {
        Kind::Record(record) => {
            let fields = fields(record, path, left_out);
            if fields.is_empty() {
                left_out.push(format!("`{path}` (a record without fields)"));
                return None;
            }
            Some(Kind::Record(Record { named: record.named.clone(), fields }))
        }
        Kind::Array(items) => Some(Kind::Array(Box::new(site(items, &format!("{path}[]"), left_out)?))),
        Kind::Map(values) => Some(Kind::Map(Box::new(site(values, &format!("{path}[]"), left_out)?))),
        Kind::Fixed(fixed) if fixed.size > FIXED_BYTES_MAX => {
            leave_out(kind.label());
            None
        }
        Kind::Null => {
            leave_out("always null".into());
            None
        }
        Kind::Union(_) | Kind::Again(_) => {
            leave_out(kind.label());
            None
        }
        plain => Some(plain.clone()),
    }
}

/// The type that holds values of several.
fn common(branches: &[&Kind]) -> Option<Kind> {
    let all = |fits: &dyn Fn(&Kind) -> bool| !branches.is_empty() && branches.iter().all(|branch| fits(branch));
    let is_whole = |kind: &Kind| matches!(kind, Kind::Int(IntLogical::None) | Kind::Long(LongLogical::None));
    let is_number = |kind: &Kind| is_whole(kind) || matches!(kind, Kind::Float | Kind::Double);
    let is_plain = |kind: &Kind| is_number(kind) || matches!(kind, Kind::Boolean | Kind::String { .. } | Kind::Enum(_));
    if all(&is_whole) {
        return Some(Kind::Long(LongLogical::None));
    }
    if all(&is_number) {
        return Some(Kind::Double);
    }
    all(&is_plain).then_some(Kind::String { uuid: false })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_columns_cannot_hold_is_left_out_by_path() {
        let schema = r#"{"type": "record", "name": "a.b.Node", "fields": [
            {"name": "id", "type": ["long", "string"]},
            {"name": "x", "type": ["null", "int", "double"]},
            {"name": "n", "type": ["int", "null", "long"]},
            {"name": "one", "type": ["string"]},
            {"name": "next", "type": ["null", "Node"]},
            {"name": "inner", "type": {"type": "record", "name": "Inner", "fields": [
                {"name": "odd", "type": ["int", {"type": "array", "items": "int"}]},
                {"name": "kept", "type": "int"},
                {"name": "again", "type": {"type": "array", "items": "a.b.Node"}}]}},
            {"name": "nothing", "type": "null"},
            {"name": "empty", "type": {"type": "record", "name": "Empty", "fields": []}}]}"#;
        let schema = FileSchema::parse(schema).unwrap();
        let columns: Vec<String> =
            schema.arrow().fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect();
        let expected = ["id Utf8", "x Float64", "n Int64", "one Utf8", "inner Struct(\"kept\": non-null Int32)"];
        assert_eq!(columns, expected);
        assert_eq!(
            schema.left_out(),
            [
                "`next` (record `a.b.Node` within itself)",
                "`inner.odd` (union of int, array)",
                "`inner.again[]` (record `a.b.Node` within itself)",
                "`nothing` (always null)",
                "`empty` (a record without fields)",
            ]
        );
    }
}
