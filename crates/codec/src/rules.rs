//! How a writer's schema and a reader's become a plan.
//!
//! The rules are those of the Avro 1.12 specification, "Schema Resolution": fields by name or by the reader's aliases,
//! a default for a field that the writer lacks, promotions, named types by their names without namespaces or by the
//! reader's aliases. Stricter in two ways, because a wrong unit or a type that never fits is better found when a schema
//! is registered: two different logical types do not go together, and a union's branch must fit even if no message
//! uses it. For files, whose schema nobody registers, [`Rules`] can be lenient.

use std::{collections::HashMap, sync::Arc};

use crate::{
    avro::{Enum, Field, FixedLogical, IntLogical, Kind, LongLogical, Named, Record, Site},
    columns::Column,
    default,
    plan::{DEFAULT_WEIGHT_MAX, DefaultPlan, EnumPlan, FieldPlan, Plan, RecordPlan, Skip, Target, TextOf},
    read,
    wire::Cursor,
};

/// How a writer's records become a reader's.
///
/// # Errors
/// Says which field does not fit, and why.
pub(crate) fn resolve(writer: &Record, reader: &Record) -> Result<Plan, String> {
    Rules::of(writer, false).record(writer, reader)
}

/// How a writer's types become a reader's.
pub(crate) struct Rules {
    /// For files: names need not agree, a branch that does not fit matters only where it is used, and text takes any
    /// plain value.
    lenient: bool,
    types: Arc<HashMap<String, Record>>,
}

impl Rules {
    /// Rules for the values of a writer.
    pub(crate) fn of(writer: &Record, lenient: bool) -> Self {
        let mut names = Vec::new();
        for_each_kind(&Kind::Record(writer.clone()), &mut |kind| {
            if let Kind::Again(name) = kind {
                names.push(name.clone());
            }
        });
        let mut types = HashMap::new();
        for_each_kind(&Kind::Record(writer.clone()), &mut |kind| {
            if let Kind::Record(record) = kind
                && names.contains(&record.named.name.full())
            {
                types.entry(record.named.name.full()).or_insert_with(|| record.clone());
            }
        });
        Self { lenient, types: Arc::new(types) }
    }

    /// A value that is passed over.
    pub(crate) fn skip(&self, site: &Site) -> Skip {
        Skip { site: site.clone(), types: self.types.clone() }
    }

    /// The plan for any of the branches of a union.
    fn union(&self, branches: &[Kind], reader: &Site, accepted: bool) -> Result<Plan, String> {
        let mut plans = Vec::with_capacity(branches.len());
        let mut misfit = None;
        for branch in branches {
            let plan = match branch {
                Kind::Null => Ok(accepted.then_some(Plan::Null)),
                branch => self.kind(branch, &reader.kind).map(Some),
            };
            plans.push(plan.unwrap_or_else(|reason| {
                misfit.get_or_insert(reason);
                None
            }));
        }
        let some = plans.iter().flatten().any(|plan| !matches!(plan, Plan::Null));
        match misfit {
            Some(reason) if !self.lenient || !some => Err(reason),
            _ => Ok(Plan::Union(plans)),
        }
    }

