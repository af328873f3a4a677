//! Values within objects and records, which may have a role or be measured but are not columns.

use std::collections::BTreeSet;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::DataType,
};
use serde_json::Value as Json;

use crate::{
    guess::{self, Kind},
    json_table::cell,
    names::{self, quoted},
    planned::{Plan, Planned, avro_type, sql_name, typed},
    table::{Cell, Column, Table},
    typed_table,
};

/// Records within records.
const DEPTH_MAX: usize = 4;

/// Values that are looked at.
const VALUES_MAX: usize = 2_000;

/// Adds the values within a column to the plan.
pub(crate) fn add(plan: &mut Plan, table: &Table, origin: usize, column: &Column) {
    let sql = quoted(&sql_name(column));
    if let Some(rows) = &table.typed {
        of_records(plan, origin, rows.column(origin), &sql, 0);
    } else if table.objects.is_some() {
        let values: Vec<Option<&Json>> = column.cells.iter().map(nested).collect();
        let is_topic = table.topic.is_some();
        of_objects(&mut Objects { plan, origin, is_topic }, &values, &sql, true, 0);
    }
}

fn nested(cell: &Cell) -> Option<&Json> {
    match cell {
        Cell::Nested(value) => Some(value),
        _ => None,
    }
}

/// Whether a column has objects and nothing else.
pub(crate) fn has_objects_only(column: &Column) -> bool {
    let is_object = |cell: &Cell| *cell == Cell::Missing || nested(cell).is_some_and(Json::is_object);
    column.cells.iter().all(is_object)
}

/// Where values within objects go.
struct Objects<'p> {
    plan: &'p mut Plan,
    origin: usize,
    is_topic: bool,
}

/// The values within objects. One whose name a schema cannot have (`legal` says it of those around it) may date or
/// identify an event, but there is nothing in the stream that could be measured.
fn of_objects(to: &mut Objects<'_>, values: &[Option<&Json>], sql: &str, legal: bool, depth: usize) {
    let (mut keys, mut known): (Vec<&String>, BTreeSet<&String>) = Default::default();
    for object in values.iter().flatten().filter_map(|value| value.as_object()) {
        keys.extend(object.keys().filter(|key| known.insert(key)));
    }
    for key in keys {
        let legal = legal && names::is_legal(key);
        // The messages of a topic need a type for what `derive` reads.
        if depth == DEPTH_MAX || to.plan.inner.len() >= VALUES_MAX || !legal && to.is_topic {
            continue;
        }
        let sql = format!("{sql}[{}]", names::literal(key));
        let inner: Vec<Option<&Json>> = values.iter().map(|value| value.and_then(|value| value.get(key))).collect();
        let cells = inner.iter().map(|value| value.map_or(Cell::Missing, cell)).collect();
        let cells = Column { name: key.clone(), cells, ..Column::default() };
        let (kind, as_written) = guess::of_json(&cells);
        if !as_written && (legal || !matches!(kind, Kind::Long | Kind::Double)) {
            push(to.plan, to.origin, sql.clone(), kind, cells);
        }
        of_objects(to, &inner, &sql, legal, depth + 1);
    }
}

fn of_records(plan: &mut Plan, origin: usize, values: &ArrayRef, sql: &str, depth: usize) {
    let DataType::Struct(fields) = values.data_type() else { return };
    for (field, inner) in fields.iter().zip(values.as_struct().columns()) {
        if depth == DEPTH_MAX || plan.inner.len() >= VALUES_MAX {
            return;
        }
        let sql = format!("{sql}[{}]", names::literal(field.name()));
        of_records(plan, origin, inner, &sql, depth + 1);
        let mut cells = typed_table::column(field, inner);
        for (row, cell) in cells.cells.iter_mut().enumerate() {
            if values.is_null(row) {
                *cell = Cell::Missing;
            }
        }
        let kind = typed(&cells, field);
        push(plan, origin, sql, kind, cells);
    }
}

fn push(plan: &mut Plan, origin: usize, sql: String, kind: Kind, cells: Column) {
    if matches!(kind, Kind::Nested(_) | Kind::Mixed(_)) {
        return;
    }
    let avro = avro_type(&kind);
    let name = if names::is_legal(&cells.name) { cells.name.clone() } else { names::legal(&cells.name, &[]) };
    let (origin, cells) = (Some(origin), Some(cells));
    plan.inner.push(Planned { name, origin, kind, avro, required: false, derive: None, sql, cells, doc: None });
}
