//! Which columns the schema gets, under which names, of which types, and what must be derived.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, FieldRef, Schema};
use codec::ValueSchema;
use serde_json::{Value as Json, json};

use crate::{
    InferError,
    guess::{self, Kind},
    inner,
    names::{self, TIMES, has_word, quoted, shown},
    table::{Cell, Column, Table},
    times, typed_table,
};

/// Digits of a decimal type that is read as a double where its values allow it.
const DECIMAL_DIGITS_MAX: u8 = 18;

/// Digits that a double holds, whatever they are.
const DOUBLE_DIGITS: usize = 15;

/// Bytes of images and the like that a row keeps at most in a column.
const BYTES_MAX: usize = 1_024;

/// The stream's columns and what they are for.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub columns: Vec<Planned>,
    /// Values within objects, which may have a role but are no columns.
    pub inner: Vec<Planned>,
    pub id: String,
    pub id_reason: String,
    pub key: String,
    pub key_reason: String,
    pub time: String,
    pub time_reason: String,
    pub partitions: u32,
    pub features: Vec<(String, String)>,
    pub quality: Vec<(String, String)>,
    pub notes: Vec<String>,
}

impl Plan {
    /// The roles and features, a line each.
    pub(crate) fn guesses(&self) -> Vec<String> {
        let features: Vec<&str> = self.features.iter().map(|(sql, _)| sql.as_str()).collect();
        let features = if features.is_empty() { "none".to_owned() } else { features.join(", ") };
        vec![
            format!("id: {} ({})", self.id, self.id_reason),
            format!("key: {} ({})", self.key, self.key_reason),
            format!("time: {} ({})", self.time, self.time_reason),
            format!("features: {features}"),
        ]
    }
}

/// A column of the stream.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub name: String,
    /// Which column of the table; `None` where it is made of the row's place alone.
    pub origin: Option<usize>,
    pub kind: Kind,
    pub avro: Json,
    pub required: bool,
    /// SQL over the file's columns, and why.
    pub derive: Option<(String, String)>,
    /// How SQL over the file calls the value.
    pub sql: String,
    /// The cells of a value within an object.
    pub cells: Option<Column>,
    /// What the file calls it, where that is not its name.
    pub doc: Option<String>,
}

impl Planned {
    /// The sample's cells, where it has any.
    pub(crate) fn column<'a>(&'a self, table: &'a Table) -> Option<&'a Column> {
        self.cells.as_ref().or_else(|| self.origin.and_then(|origin| table.columns.get(origin)))
    }
}

/// Plans all columns that a stream can have; roles are not given yet.
pub(crate) fn plan(table: &mut Table) -> Result<Plan, InferError> {
    let mut plan = Plan::default();
    let kinds: Vec<Kind> = kinds(table);
    let mut used: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let mut left_out = Vec::new();
    for ((origin, column), kind) in table.columns.iter().enumerate().zip(kinds) {
        let twice = table.columns.iter().filter(|other| other.name == column.name).count() > 1;
        let why = match &kind {
            _ if column.name.is_empty() => Some("it has no name".to_owned()),
            _ if twice => Some("the name stands twice".to_owned()),
            _ if column.name.contains('\0') => Some("its name has a zero byte".to_owned()),
            _ if column.bytes > BYTES_MAX => Some(format!("{} KiB of bytes a row", column.bytes.div_ceil(1024))),
            Kind::Mixed(why) => Some(why.clone()),
            _ => None,
        };
        if let Some(why) = why {
            left_out.push(format!("{} ({why})", shown(&column.name)));
            continue;
        }
        let legal = names::is_legal(&column.name) && !names::is_taken(&column.name);
        let name = if legal { column.name.clone() } else { names::legal(&column.name, &used) };
        if !legal {
            used.push(name.clone());
            plan.notes.push(format!(
                "column {} is called `{name}` in the stream: its own name cannot stand in a schema",
                shown(&column.name)
            ));
        }
        inner::add(&mut plan, table, origin, column);
        plan.columns.push(planned(table, origin, column, name, kind, legal));
    }
    if !left_out.is_empty() {
        plan.notes.push(format!("these columns are left out: {}", left_out.join(", ")));
    }
    if plan.columns.is_empty() {
        let names = table.columns.iter().map(|column| shown(&column.name)).collect::<Vec<_>>().join(", ");
        return Err(InferError::sample(format!(
            "the sample has no column that a schema can name; it has {names}; rename them"
        )));
    }
    Ok(plan)
}

/// What each column holds. Settings of the source that this takes are added to the table's.
fn kinds(table: &mut Table) -> Vec<Kind> {
    let mut missing = BTreeSet::new();
    let mut as_written = Vec::new();
    let mut kinds = Vec::with_capacity(table.columns.len());
    for column in &mut table.columns {
        kinds.push(match &column.field {
            Some(field) => typed(column, field),
            None if table.objects.is_some() => {
                let (kind, written) = guess::of_json(column);
                as_written.extend(written.then(|| shown(&column.name)));
                kind
            }
            None => {
                let (kind, markers) = guess::of_csv(column, table.csv.decimal_comma);
                if table.csv.decimal_comma {
                    with_points(column, &kind);
                }
                column.forget(&markers);
                missing.extend(markers);
                kind
            }
        });
    }
    if !missing.is_empty() {
        let list =
            missing.iter().map(|marker| format!("\"{}\"", marker.replace('\\', "\\\\"))).collect::<Vec<_>>().join(", ");
        table.settings.push((
            format!("missing: [{list}]"),
            "cells among numbers and times that say that there is none".to_owned(),
        ));
        table.csv.missing = missing.into_iter().collect();
    }
    if !as_written.is_empty() {
        let reason = format!("numbers among the texts, or beyond 64 bits, in {}", as_written.join(", "));
        table.settings.push(("as_written: true".to_owned(), reason));
        table.json.as_written = true;
    }
    kinds
}

