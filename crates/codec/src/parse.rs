//! Avro schemas from JSON, checked for what a stream can have.
//!
//! Follows the Avro 1.12 specification, "Schema Declaration" and "Names". A union is null and one other type, in any
//! order: Arrow's columns have one type and perhaps nulls, and neither SQL nor Parquet can hold a choice of types. A
//! type that contains itself has no columns either. Both are errors that say so.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::{
    CodecError,
    avro::{Enum, Field, Fixed, FixedLogical, IntLogical, Kind, LongLogical, Name, Named, NullBranch, Record, Site},
    decimal, default,
    names::{check_name, check_namespace, doc, texts},
};

/// Types in a schema, each use of a named type counted in full.
const TYPES_MAX: usize = 16_384;
/// Types within types.
const DEPTH_MAX: usize = 32;
/// Bytes of a `fixed`, which a null takes as well.
pub(crate) const FIXED_BYTES_MAX: usize = 4096;

/// Reads a schema that must be a record.
pub(crate) fn parse(text: &str) -> Result<Record, CodecError> {
    let json: Value =
        serde_json::from_str(text).map_err(|error| schema_error(format!("the schema is not JSON: {error}")))?;
    if json.as_object().and_then(|object| object.get("type")).and_then(Value::as_str) != Some("record") {
        return Err(schema_error(
            "the schema must be a record: {\"type\": \"record\", \"name\": ..., \"fields\": [...]}",
        ));
    }
    match Parser::default().site(&json, &Scope::default())?.kind {
        Kind::Record(record) => Ok(record),
        other => Err(schema_error(format!("the schema must be a record, found {}", other.label()))),
    }
}

/// Reads a writer's schema, which may have what columns cannot hold: any union, types that contain themselves, records
/// without fields, defaults that do not fit, and a record at the top without a name, as Polars writes it.
pub(crate) fn parse_writer(text: &str) -> Result<Record, CodecError> {
    let mut json: Value =
        serde_json::from_str(text).map_err(|error| schema_error(format!("the schema is not JSON: {error}")))?;
    if let Some(name) = json.get_mut("name").filter(|name| *name == "") {
        *name = Value::from("Rows");
    }
    match (Parser { any: true, ..Parser::default() }).site(&json, &Scope::default())?.kind {
        Kind::Record(record) => Ok(record),
        other => Err(schema_error(format!("the schema must be a record, found {}", other.label()))),
    }
}

/// Reads a record's field, as `emit` writes it.
pub(crate) fn parse_field(json: &Value) -> Result<Field, CodecError> {
    Parser::default().field(json, 0, &Scope::default())
}

fn schema_error(message: impl Into<String>) -> CodecError {
    CodecError::Schema { message: message.into() }
}

/// Where the parser is.
#[derive(Debug, Clone, Default)]
struct Scope {
    namespace: String,
    /// The fields on the way here, for errors.
    path: Vec<String>,
    depth: usize,
}

impl Scope {
    fn error(&self, message: impl std::fmt::Display) -> CodecError {
        match self.path.is_empty() {
            true => schema_error(message.to_string()),
            false => schema_error(format!("field `{}`: {message}", self.path.join("."))),
        }
    }

    fn deeper(&self) -> Result<Scope, CodecError> {
        if self.depth >= DEPTH_MAX {
            return Err(self.error(format!("types are nested more than {DEPTH_MAX} deep")));
        }
        Ok(Scope { depth: self.depth + 1, ..self.clone() })
    }
}

/// What a name stands for: `None` while its definition is being read.
type Definitions = HashMap<String, Option<Kind>>;

#[derive(Default)]
struct Parser {
    definitions: Definitions,
    types: usize,
    /// Whether what columns cannot hold is kept, and not refused.
    any: bool,
}

