//! How an event is made of a message that another program wrote: which columns are read from its value, and which are
//! SQL over them and over the message itself (`$key`, `$headers['name']`, `$timestamp`, `$topic`, `$partition`,
//! `$offset`).

use std::{collections::BTreeSet, sync::Arc};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use codec::{FileSchema, ValueSchema};
use expr::{ExprError, Expression};
use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use crate::suggestion::suggest;

/// What SQL can say of the message itself, but for its headers.
const PARTS: [&str; 6] = ["$key", "$headers", "$timestamp", "$topic", "$partition", "$offset"];

/// How events are made of messages.
#[derive(Debug, Clone)]
pub struct Messages {
    /// The columns that are read from a message's value.
    pub read: SchemaRef,
    /// What of the message itself the derived columns use, in the order in which they see it behind `read`.
    pub parts: Vec<MessagePart>,
    /// The derived columns of the stream, each over `read` and `parts`.
    pub derived: Vec<(String, Expression)>,
    /// The schema that the definition names for the messages.
    pub schema: Option<FileSchema>,
    /// The names of all columns of a message, where the definition names them.
    pub columns: Vec<String>,
}

/// Something of a message that is not its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessagePart {
    /// The key, as text.
    Key,
    /// The time that its producer or broker gave it.
    Timestamp,
    /// The topic it is in.
    Topic,
    /// The partition.
    Partition,
    /// The offset.
    Offset,
    /// The last header of this name, as text.
    Header(String),
}

impl MessagePart {
    /// Its column, as derived columns see it.
    pub fn field(&self) -> Field {
        let (name, data_type, nullable) = match self {
            Self::Key => ("$key".to_owned(), DataType::Utf8, true),
            Self::Timestamp => {
                ("$timestamp".to_owned(), DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), true)
            }
            Self::Topic => ("$topic".to_owned(), DataType::Utf8, false),
            Self::Partition => ("$partition".to_owned(), DataType::Int32, false),
            Self::Offset => ("$offset".to_owned(), DataType::Int64, false),
            Self::Header(name) => (format!("$headers['{name}']"), DataType::Utf8, true),
        };
        Field::new(name, data_type, nullable)
    }

    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "$key" => Self::Key,
            "$timestamp" => Self::Timestamp,
            "$topic" => Self::Topic,
            "$partition" => Self::Partition,
            "$offset" => Self::Offset,
            _ => return None,
        })
    }
}

/// What is wrong with a derived column.
pub(crate) enum Wrong {
    /// The SQL itself, as the message and a suggestion say.
    Sql(String, Option<String>),
    /// A column of the schema that no message has.
    Missing(String),
}

/// What a message is known to have besides the stream's own columns.
pub(crate) struct Known {
    /// Its columns in order, with the types that they have in the messages.
    pub(crate) fields: Vec<FieldRef>,
    /// Whether these are all.
    pub(crate) all: bool,
}

/// The columns that derived ones are made of, what of them comes from the message itself, and the derived columns.
pub(crate) type Planned = (SchemaRef, Vec<MessagePart>, Vec<(String, Expression)>);

/// Plans how events of `input` are made. Gives what is wrong by the name of the column it is about.
pub(crate) fn plan(
    input: &Schema,
    known: &Known,
    derive: &IndexMap<String, String>,
) -> Result<Planned, Vec<(String, Wrong)>> {
    let mut wrong = Vec::new();
    let mut rewritten = IndexMap::new();
    let mut parts = BTreeSet::new();
    for (name, sql) in derive {
        match with_parts(sql) {
            Ok((sql, found)) => {
                parts.extend(found);
                rewritten.insert(name.clone(), sql);
            }
            Err((message, suggestion)) => wrong.push((name.clone(), Wrong::Sql(message, suggestion))),
        }
    }
    let parts: Vec<MessagePart> = parts.into_iter().collect();
    let mut fields = Vec::new();
    for field in input.fields().iter().filter(|field| !derive.contains_key(field.name())) {
        let is_known = known.fields.iter().any(|other| other.name() == field.name());
        if known.all && !is_known && !field.is_nullable() {
            wrong.push((field.name().clone(), Wrong::Missing(field.name().clone())));
        }
        fields.push(field.clone());
    }
    let own = fields.len();
    for field in &known.fields {
        if !fields.iter().any(|other| other.name() == field.name()) {
            fields.push(field.clone());
        }
    }
    let compile = |sql: &str, fields: &[FieldRef]| Expression::compile(sql, &with_fields_of(fields, &parts));
    let mut used = BTreeSet::new();
    for (name, sql) in &rewritten {
        match compile(sql, &fields) {
            Ok(expression) => used.extend(expression.columns().iter().cloned()),
            Err(error) => wrong.push((name.clone(), sql_error(&error))),
        }
    }
    let mut index = 0;
    fields.retain(|field| {
        index += 1;
        index <= own || used.contains(field.name())
    });
    let mut derived = Vec::with_capacity(rewritten.len());
    for (name, sql) in &rewritten {
        match compile(sql, &fields) {
            Ok(expression) => derived.push((name.clone(), expression)),
            // Reported above, against all columns.
            Err(_) if !wrong.is_empty() => {}
            Err(error) => wrong.push((name.clone(), sql_error(&error))),
        }
    }
    if wrong.is_empty() { Ok((Arc::new(Schema::new(fields)), parts, derived)) } else { Err(wrong) }
}