/// Writes the numbers of a column with decimal points, as everything behind reads them.
fn with_points(column: &mut Column, kind: &Kind) {
    if !matches!(kind, Kind::Double | Kind::Long | Kind::Days(_)) {
        return;
    }
    for cell in &mut column.cells {
        if let Cell::Text(text) = cell
            && let Some(number) = text::float_with_comma(text.as_bytes())
        {
            *text = number.to_string();
        }
    }
}

/// What a column of a type holds.
pub(crate) fn typed(column: &Column, field: &FieldRef) -> Kind {
    match field.data_type() {
        DataType::Boolean => Kind::Boolean,
        DataType::Null => Kind::Mixed("it is always null".to_owned()),
        DataType::UInt64 if column.texts().any(|text| text.parse::<i64>().is_err()) => Kind::Text,
        number if number.is_numeric() && !is_exact(column, number) => {
            if let Some(days) = times::from_reference(field) {
                return Kind::Days(days);
            }
            let numbers = column.numbers();
            let digits = if has_word(&column.name, &TIMES) { times::epoch_digits(column.texts()) } else { None };
            match (times::days_of(&column.name, &numbers), digits) {
                (Some(days), _) => Kind::Days(days),
                (_, Some(digits)) => Kind::Epoch(digits),
                _ if number.is_integer() => Kind::Long,
                _ => Kind::Double,
            }
        }
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Kind::Time,
        DataType::FixedSizeBinary(16) if typed_table::is_uuid(field) => Kind::Text,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let reads = |text: &str| times::is_time(text) || has_word(&column.name, &TIMES) && times::is_epoch(text);
            let is_time = column.texts().next().is_some() && column.texts().all(reads);
            if is_time { Kind::Time } else { Kind::Text }
        }
        DataType::Dictionary(_, values) if values.is_string() => Kind::Text,
        _ => {
            let name = names::legal(field.name(), &[]);
            let alone = Schema::new(vec![field.as_ref().clone().with_name(name).with_nullable(false)]);
            let avro = ValueSchema::derive(&alone, "Rows", "").map_err(|error| error.to_string());
            let avro =
                avro.and_then(|schema| serde_json::from_str::<Json>(schema.avro()).map_err(|error| error.to_string()));
            match avro {
                Ok(avro) => Kind::Nested(avro["fields"][0]["type"].clone()),
                Err(why) => Kind::Mixed(why),
            }
        }
    }
}

/// Whether a decimal has more digits than a double holds: in the sample, or beyond the 18 that DuckDB's have by default.
fn is_exact(column: &Column, number: &DataType) -> bool {
    let (DataType::Decimal32(precision, _)
    | DataType::Decimal64(precision, _)
    | DataType::Decimal128(precision, _)
    | DataType::Decimal256(precision, _)) = number
    else {
        return false;
    };
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    *precision > DECIMAL_DIGITS_MAX || column.texts().any(|text| digits(text) > DOUBLE_DIGITS)
}

fn planned(table: &Table, origin: usize, column: &Column, name: String, kind: Kind, legal: bool) -> Planned {
    let sql = quoted(&sql_name(column));
    let derive = match &kind {
        Kind::Epoch(digits) => Some((times::from_epoch(&sql, *digits), "a number since 1970 in the file".to_owned())),
        Kind::Time if needs_micros(column) => {
            Some((format!("date_trunc('microsecond', {sql})"), "nanoseconds in the file".to_owned()))
        }
        Kind::Time if !legal && table.objects.is_none() && column.field.is_none() => {
            let sql = match times::epoch_digits(column.texts()) {
                Some(digits) => times::from_epoch(&sql, digits),
                None => sql.clone(),
            };
            Some((sql, format!("the file calls it {}", shown(&column.name))))
        }
        _ if !legal => Some((sql.clone(), format!("the file calls it {}", shown(&column.name)))),
        _ => None,
    };
    let avro = avro_type(&kind);
    let doc = (!legal).then(|| column.name.clone());
    Planned { name, origin: Some(origin), kind, avro, required: false, derive, sql, cells: None, doc }
}

/// How SQL over the file calls a column: one that has the name of a row's place begins with one more underscore.
pub(crate) fn sql_name(column: &Column) -> String {
    match column.name.as_str() {
        "_row" | "_file" => format!("_{}", column.name),
        name => name.to_owned(),
    }
}

fn needs_micros(column: &Column) -> bool {
    let nanos =
        |data_type: &DataType| matches!(data_type, DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, _));
    column.field.as_ref().is_some_and(|field| nanos(field.data_type()))
}

pub(crate) fn avro_type(kind: &Kind) -> Json {
    match kind {
        Kind::Boolean => json!("boolean"),
        Kind::Long => json!("long"),
        Kind::Double | Kind::Days(_) => json!("double"),
        Kind::Time | Kind::Epoch(_) => json!({ "type": "long", "logicalType": "timestamp-micros" }),
        Kind::Text | Kind::Mixed(_) => json!("string"),
        Kind::Nested(avro) => avro.clone(),
    }
}
