//! How a writer's messages become the reader's columns.
//!
//! The rules are those of the Avro 1.12 specification, "Schema Resolution": fields by name or by the reader's aliases,
//! a default for a field that the writer lacks, promotions, named types by their names without namespaces or by the
//! reader's aliases. Stricter in two ways, because a wrong unit or a type that never fits is better found when a schema
//! is registered: two different logical types do not go together, and a union's branch must fit even if no message
//! uses it.

use std::collections::HashMap;

use crate::{
    avro::{Decimal, Enum, Field, FixedLogical, IntLogical, Kind, LongLogical, Named, Record, Site},
    columns::Column,
    default, read,
    wire::Cursor,
};

/// What a default may take in each row, in bytes of Avro and in units of eight bytes of its arrays and maps.
pub(crate) const DEFAULT_WEIGHT_MAX: u64 = 4096;

/// How the bytes of a value become an entry of a column.
#[derive(Debug)]
pub(crate) enum Plan {
    /// No bytes: a null.
    Null,
    /// A branch, then perhaps a value.
    Nullable {
        /// The branch that is null.
        null: u8,
        /// Whether the column can hold a null.
        accepted: bool,
        value: Box<Plan>,
    },
    Boolean,
    Int,
    IntToLong,
    IntToFloat,
    IntToDouble,
    Long,
    LongToFloat,
    LongToDouble,
    Float,
    FloatToDouble,
    Double,
    Bytes,
    /// Bytes that must be UTF-8, because writer or reader has them as a string.
    Text,
    /// `size` is that of a `fixed`.
    Decimal {
        decimal: Decimal,
        size: Option<usize>,
    },
    Fixed(usize),
    Enum(EnumPlan),
    Record(RecordPlan),
    Array(Box<Plan>, u64),
    Map(Box<Plan>, u64),
}

/// The reader's index of each of the writer's symbols.
#[derive(Debug)]
pub(crate) struct EnumPlan {
    pub(crate) indices: Vec<Option<i32>>,
    /// The writer's symbols, for reasons.
    pub(crate) symbols: Vec<String>,
}

/// The writer's fields in their order, then the fields that it lacks.
#[derive(Debug)]
pub(crate) struct RecordPlan {
    pub(crate) fields: Vec<FieldPlan>,
    pub(crate) defaults: Vec<DefaultPlan>,
}

/// What becomes of a writer's field.
#[derive(Debug)]
pub(crate) struct FieldPlan {
    pub(crate) name: String,
    pub(crate) target: Target,
}

/// Where a writer's field goes.
#[derive(Debug)]
pub(crate) enum Target {
    /// Into this column of the record.
    Column(usize, Plan),
    /// Nowhere: the reader has no such field.
    Skip(Site),
}

/// A field that the writer lacks.
#[derive(Debug)]
pub(crate) struct DefaultPlan {
    pub(crate) column: usize,
    pub(crate) plan: Plan,
    /// The default in Avro binary.
    pub(crate) bytes: Vec<u8>,
    /// How much memory it takes, in units of eight bytes.
    weight: u64,
}

impl Plan {
    /// How much memory an entry may take beyond the message's own bytes, in units of eight bytes.
    pub(crate) fn weight(&self) -> u64 {
        match self {
            Self::Nullable { value, .. } => value.weight(),
            Self::Fixed(size) => 1 + (*size as u64) / 8,
            Self::Decimal { .. } => 4,
            Self::Record(record) => {
                let fields = record.fields.iter().map(|field| match &field.target {
                    Target::Column(_, plan) => plan.weight(),
                    Target::Skip(_) => 0,
                });
                let defaults = record.defaults.iter().map(|field| field.weight);
                1 + fields.sum::<u64>() + defaults.sum::<u64>()
            }
            _ => 1,
        }
    }
}

/// How a writer's records become a reader's.
///
/// # Errors
/// Says which field does not fit, and why.
pub(crate) fn resolve(writer: &Record, reader: &Record) -> Result<Plan, String> {
    record(writer, reader)
}

fn site(writer: &Site, reader: &Site) -> Result<Plan, String> {
    let accepted = reader.null.is_some() || reader.kind == Kind::Null;
    match (writer.null, &writer.kind) {
        (Some(null), _) => {
            Ok(Plan::Nullable { null: null.index(), accepted, value: Box::new(kind(&writer.kind, &reader.kind)?) })
        }
        (None, Kind::Null) if accepted => Ok(Plan::Null),
        (None, _) => kind(&writer.kind, &reader.kind),
    }
}