fn with_fields_of(fields: &[FieldRef], parts: &[MessagePart]) -> Schema {
    let parts = parts.iter().map(|part| Arc::new(part.field()));
    Schema::new(fields.iter().cloned().chain(parts).collect::<Vec<_>>())
}

fn sql_error(error: &ExprError) -> Wrong {
    Wrong::Sql(error.to_string(), error.suggestion().map(str::to_owned))
}

/// The columns that a definition types, each a name and an Avro type.
///
/// # Errors
/// The name, and what is wrong with its type.
pub(crate) fn typed(columns: &IndexMap<String, Json>) -> Result<Vec<FieldRef>, Vec<(String, String)>> {
    let (mut fields, mut wrong) = (Vec::with_capacity(columns.len()), Vec::new());
    for (name, avro) in columns {
        let record = json!({ "type": "record", "name": "Message", "fields": [{ "name": "column", "type": avro }] });
        match ValueSchema::parse(&record.to_string()) {
            Ok(schema) => {
                let field = schema.arrow().field(0).as_ref().clone();
                fields.push(Arc::new(field.with_name(name).with_nullable(true).with_metadata(Default::default())));
            }
            Err(error) => wrong.push((name.clone(), error.to_string())),
        }
    }
    if wrong.is_empty() { Ok(fields) } else { Err(wrong) }
}

/// SQL with each part of the message as a quoted name, and which parts there are.
fn with_parts(sql: &str) -> Result<(String, Vec<MessagePart>), (String, Option<String>)> {
    let (mut text, mut parts) = (String::with_capacity(sql.len()), Vec::new());
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '\'', '"']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(quote @ ('\'' | '"')) = rest.chars().next() {
            // A doubled quote ends one text and begins the next, which comes to the same.
            let end = rest[1..].find(quote).map_or(rest.len(), |end| end + 2);
            text.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let end = rest[1..].find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let (word, behind) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
        let part = match word {
            "$headers" => {
                let (name, behind) = header(behind).ok_or_else(|| {
                    let suggestion = "a header is written `$headers['name']`".to_owned();
                    ("`$headers` is not followed by a name".to_owned(), Some(suggestion))
                })?;
                rest = behind;
                MessagePart::Header(name)
            }
            word => {
                rest = behind;
                MessagePart::named(word)
                    .ok_or_else(|| (format!("a message has no `{word}`"), Some(suggest(word, PARTS))))?
            }
        };
        text.push('"');
        text.push_str(&part.field().name().replace('"', "\"\""));
        text.push('"');
        parts.push(part);
    }
    text.push_str(rest);
    Ok((text, parts))
}

/// The name in `['name']`, and what follows.
fn header(text: &str) -> Option<(String, &str)> {
    let inner = text.trim_start().strip_prefix('[')?.trim_start().strip_prefix('\'')?;
    let (name, behind) = inner.split_once('\'')?;
    let behind = behind.trim_start().strip_prefix(']')?;
    (!name.is_empty()).then(|| (name.to_owned(), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_message_are_found_outside_of_texts() {
        let (sql, parts) = with_parts("concat($topic, '-$key', \"$x\", $headers[ 'run \"7' ], $offset)").unwrap();
        assert_eq!(sql, "concat(\"$topic\", '-$key', \"$x\", \"$headers['run \"\"7']\", \"$offset\")");
        assert_eq!(parts, [MessagePart::Topic, MessagePart::Header("run \"7".into()), MessagePart::Offset]);
        assert_eq!(with_parts("$offest").unwrap_err().1.as_deref(), Some("did you mean `$offset`?"));
        assert!(with_parts("$headers.run").unwrap_err().0.contains("followed by a name"));
    }

    #[test]
    fn derived_columns_see_the_value_and_the_message() {
        let input = Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("x", DataType::Float64, true),
            Field::new("t", DataType::Utf8, false),
        ]);
        let columns = IndexMap::from([("when".to_owned(), json!("string")), ("unused".to_owned(), json!("long"))]);
        let derive = IndexMap::from([
            ("id".to_owned(), "concat($topic, $headers['a'], CAST($offset AS VARCHAR))".to_owned()),
            ("t".to_owned(), "upper(when)".to_owned()),
        ]);
        let known = Known { fields: typed(&columns).unwrap(), all: false };
        let (read, parts, derived) = plan(&input, &known, &derive).map_err(|_| "wrong").unwrap();
        let names: Vec<&str> = read.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!((names, parts.len(), derived.len()), (vec!["x", "when"], 3, 2));
        let known = Known { all: true, ..known };
        let Err(wrong) = plan(&input, &known, &IndexMap::new()) else { panic!("two columns are missing") };
        assert_eq!(wrong.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["id", "t"]);
    }
}