impl Parser {
    fn site(&mut self, json: &Value, scope: &Scope) -> Result<Site, CodecError> {
        let Value::Array(branches) = json else { return Ok(Site::required(self.kind(json, scope)?)) };
        let is_null = |branch: &Value| branch == "null" || branch.get("type").is_some_and(|name| name == "null");
        match branches.as_slice() {
            [null, kind] if is_null(null) && !is_null(kind) => {
                Ok(Site { kind: self.kind(kind, scope)?, null: Some(NullBranch::First) })
            }
            [kind, null] if is_null(null) && !is_null(kind) => {
                Ok(Site { kind: self.kind(kind, scope)?, null: Some(NullBranch::Second) })
            }
            branches if self.any => {
                let branches = branches.iter().map(|branch| self.kind(branch, scope)).collect::<Result<_, _>>()?;
                Ok(Site::required(Kind::Union(branches)))
            }
            _ => Err(scope.error(format!(
                "a union must be null and one other type, found {} branches: {json}; split it into several fields",
                branches.len()
            ))),
        }
    }

    fn kind(&mut self, json: &Value, scope: &Scope) -> Result<Kind, CodecError> {
        self.count(1, scope)?;
        let scope = &scope.deeper()?;
        match json {
            Value::String(name) => self.by_name(name, scope),
            Value::Object(object) => match object.get("type") {
                Some(Value::String(name)) => self.complex(name, object, scope),
                // {"type": {"type": "long", ...}}: a type in brackets.
                Some(inner @ Value::Object(_)) => self.kind(inner, scope),
                Some(union @ Value::Array(_)) if self.any => {
                    let site = self.site(union, scope)?;
                    Ok(match site.null {
                        None => site.kind,
                        Some(NullBranch::First) => Kind::Union(vec![Kind::Null, site.kind]),
                        Some(NullBranch::Second) => Kind::Union(vec![site.kind, Kind::Null]),
                    })
                }
                Some(Value::Array(_)) => Err(scope.error("a union cannot stand in a union; write its branches once")),
                _ => Err(scope.error(format!("a type needs a `type`, found {json}"))),
            },
            Value::Array(_) => Err(scope.error("a union cannot stand in a union; write its branches once")),
            _ => Err(scope.error(format!("a type is a name or an object, found {json}"))),
        }
    }

    fn count(&mut self, types: usize, scope: &Scope) -> Result<(), CodecError> {
        self.types += types;
        match self.types > TYPES_MAX {
            true => Err(scope.error(format!("the schema has more than {TYPES_MAX} types"))),
            false => Ok(()),
        }
    }

