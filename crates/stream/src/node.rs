//! A definition as a tree in which every value knows where it stands in the file.

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value as Json};

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Line from 1.
    pub(crate) line: usize,
    /// Column from 1, in characters.
    pub(crate) column: usize,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

/// A value as YAML's core schema resolves it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A field of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// The place of the name.
    pub(crate) at: Position,
    pub(crate) value: Node,
}

impl Node {
    /// The value of a field; `None` where there is none or this is not a mapping.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|entry| &entry.value)
    }

    /// A field; `None` where there is none or this is not a mapping.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.name == name)
    }

    /// The fields; none where this is not a mapping.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entries; none where this is not a list.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text; `None` where this is something else.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// How many nodes this tree has.
    pub(crate) fn size(&self) -> usize {
        let below: usize = match &self.value {
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            _ => 0,
        };
        below + 1
    }

    /// The value as `T` has it; `None` where it does not fit, which the check of the structure has reported.
    pub(crate) fn typed<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.json()).ok()
    }

    /// The value without its places. A float that is a whole number is one, so that `1e6` can be a count.
    pub(crate) fn json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Boolean(value) => Json::Bool(*value),
            Value::Integer(value) => Number::from_i128(*value).map_or(Json::Null, Json::Number),
            Value::Float(value) => match whole(*value) {
                Some(whole) => Json::from(whole),
                None => Number::from_f64(*value).map_or(Json::Null, Json::Number),
            },
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Node::json).collect()),
            Value::Map(entries) => {
                let fields = entries.iter().map(|entry| (entry.name.clone(), entry.value.json()));
                Json::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

/// A float that is a whole number, as one.
pub(crate) fn whole(value: f64) -> Option<i64> {
    const BOUND: f64 = (1_u64 << 63) as f64;
    (value.fract() == 0.0 && value.abs() < BOUND).then_some(value as i64)
}
