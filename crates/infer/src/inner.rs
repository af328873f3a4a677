//! Values within objects and records, which may have a role or be measured but are not columns.

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
        of_objects(plan, origin, column, &sql);
    }
}

/// One level deep: an object's keys.
fn of_objects(plan: &mut Plan, origin: usize, column: &Column, sql: &str) {
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
        let cells = Column { name: key.clone(), cells: cells.collect(), ..Column::default() };
        if let (kind, false) = guess::of_json(&cells) {
            push(plan, origin, format!("{sql}[{}]", names::literal(key)), kind, cells);
        }
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
    let name = cells.name.clone();
    let (origin, cells) = (Some(origin), Some(cells));
    plan.inner.push(Planned { name, origin, kind, avro, required: false, derive: None, sql, cells, doc: None });
}
