//! Avro schemas as values: what [`crate::parse`] reads and [`crate::emit`] writes.
//!
//! Named types stand in full wherever they are used, so that nothing that walks a schema has to look names up (but where
//! a writer's type contains itself). The
//! size of a schema is limited in `parse`, which keeps that from growing without bound.

use serde_json::Value;

/// A full name; the namespace is empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Name {
    /// `namespace.name`, or the name alone.
    pub(crate) fn full(&self) -> String {
        match self.namespace.as_str() {
            "" => self.name.clone(),
            namespace => format!("{namespace}.{}", self.name),
        }
    }
}

/// What a named type carries beside its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: Name,
    /// Full names.
    pub(crate) aliases: Vec<String>,
    pub(crate) doc: Option<String>,
}

/// A type at the place where it is used: on its own, or in a union with null.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Site {
    pub(crate) kind: Kind,
    pub(crate) null: Option<NullBranch>,
}

/// Which branch of a union of two is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NullBranch {
    First,
    Second,
}

impl NullBranch {
    /// The index of the branch that is null.
    pub(crate) fn index(self) -> u8 {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

/// A type without null.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Int(IntLogical),
    Long(LongLogical),
    Float,
    Double,
    Bytes,
    /// `bytes` with the logical type `decimal`.
    Decimal(Decimal),
    /// `string`, perhaps with the logical type `uuid`.
    String {
        uuid: bool,
    },
    Fixed(Fixed),
    Enum(Enum),
    Record(Record),
    Array(Box<Site>),
    Map(Box<Site>),
    /// A union that is not null and one other type, its branches in order. Writers only.
    Union(Vec<Kind>),
    /// A record within itself, by its full name. Writers only.
    Again(String),
}

/// Logical types of `int`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntLogical {
    None,
    Date,
    TimeMillis,
}

/// Logical types of `long`. The boolean is true for an instant, which Arrow has in UTC, and false for a local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LongLogical {
    None,
    TimeMicros,
    TimestampMillis(bool),
    TimestampMicros(bool),
    TimestampNanos(bool),
}

/// Digits in all, and digits behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) precision: u8,
    pub(crate) scale: u8,
}

/// `fixed`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fixed {
    pub(crate) named: Named,
    /// Bytes, at least one.
    pub(crate) size: usize,
    pub(crate) logical: FixedLogical,
}

/// Logical types of `fixed`. `uuid` and `duration` stay bytes and are carried along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FixedLogical {
    None,
    Uuid,
    Duration,
    Decimal(Decimal),
}

/// `enum`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Enum {
    pub(crate) named: Named,
    pub(crate) symbols: Vec<String>,
    /// The symbol that stands for a writer's symbol that the reader does not know.
    pub(crate) default: Option<String>,
}

/// `record`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) named: Named,
    /// At least one.
    pub(crate) fields: Vec<Field>,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) doc: Option<String>,
    pub(crate) site: Site,
    /// The default as it stands in the schema; it fits the type.
    pub(crate) default: Option<Value>,
}

impl Site {
    /// A type without null.
    pub(crate) fn required(kind: Kind) -> Self {
        Self { kind, null: None }
    }

    /// Whether every value takes at least one byte.
    pub(crate) fn takes_bytes(&self) -> bool {
        self.null.is_some()
            || match &self.kind {
                Kind::Null => false,
                Kind::Record(record) => record.fields.iter().any(|field| field.site.takes_bytes()),
                _ => true,
            }
    }
}

impl Kind {
    /// The name of the type as errors call it.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Boolean => "boolean".into(),
            Self::Int(IntLogical::None) => "int".into(),
            Self::Int(IntLogical::Date) => "int (date)".into(),
            Self::Int(IntLogical::TimeMillis) => "int (time-millis)".into(),
            Self::Long(LongLogical::None) => "long".into(),
            Self::Long(logical) => format!("long ({})", logical.name().unwrap_or_default()),
            Self::Float => "float".into(),
            Self::Double => "double".into(),
            Self::Bytes => "bytes".into(),
            Self::Decimal(decimal) => {
                format!("bytes (decimal of {} digits, {} behind the point)", decimal.precision, decimal.scale)
            }
            Self::String { uuid: false } => "string".into(),
            Self::String { uuid: true } => "string (uuid)".into(),
            Self::Fixed(fixed) => format!("fixed `{}` of {} bytes", fixed.named.name.full(), fixed.size),
            Self::Enum(symbols) => format!("enum `{}`", symbols.named.name.full()),
            Self::Record(record) => format!("record `{}`", record.named.name.full()),
            Self::Array(_) => "array".into(),
            Self::Map(_) => "map".into(),
            Self::Union(branches) => {
                format!("union of {}", branches.iter().map(Self::label).collect::<Vec<_>>().join(", "))
            }
            Self::Again(name) => format!("record `{name}` within itself"),
        }
    }
}

impl LongLogical {
    /// The name of the logical type in Avro.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::TimeMicros => Some("time-micros"),
            Self::TimestampMillis(true) => Some("timestamp-millis"),
            Self::TimestampMillis(false) => Some("local-timestamp-millis"),
            Self::TimestampMicros(true) => Some("timestamp-micros"),
            Self::TimestampMicros(false) => Some("local-timestamp-micros"),
            Self::TimestampNanos(true) => Some("timestamp-nanos"),
            Self::TimestampNanos(false) => Some("local-timestamp-nanos"),
        }
    }
}

impl IntLogical {
    /// The name of the logical type in Avro.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Date => Some("date"),
            Self::TimeMillis => Some("time-millis"),
        }
    }
}