    fn by_name(&mut self, name: &str, scope: &Scope) -> Result<Kind, CodecError> {
        if let Some(kind) = primitive(name) {
            return Ok(kind);
        }
        let full = match name.contains('.') || scope.namespace.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", scope.namespace),
        };
        // A name without a namespace may also mean a type that has none.
        let definition = self.definitions.get(&full).or_else(|| self.definitions.get(name)).cloned();
        match definition {
            Some(Some(kind)) => {
                self.count(types_in(&kind), scope)?;
                Ok(kind)
            }
            Some(None) if self.any => Ok(Kind::Again(full)),
            Some(None) => Err(scope.error(format!("type `{full}` contains itself, which columns cannot hold"))),
            None => Err(scope.error(format!("unknown type `{name}`"))),
        }
    }

    fn complex(&mut self, name: &str, object: &Map<String, Value>, scope: &Scope) -> Result<Kind, CodecError> {
        let logical = object.get("logicalType").and_then(Value::as_str);
        match (name, logical) {
            ("record", _) => self.record(object, scope),
            ("error", _) if self.any => self.record(object, scope),
            ("error", _) => Err(scope.error("an `error` is for protocols; write `record`")),
            ("enum", _) => self.symbols(object, scope),
            ("fixed", _) => self.fixed(object, logical, scope),
            ("array", _) => {
                let items = object.get("items").ok_or_else(|| scope.error("an array needs `items`"))?;
                let items = self.site(items, scope)?;
                if !items.takes_bytes() {
                    return Err(scope.error("the items of an array must take bytes, and null takes none"));
                }
                Ok(Kind::Array(Box::new(items)))
            }
            ("map", _) => {
                let values = object.get("values").ok_or_else(|| scope.error("a map needs `values`"))?;
                Ok(Kind::Map(Box::new(self.site(values, scope)?)))
            }
            ("bytes", Some("decimal")) if self.any && decimal::attributes(object, None).is_err() => Ok(Kind::Bytes),
            ("bytes", Some("decimal")) => {
                Ok(Kind::Decimal(decimal::attributes(object, None).map_err(|reason| scope.error(reason))?))
            }
            (name, logical) => Ok(with_logical(self.by_name(name, scope)?, logical)),
        }
    }

    fn record(&mut self, object: &Map<String, Value>, scope: &Scope) -> Result<Kind, CodecError> {
        let named = named(object, "record", scope)?;
        self.begin(&named, scope)?;
        let within = Scope { namespace: named.name.namespace.clone(), ..scope.clone() };
        let Some(Value::Array(list)) = object.get("fields") else {
            return Err(scope.error(format!("record `{}` needs a list of `fields`", named.name.full())));
        };
        let mut fields: Vec<Field> = Vec::with_capacity(list.len());
        for (index, json) in list.iter().enumerate() {
            let field = self.field(json, index, &within)?;
            if fields.iter().any(|other| other.name == field.name) {
                return Err(within.error(format!("record `{}` has two fields `{}`", named.name.full(), field.name)));
            }
            fields.push(field);
        }
        if fields.is_empty() && !self.any {
            return Err(scope.error(format!("record `{}` has no fields", named.name.full())));
        }
        Ok(self.end(Kind::Record(Record { named, fields })))
    }

    fn field(&mut self, json: &Value, index: usize, scope: &Scope) -> Result<Field, CodecError> {
        let Some(object) = json.as_object() else {
            return Err(scope.error(format!("field {index} must be an object, found {json}")));
        };
        let Some(name) = object.get("name").and_then(Value::as_str) else {
            return Err(scope.error(format!("field {index} needs a `name`")));
        };
        let mut within = scope.clone();
        within.path.push(name.to_owned());
        check_name(name).map_err(|reason| within.error(reason))?;
        let kind = object.get("type").ok_or_else(|| within.error("a field needs a `type`"))?;
        let site = self.site(kind, &within)?;
        let fits = |value: &&Value| !self.any || default::encode(&site, value).is_ok();
        let default = object.get("default").filter(fits).cloned();
        if let Some(value) = &default {
            default::encode(&site, value)
                .map_err(|reason| within.error(format!("the default does not fit: {reason}")))?;
        }
        let aliases = texts(object, "aliases").map_err(|reason| within.error(reason))?;
        Ok(Field { name: name.to_owned(), aliases, doc: doc(object), site, default })
    }

    fn symbols(&mut self, object: &Map<String, Value>, scope: &Scope) -> Result<Kind, CodecError> {
        let named = named(object, "enum", scope)?;
        self.begin(&named, scope)?;
        let full = named.name.full();
        let symbols = texts(object, "symbols").map_err(|reason| scope.error(reason))?;
        if symbols.is_empty() {
            return Err(scope.error(format!("enum `{full}` needs a list of `symbols`")));
        }
        for (index, symbol) in symbols.iter().enumerate() {
            check_name(symbol).map_err(|reason| scope.error(format!("enum `{full}`: {reason}")))?;
            if symbols[..index].contains(symbol) {
                return Err(scope.error(format!("enum `{full}` has the symbol `{symbol}` twice")));
            }
        }
        let default = object.get("default").and_then(Value::as_str).map(str::to_owned);
        if let Some(symbol) = &default
            && !symbols.contains(symbol)
        {
            return Err(scope.error(format!("the default `{symbol}` of enum `{full}` is none of its symbols")));
        }
        Ok(self.end(Kind::Enum(Enum { named, symbols, default })))
    }

    fn fixed(&mut self, object: &Map<String, Value>, logical: Option<&str>, scope: &Scope) -> Result<Kind, CodecError> {
        let named = named(object, "fixed", scope)?;
        self.begin(&named, scope)?;
        let full = named.name.full();
        let size = object.get("size").and_then(Value::as_u64).unwrap_or_default() as usize;
        if size == 0 || size > FIXED_BYTES_MAX && !self.any {
            return Err(scope.error(format!("fixed `{full}` needs a `size` from 1 to {FIXED_BYTES_MAX}")));
        }
        let logical = match (logical, size) {
            (Some("decimal"), _) if self.any && decimal::attributes(object, Some(size)).is_err() => FixedLogical::None,
            (Some("decimal"), _) => {
                FixedLogical::Decimal(decimal::attributes(object, Some(size)).map_err(|reason| scope.error(reason))?)
            }
            (Some("uuid"), 16) => FixedLogical::Uuid,
            (Some("duration"), 12) => FixedLogical::Duration,
            _ => FixedLogical::None,
        };
        Ok(self.end(Kind::Fixed(Fixed { named, size, logical })))
    }

    fn begin(&mut self, named: &Named, scope: &Scope) -> Result<(), CodecError> {
        match self.definitions.insert(named.name.full(), None) {
            None => Ok(()),
            Some(_) => Err(scope.error(format!("type `{}` is defined twice", named.name.full()))),
        }
    }

    fn end(&mut self, kind: Kind) -> Kind {
        if let Kind::Record(Record { named, .. }) | Kind::Enum(Enum { named, .. }) | Kind::Fixed(Fixed { named, .. }) =
            &kind
        {
            self.definitions.insert(named.name.full(), Some(kind.clone()));
        }
        kind
    }
}

fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int(IntLogical::None),
        "long" => Kind::Long(LongLogical::None),
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String { uuid: false },
        _ => return None,
    })
}

/// A logical type that is not known, or does not go with its type, is passed over, as the specification has it.
fn with_logical(kind: Kind, logical: Option<&str>) -> Kind {
    match (kind, logical) {
        (Kind::Int(_), Some("date")) => Kind::Int(IntLogical::Date),
        (Kind::Int(_), Some("time-millis")) => Kind::Int(IntLogical::TimeMillis),
        (Kind::Long(_), Some("time-micros")) => Kind::Long(LongLogical::TimeMicros),
        (Kind::Long(_), Some("timestamp-millis")) => Kind::Long(LongLogical::TimestampMillis(true)),
        (Kind::Long(_), Some("timestamp-micros")) => Kind::Long(LongLogical::TimestampMicros(true)),
        (Kind::Long(_), Some("timestamp-nanos")) => Kind::Long(LongLogical::TimestampNanos(true)),
        (Kind::Long(_), Some("local-timestamp-millis")) => Kind::Long(LongLogical::TimestampMillis(false)),
        (Kind::Long(_), Some("local-timestamp-micros")) => Kind::Long(LongLogical::TimestampMicros(false)),
        (Kind::Long(_), Some("local-timestamp-nanos")) => Kind::Long(LongLogical::TimestampNanos(false)),
        (Kind::String { .. }, Some("uuid")) => Kind::String { uuid: true },
        (kind, _) => kind,
    }
}

fn types_in(kind: &Kind) -> usize {
    match kind {
        Kind::Record(record) => 1 + record.fields.iter().map(|field| types_in(&field.site.kind)).sum::<usize>(),
        Kind::Array(site) | Kind::Map(site) => 1 + types_in(&site.kind),
        Kind::Union(branches) => 1 + branches.iter().map(types_in).sum::<usize>(),
        _ => 1,
    }
}

fn named(object: &Map<String, Value>, what: &str, scope: &Scope) -> Result<Named, CodecError> {
    let Some(name) = object.get("name").and_then(Value::as_str) else {
        return Err(scope.error(format!("a {what} needs a `name`")));
    };
    // A name with dots is a full name, whatever `namespace` says.
    let name = match (name.rsplit_once('.'), object.get("namespace").and_then(Value::as_str)) {
        (Some((namespace, name)), _) => Name { namespace: namespace.to_owned(), name: name.to_owned() },
        (None, Some(namespace)) => Name { namespace: namespace.to_owned(), name: name.to_owned() },
        (None, None) => Name { namespace: scope.namespace.clone(), name: name.to_owned() },
    };
    check_name(&name.name).and_then(|()| check_namespace(&name.namespace)).map_err(|reason| scope.error(reason))?;
    if primitive(&name.name).is_some() {
        return Err(scope.error(format!("a {what} cannot be named `{}`, which is a type of Avro's own", name.name)));
    }
    let aliases = texts(object, "aliases").map_err(|reason| scope.error(reason))?;
    let aliases = aliases
        .into_iter()
        .map(|alias| match alias.contains('.') {
            true => alias,
            false => Name { namespace: name.namespace.clone(), name: alias }.full(),
        })
        .collect();
    Ok(Named { name, aliases, doc: doc(object) })
}