fn kind(writer: &Kind, reader: &Kind) -> Result<Plan, String> {
    let misfit = || format!("{} cannot be read as {}", writer.label(), reader.label());
    Ok(match (writer, reader) {
        (Kind::Null, Kind::Null) => Plan::Null,
        (Kind::Boolean, Kind::Boolean) => Plan::Boolean,
        (Kind::Int(from), Kind::Int(to)) if from == to || *from == IntLogical::None || *to == IntLogical::None => {
            Plan::Int
        }
        (Kind::Int(from), Kind::Long(to)) if *from == IntLogical::None || *to == LongLogical::None => Plan::IntToLong,
        (Kind::Int(_), Kind::Float) => Plan::IntToFloat,
        (Kind::Int(_), Kind::Double) => Plan::IntToDouble,
        (Kind::Long(from), Kind::Long(to)) if from == to || *from == LongLogical::None || *to == LongLogical::None => {
            Plan::Long
        }
        (Kind::Long(_), Kind::Float) => Plan::LongToFloat,
        (Kind::Long(_), Kind::Double) => Plan::LongToDouble,
        (Kind::Float, Kind::Float) => Plan::Float,
        (Kind::Float, Kind::Double) => Plan::FloatToDouble,
        (Kind::Double, Kind::Double) => Plan::Double,
        (Kind::Bytes | Kind::Decimal(_), Kind::Bytes) => Plan::Bytes,
        (Kind::Bytes | Kind::String { .. }, Kind::String { .. }) | (Kind::String { .. }, Kind::Bytes) => Plan::Text,
        (Kind::Bytes, Kind::Decimal(decimal)) => Plan::Decimal { decimal: *decimal, size: None },
        (Kind::Decimal(from), Kind::Decimal(to)) if from == to => Plan::Decimal { decimal: *to, size: None },
        (Kind::Fixed(from), Kind::Fixed(to)) => {
            same_name(&from.named, &to.named).map_err(|reason| format!("{}: {reason}", misfit()))?;
            match (from.logical, to.logical) {
                _ if from.size != to.size => return Err(misfit()),
                (FixedLogical::Decimal(from), FixedLogical::Decimal(to)) if from != to => {
                    return Err(format!("{}: their decimals differ", misfit()));
                }
                (_, FixedLogical::Decimal(decimal)) => Plan::Decimal { decimal, size: Some(from.size) },
                _ => Plan::Fixed(from.size),
            }
        }
        (Kind::Enum(from), Kind::Enum(to)) => {
            same_name(&from.named, &to.named).map_err(|reason| format!("{}: {reason}", misfit()))?;
            Plan::Enum(symbols(from, to)?)
        }
        (Kind::Record(from), Kind::Record(to)) => record(from, to)?,
        (Kind::Array(from), Kind::Array(to)) => {
            let items = site(from, to)?;
            let weight = items.weight();
            Plan::Array(Box::new(items), weight)
        }
        (Kind::Map(from), Kind::Map(to)) => {
            let values = site(from, to)?;
            let weight = 1 + values.weight();
            Plan::Map(Box::new(values), weight)
        }
        _ => return Err(misfit()),
    })
}

/// Names match without their namespaces, or by one of the reader's aliases.
fn same_name(writer: &Named, reader: &Named) -> Result<(), String> {
    let bare = |full: &str| full.rsplit('.').next().unwrap_or_default() == writer.name.name;
    match writer.name.name == reader.name.name || reader.aliases.iter().any(|alias| bare(alias)) {
        true => Ok(()),
        false => Err(format!(
            "the names `{}` and `{}` differ; add the former to the reader's aliases",
            writer.name.full(),
            reader.name.full()
        )),
    }
}

fn symbols(writer: &Enum, reader: &Enum) -> Result<EnumPlan, String> {
    let known: HashMap<&str, i32> = reader.symbols.iter().map(String::as_str).zip(0..).collect();
    let default = reader.default.as_ref().and_then(|symbol| known.get(symbol.as_str()));
    let index = |symbol: &String| known.get(symbol.as_str()).or(default).copied();
    let indices: Vec<Option<i32>> = writer.symbols.iter().map(index).collect();
    if indices.iter().all(Option::is_none) {
        return Err(format!("enum `{}` has none of the reader's symbols", writer.named.name.full()));
    }
    Ok(EnumPlan { indices, symbols: writer.symbols.clone() })
}

fn record(writer: &Record, reader: &Record) -> Result<Plan, String> {
    same_name(&writer.named, &reader.named)?;
    let mut targets: Vec<Option<usize>> = vec![None; writer.fields.len()];
    let mut defaults = Vec::new();
    for (column, field) in reader.fields.iter().enumerate() {
        match source(writer, field) {
            Some(index) => {
                if let Some(other) = targets[index].replace(column) {
                    let (first, name) = (&reader.fields[other].name, &writer.fields[index].name);
                    return Err(format!("fields `{first}` and `{}` would both be read from `{name}`", field.name));
                }
            }
            None => defaults.push(default_of(column, field)?),
        }
    }
    let mut fields = Vec::with_capacity(writer.fields.len());
    for (field, target) in writer.fields.iter().zip(targets) {
        let target = match target {
            None => Target::Skip(field.site.clone()),
            Some(column) => {
                let plan = site(&field.site, &reader.fields[column].site);
                Target::Column(column, plan.map_err(|reason| format!("field `{}`: {reason}", field.name))?)
            }
        };
        fields.push(FieldPlan { name: field.name.clone(), target });
    }
    Ok(Plan::Record(RecordPlan { fields, defaults }))
}

/// The writer's field that a reader's field is read from.
fn source(writer: &Record, field: &Field) -> Option<usize> {
    let position = |name: &String| writer.fields.iter().position(|other| other.name == *name);
    position(&field.name).or_else(|| field.aliases.iter().find_map(position))
}

fn default_of(column: usize, field: &Field) -> Result<DefaultPlan, String> {
    let Some(value) = &field.default else {
        return Err(format!("field `{}` is missing and has no default", field.name));
    };
    let in_field = |reason: String| format!("field `{}`: {reason}", field.name);
    let bytes = default::encode(&field.site, value).map_err(in_field)?;
    let plan = site(&field.site, &field.site).map_err(in_field)?;
    let mut cursor = Cursor::new(&bytes, DEFAULT_WEIGHT_MAX);
    let read = read::read(&plan, &mut Column::of_site(&field.site), &mut cursor);
    if read.is_err() || bytes.len() as u64 > DEFAULT_WEIGHT_MAX {
        return Err(in_field(format!("a default of {} bytes is too large to stand in every row", bytes.len())));
    }
    let weight = plan.weight() + bytes.len() as u64 + (DEFAULT_WEIGHT_MAX - cursor.budget());
    Ok(DefaultPlan { column, plan, bytes, weight })
}