    /// The plan for a value.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn site(&self, writer: &Site, reader: &Site) -> Result<Plan, String> {
        let accepted = reader.null.is_some() || reader.kind == Kind::Null;
        match (writer.null, &writer.kind) {
            (Some(null), _) => Ok(Plan::Nullable {
                null: null.index(),
                accepted,
                value: Box::new(self.kind(&writer.kind, &reader.kind)?),
            }),
            (None, Kind::Null) if accepted => Ok(Plan::Null),
            (None, Kind::Union(branches)) => self.union(branches, reader, accepted),
            (None, _) => self.kind(&writer.kind, &reader.kind),
        }
    }

    fn kind(&self, writer: &Kind, reader: &Kind) -> Result<Plan, String> {
        let misfit = || format!("{} cannot be read as {}", writer.label(), reader.label());
        Ok(match (writer, reader) {
            (_, Kind::String { .. }) if self.lenient && text_of(writer).is_some() => {
                Plan::AsText(text_of(writer).ok_or_else(misfit)?)
            }
            (Kind::Boolean, Kind::Boolean) => Plan::Boolean,
            (Kind::Int(from), Kind::Int(to)) if from == to || *from == IntLogical::None || *to == IntLogical::None => {
                Plan::Int
            }
            (Kind::Int(from), Kind::Long(to)) if *from == IntLogical::None || *to == LongLogical::None => {
                Plan::IntToLong
            }
            (Kind::Int(_), Kind::Float) => Plan::IntToFloat,
            (Kind::Int(_), Kind::Double) => Plan::IntToDouble,
            (Kind::Long(from), Kind::Long(to))
                if from == to || *from == LongLogical::None || *to == LongLogical::None =>
            {
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
                self.same_name(&from.named, &to.named).map_err(|reason| format!("{}: {reason}", misfit()))?;
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
                self.same_name(&from.named, &to.named).map_err(|reason| format!("{}: {reason}", misfit()))?;
                Plan::Enum(symbols(from, to)?)
            }
            (Kind::Record(from), Kind::Record(to)) => self.record(from, to)?,
            (Kind::Array(from), Kind::Array(to)) => {
                let items = self.site(from, to)?;
                let weight = items.weight();
                Plan::Array(Box::new(items), weight)
            }
            (Kind::Map(from), Kind::Map(to)) => {
                let values = self.site(from, to)?;
                let weight = 1 + values.weight();
                Plan::Map(Box::new(values), weight)
            }
            _ => return Err(misfit()),
        })
    }

    /// Names match without their namespaces, or by one of the reader's aliases.
    fn same_name(&self, writer: &Named, reader: &Named) -> Result<(), String> {
        if self.lenient {
            return Ok(());
        }
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

    pub(crate) fn record(&self, writer: &Record, reader: &Record) -> Result<Plan, String> {
        self.same_name(&writer.named, &reader.named)?;
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
                None => defaults.push(self.default_of(column, field)?),
            }
        }
        let mut fields = Vec::with_capacity(writer.fields.len());
        for (field, target) in writer.fields.iter().zip(targets) {
            let target = match target {
                None => Target::Skip(self.skip(&field.site)),
                Some(column) => {
                    let plan = self.site(&field.site, &reader.fields[column].site);
                    Target::Column(column, plan.map_err(|reason| format!("field `{}`: {reason}", field.name))?)
                }
            };
            fields.push(FieldPlan { name: field.name.clone(), target });
        }
        Ok(Plan::Record(RecordPlan { fields, defaults }))
    }

    fn default_of(&self, column: usize, field: &Field) -> Result<DefaultPlan, String> {
        let Some(value) = &field.default else {
            return Err(format!("field `{}` is missing and has no default", field.name));
        };
        let in_field = |reason: String| format!("field `{}`: {reason}", field.name);
        let bytes = default::encode(&field.site, value).map_err(in_field)?;
        let plan = self.site(&field.site, &field.site).map_err(in_field)?;
        let mut cursor = Cursor::new(&bytes, DEFAULT_WEIGHT_MAX);
        let read = read::read(&plan, &mut Column::of_site(&field.site), &mut cursor);
        if read.is_err() || bytes.len() as u64 > DEFAULT_WEIGHT_MAX {
            return Err(in_field(format!("a default of {} bytes is too large to stand in every row", bytes.len())));
        }
        let weight = plan.weight() + bytes.len() as u64 + (DEFAULT_WEIGHT_MAX - cursor.budget());
        Ok(DefaultPlan { column, plan, bytes, weight })
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

/// The writer's field that a reader's field is read from.
fn source(writer: &Record, field: &Field) -> Option<usize> {
    let position = |name: &String| writer.fields.iter().position(|other| other.name == *name);
    position(&field.name).or_else(|| field.aliases.iter().find_map(position))
}

/// How a plain value is written as text; `None` for text itself and for what is not plain.
fn text_of(kind: &Kind) -> Option<TextOf> {
    Some(match kind {
        Kind::Boolean => TextOf::Boolean,
        Kind::Int(IntLogical::None) => TextOf::Int,
        Kind::Long(LongLogical::None) => TextOf::Long,
        Kind::Float => TextOf::Float,
        Kind::Double => TextOf::Double,
        Kind::Enum(symbols) => TextOf::Enum(symbols.symbols.clone()),
        Kind::Fixed(fixed) if fixed.logical == FixedLogical::Uuid => TextOf::Uuid,
        _ => return None,
    })
}

/// Calls `visit` for a type and for all types within it.
fn for_each_kind(kind: &Kind, visit: &mut impl FnMut(&Kind)) {
    visit(kind);
    match kind {
        Kind::Record(record) => record.fields.iter().for_each(|field| for_each_kind(&field.site.kind, visit)),
        Kind::Array(site) | Kind::Map(site) => for_each_kind(&site.kind, visit),
        Kind::Union(branches) => branches.iter().for_each(|branch| for_each_kind(branch, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn record(fields: &str) -> Record {
        parse::parse(&format!(r#"{{"type": "record", "name": "r", "fields": [{fields}]}}"#)).unwrap()
    }

    fn plan(writer: &str, reader: &str) -> RecordPlan {
        match resolve(&record(writer), &record(reader)).unwrap() {
            Plan::Record(plan) => plan,
            other => panic!("{other:?}"),
        }
    }

    const A: &str = r#"{"name": "a", "type": "int"}"#;

    #[test]
    fn a_default_weighs_its_bytes_and_its_items() {
        let weight = |field: &str| plan(A, &format!("{A}, {field}")).defaults[0].weight;
        // Its entry, and a number of one byte.
        assert_eq!(weight(r#"{"name": "b", "type": "int", "default": 7}"#), 1 + 1);
        // Its entry, eighteen bytes, and two items.
        let list = r#"{"name": "b", "type": {"type": "array", "items": "double"}, "default": [1.5, -2]}"#;
        assert_eq!(weight(list), 1 + 18 + 2);
    }

    #[test]
    fn a_default_has_4096_bytes_at_most() {
        let reader = |letters: usize| {
            let text = "x".repeat(letters);
            record(&format!(r#"{A}, {{"name": "b", "type": "string", "default": "{text}"}}"#))
        };
        // Two bytes are the text's length.
        assert!(resolve(&record(A), &reader(4_094)).is_ok());
        let reason = resolve(&record(A), &reader(4_095)).unwrap_err();
        assert_eq!(reason, "field `b`: a default of 4097 bytes is too large to stand in every row");
    }

    #[test]
    fn an_entry_of_a_map_has_a_key_beside_its_value() {
        let map = r#"{"name": "m", "type": {"type": "map", "values": "long"}}"#;
        let list = r#"{"name": "m", "type": {"type": "array", "items": "long"}}"#;
        let target = |field: &str| match plan(field, field).fields.remove(0).target {
            Target::Column(_, Plan::Map(_, weight) | Plan::Array(_, weight)) => weight,
            other => panic!("{other:?}"),
        };
        assert_eq!((target(map), target(list)), (2, 1));
    }
}
