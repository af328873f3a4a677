//! What `apache-avro` has read of a schema, as types that become columns.
//!
//! A union is null and one other type, in any order: Arrow's columns have one type and perhaps nulls, and neither SQL nor
//! Parquet can hold a choice of types. A type that contains itself has no columns either. Both are errors that say so,
//! but in a writer's schema, whose fields need not all be read.

use std::collections::HashMap;

use apache_avro::{
    Schema,
    schema::{
        Aliases, DecimalSchema, EnumSchema, FixedSchema, InnerDecimalSchema, RecordField, RecordSchema, UuidSchema,
    },
};

use crate::{
    CodecError,
    avro::{Enum, Field, Fixed, FixedLogical, IntLogical, Kind, LongLogical, Name, Named, NullBranch, Record, Site},
    decimal, default, place, precheck,
};

/// Types in a schema, each use of a named type counted in full.
const TYPES_MAX: usize = 16_384;
/// Types within types.
const DEPTH_MAX: usize = 32;
/// Bytes of a `fixed`, which a null takes as well.
pub(crate) const FIXED_BYTES_MAX: usize = 4096;

/// What a name cannot be, for it would stand for these.
const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// Takes a schema over, and knows the types that it has met.
pub(crate) struct Adapter {
    /// What a name stands for: `None` while its definition is being taken over.
    definitions: HashMap<String, Option<Kind>>,
    types: usize,
    depth: usize,
    /// The fields on the way here, for errors.
    path: Vec<String>,
    /// Whether what columns cannot hold is kept, and not refused.
    any: bool,
}

impl Adapter {
    pub(crate) fn new(any: bool) -> Self {
        Self { definitions: HashMap::new(), types: 0, depth: 0, path: Vec::new(), any }
    }

    fn error(&self, message: impl std::fmt::Display) -> CodecError {
        place::error(&self.path, message)
    }

    fn site(&mut self, schema: &Schema) -> Result<Site, CodecError> {
        let Schema::Union(union) = schema else { return Ok(Site::required(self.kind(schema)?)) };
        match union.variants() {
            [Schema::Null, kind] => Ok(Site { kind: self.kind(kind)?, null: Some(NullBranch::First) }),
            [kind, Schema::Null] => Ok(Site { kind: self.kind(kind)?, null: Some(NullBranch::Second) }),
            branches if self.any => {
                let branches = branches.iter().map(|branch| self.kind(branch)).collect::<Result<_, _>>()?;
                Ok(Site::required(Kind::Union(branches)))
            }
            branches => {
                let found = serde_json::to_string(schema).unwrap_or_default();
                let count = branches.len();
                Err(self.error(format!(
                    "a union must be null and one other type, found {count} branches: {found}; \
                     split it into several fields"
                )))
            }
        }
    }

    /// A type, which is not a union unless it is a writer's.
    pub(crate) fn kind(&mut self, schema: &Schema) -> Result<Kind, CodecError> {
        self.count(1)?;
        if self.depth >= DEPTH_MAX {
            return Err(self.error(format!("types are nested more than {DEPTH_MAX} deep")));
        }
        self.depth += 1;
        let kind = self.unlimited(schema);
        self.depth -= 1;
        kind
    }

    fn count(&mut self, types: usize) -> Result<(), CodecError> {
        self.types += types;
        match self.types > TYPES_MAX {
            true => Err(self.error(format!("the schema has more than {TYPES_MAX} types"))),
            false => Ok(()),
        }
    }

