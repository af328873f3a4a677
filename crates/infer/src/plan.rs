//! Which columns the schema gets, under which names, of which types, and what must be derived.

use arrow::datatypes::{DataType, Schema};
use codec::ValueSchema;
use serde_json::{Value as Json, json};

use crate::{
    InferError,
    guess::{self, Kind},
    json_table::cell,
    names::{self, quoted, shown},
    table::{Cell, Column, Table},
    times,
};

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
}

impl Planned {
    /// The sample's cells, where it has any.
    pub(crate) fn column<'a>(&'a self, table: &'a Table) -> Option<&'a Column> {
        self.cells.as_ref().or_else(|| self.origin.and_then(|origin| table.columns.get(origin)))
    }
}

/// Plans all columns that a stream can have; roles are not given yet.
pub(crate) fn plan(table: &Table) -> Result<Plan, InferError> {
    let mut plan = Plan::default();
    let mut used: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let mut left_out = Vec::new();
    for (origin, column) in table.columns.iter().enumerate() {
        let twice = table.columns.iter().filter(|other| other.name == column.name).count() > 1;
        let kind = kind(table, column);
        if twice || column.name.is_empty() || kind == Kind::Mixed || column.name.contains('\0') {
            let why = match (twice, column.name.is_empty()) {
                (_, true) => "it has no name",
                (true, _) => "the name stands twice",
                _ => "its values have no type in common",
            };
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
        inner(&mut plan, table, origin, column);
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

fn kind(table: &Table, column: &Column) -> Kind {
    let Some(field) = &column.field else {
        return if table.objects.is_some() { guess::of_json(column) } else { guess::of_csv(column) };
    };
    match field.data_type() {
        DataType::Boolean => Kind::Boolean,
        DataType::UInt64 if column.texts().any(|text| text.parse::<i64>().is_err()) => Kind::Text,
        whole if whole.is_integer() => Kind::Long,
        number if number.is_numeric() => Kind::Double,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Kind::Time,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let is_time = column.texts().next().is_some() && column.texts().all(times::is_iso);
            if is_time { Kind::Time } else { Kind::Text }
        }
        DataType::Dictionary(_, values)
            if matches!(values.as_ref(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) =>
        {
            Kind::Text
        }
        _ => {
            let alone = Schema::new(vec![field.as_ref().clone().with_name("x").with_nullable(false)]);
            let avro = ValueSchema::derive(&alone, "Rows", "")
                .ok()
                .and_then(|schema| serde_json::from_str::<Json>(schema.avro()).ok());
            avro.map_or(Kind::Mixed, |avro| Kind::Nested(avro["fields"][0]["type"].clone()))
        }
    }
}

fn planned(table: &Table, origin: usize, column: &Column, name: String, kind: Kind, legal: bool) -> Planned {
    let sql = quoted(&column.name);
    let derive = match &kind {
        Kind::Marked(markers) => {
            let text = format!("trim(CAST({sql} AS VARCHAR))");
            let list = markers.iter().map(|marker| names::literal(marker)).collect::<Vec<_>>().join(", ");
            let reason = format!("in the file {list} stand for a missing number");
            Some((format!("CASE WHEN {text} IN ({list}) THEN NULL ELSE CAST({text} AS DOUBLE) END"), reason))
        }
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
    Planned { name, origin: Some(origin), kind, avro, required: false, derive, sql, cells: None }
}

fn needs_micros(column: &Column) -> bool {
    let nanos =
        |data_type: &DataType| matches!(data_type, DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, _));
    column.field.as_ref().is_some_and(|field| nanos(field.data_type()))
}

fn avro_type(kind: &Kind) -> Json {
    match kind {
        Kind::Boolean => json!("boolean"),
        Kind::Long => json!("long"),
        Kind::Double | Kind::Marked(_) => json!("double"),
        Kind::Time | Kind::Epoch(_) => json!({ "type": "long", "logicalType": "timestamp-micros" }),
        Kind::Text | Kind::Mixed => json!("string"),
        Kind::Nested(avro) => avro.clone(),
    }
}

/// Adds the values within the objects of a column, one level deep.
fn inner(plan: &mut Plan, table: &Table, origin: usize, column: &Column) {
    if table.objects.is_none() {
        return;
    }
    let mut keys: Vec<&String> = Vec::new();
    for cell in &column.cells {
        let Cell::Nested(Json::Object(object)) = cell else { continue };
        for key in object.keys().filter(|key| names::is_legal(key)) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    for key in keys {
        let cells = column.cells.iter().map(|outer| match outer {
            Cell::Nested(object) => object.get(key).map_or(Cell::Missing, cell),
            _ => Cell::Missing,
        });
        let cells = Column { name: key.clone(), cells: cells.collect(), field: None };
        let kind = guess::of_json(&cells);
        if matches!(kind, Kind::Nested(_) | Kind::Mixed) {
            continue;
        }
        let sql = format!("{}[{}]", quoted(&column.name), names::literal(key));
        let avro = avro_type(&kind);
        let name = key.clone();
        plan.inner.push(Planned {
            name,
            origin: Some(origin),
            kind,
            avro,
            required: false,
            derive: None,
            sql,
            cells: Some(cells),
        });
    }
}