    fn unlimited(&mut self, schema: &Schema) -> Result<Kind, CodecError> {
        Ok(match schema {
            Schema::Null => Kind::Null,
            Schema::Boolean => Kind::Boolean,
            Schema::Int => Kind::Int(IntLogical::None),
            Schema::Date => Kind::Int(IntLogical::Date),
            Schema::TimeMillis => Kind::Int(IntLogical::TimeMillis),
            Schema::Long => Kind::Long(LongLogical::None),
            Schema::TimeMicros => Kind::Long(LongLogical::TimeMicros),
            Schema::TimestampMillis => Kind::Long(LongLogical::TimestampMillis(true)),
            Schema::TimestampMicros => Kind::Long(LongLogical::TimestampMicros(true)),
            Schema::TimestampNanos => Kind::Long(LongLogical::TimestampNanos(true)),
            Schema::LocalTimestampMillis => Kind::Long(LongLogical::TimestampMillis(false)),
            Schema::LocalTimestampMicros => Kind::Long(LongLogical::TimestampMicros(false)),
            Schema::LocalTimestampNanos => Kind::Long(LongLogical::TimestampNanos(false)),
            Schema::Float => Kind::Float,
            Schema::Double => Kind::Double,
            Schema::String => Kind::String { uuid: false },
            Schema::Uuid(UuidSchema::String) => Kind::String { uuid: true },
            // The specification has neither: they are bytes.
            Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => Kind::Bytes,
            Schema::Decimal(DecimalSchema { precision, scale, inner: InnerDecimalSchema::Bytes }) => {
                // `precheck` has refused what no column can hold, but in a writer's schema, where it stays bytes.
                decimal::checked(*precision as u64, *scale as u64, None).map_or(Kind::Bytes, Kind::Decimal)
            }
            Schema::Decimal(DecimalSchema { precision, scale, inner: InnerDecimalSchema::Fixed(fixed) }) => {
                let decimal = decimal::checked(*precision as u64, *scale as u64, Some(fixed.size));
                self.fixed(fixed, decimal.map_or(FixedLogical::None, FixedLogical::Decimal))?
            }
            Schema::Fixed(fixed) => self.fixed(fixed, FixedLogical::None)?,
            Schema::Uuid(UuidSchema::Fixed(fixed)) => self.fixed(fixed, FixedLogical::Uuid)?,
            Schema::Duration(fixed) => self.fixed(fixed, FixedLogical::Duration)?,
            Schema::Enum(symbols) => self.symbols(symbols)?,
            Schema::Record(record) => self.record(record)?,
            Schema::Array(array) => {
                let items = self.site(&array.items)?;
                if !items.takes_bytes() {
                    return Err(self.error("the items of an array must take bytes, and null takes none"));
                }
                Kind::Array(Box::new(items))
            }
            Schema::Map(map) => Kind::Map(Box::new(self.site(&map.types)?)),
            Schema::Union(_) => {
                let site = self.site(schema)?;
                match site.null {
                    None => site.kind,
                    Some(NullBranch::First) => Kind::Union(vec![Kind::Null, site.kind]),
                    Some(NullBranch::Second) => Kind::Union(vec![site.kind, Kind::Null]),
                }
            }
            Schema::Ref { name } => self.known(&name.fullname(None))?,
        })
    }

    fn known(&mut self, full: &str) -> Result<Kind, CodecError> {
        match self.definitions.get(full).cloned() {
            Some(Some(kind)) => {
                self.count(types_in(&kind))?;
                Ok(kind)
            }
            Some(None) if self.any => Ok(Kind::Again(full.to_owned())),
            Some(None) => Err(self.error(format!("type `{full}` contains itself, which columns cannot hold"))),
            None => Err(self.error(format!("unknown type `{full}`"))),
        }
    }

    fn begin(&mut self, name: &Name) -> Result<(), CodecError> {
        if PRIMITIVES.contains(&name.name.as_str()) {
            return Err(self.error(format!("a type cannot be named `{}`, which is one of Avro's own", name.name)));
        }
        match self.definitions.insert(name.full(), None) {
            None => Ok(()),
            Some(_) => Err(self.error(format!("type `{}` is defined twice", name.full()))),
        }
    }

    fn end(&mut self, name: &str, kind: Kind) -> Kind {
        self.definitions.insert(name.to_owned(), Some(kind.clone()));
        kind
    }

    fn record(&mut self, record: &RecordSchema) -> Result<Kind, CodecError> {
        let named = named(&record.name, &record.aliases, &record.doc);
        let full = named.name.full();
        self.begin(&named.name)?;
        if record.fields.is_empty() && !self.any {
            return Err(self.error(format!("record `{full}` has no fields")));
        }
        let fields = record.fields.iter().map(|field| self.field(field)).collect::<Result<_, _>>()?;
        Ok(self.end(&full, Kind::Record(Record { named, fields })))
    }

    fn field(&mut self, field: &RecordField) -> Result<Field, CodecError> {
        self.path.push(field.name.clone());
        let site = self.site(&field.schema)?;
        let default = match field.custom_attributes.get(precheck::DEFAULT) {
            None => None,
            Some(value) => match default::encode(&site, value) {
                Ok(_) => Some(value.clone()),
                Err(_) if self.any => None,
                Err(reason) => return Err(self.error(format!("the default does not fit: {reason}"))),
            },
        };
        self.path.pop();
        let (name, aliases, doc) = (field.name.clone(), field.aliases.clone(), field.doc.clone());
        Ok(Field { name, aliases, doc, site, default })
    }

    fn symbols(&mut self, symbols: &EnumSchema) -> Result<Kind, CodecError> {
        let named = named(&symbols.name, &symbols.aliases, &symbols.doc);
        let full = named.name.full();
        self.begin(&named.name)?;
        let (symbols, default) = (symbols.symbols.clone(), symbols.default.clone());
        Ok(self.end(&full, Kind::Enum(Enum { named, symbols, default })))
    }

    fn fixed(&mut self, fixed: &FixedSchema, logical: FixedLogical) -> Result<Kind, CodecError> {
        let named = named(&fixed.name, &fixed.aliases, &fixed.doc);
        let (full, size) = (named.name.full(), fixed.size);
        self.begin(&named.name)?;
        if size == 0 || size > FIXED_BYTES_MAX && !self.any {
            return Err(self.error(format!("fixed `{full}` needs a `size` from 1 to {FIXED_BYTES_MAX}")));
        }
        Ok(self.end(&full, Kind::Fixed(Fixed { named, size, logical })))
    }
}

fn named(name: &apache_avro::schema::Name, aliases: &Aliases, doc: &Option<String>) -> Named {
    let namespace = name.namespace().unwrap_or_default().to_owned();
    let aliases = aliases.iter().flatten().map(|alias| alias.fullname(name.namespace())).collect();
    Named { name: Name { namespace, name: name.name().to_owned() }, aliases, doc: doc.clone() }
}

fn types_in(kind: &Kind) -> usize {
    match kind {
        Kind::Record(record) => 1 + record.fields.iter().map(|field| types_in(&field.site.kind)).sum::<usize>(),
        Kind::Array(site) | Kind::Map(site) => 1 + types_in(&site.kind),
        Kind::Union(branches) => 1 + branches.iter().map(types_in).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_counts_with_all_that_is_within_it() {
        let int = || Kind::Int(IntLogical::None);
        let list = || Kind::Array(Box::new(Site::required(int())));
        let map = || Kind::Map(Box::new(Site::required(list())));
        let name = Name { namespace: String::new(), name: "r".into() };
        let named = Named { name, aliases: vec![], doc: None };
        let field =
            |kind| Field { name: "f".into(), aliases: vec![], doc: None, site: Site::required(kind), default: None };
        let record = Kind::Record(Record { named, fields: vec![field(int()), field(map())] });
        let union = Kind::Union(vec![Kind::Null, list(), record.clone()]);
        let counts = [int(), list(), map(), record, union].map(|kind| types_in(&kind));
        assert_eq!(counts, [1, 2, 3, 1 + 1 + 3, 1 + 1 + 2 + 5]);
    }

    #[test]
    fn as_many_types_as_are_allowed_are_allowed() {
        let mut adapter = Adapter::new(false);
        assert!(adapter.count(1).is_ok() && adapter.count(TYPES_MAX - 1).is_ok());
        assert_eq!(adapter.count(1).unwrap_err().to_string(), "the schema has more than 16384 types");
    }
}
