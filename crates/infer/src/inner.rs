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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{Float64Array, RecordBatch, StringArray, StructArray},
        buffer::NullBuffer,
        datatypes::{Field, Fields},
    };

    use super::*;
    use crate::{examples::table, plan, topic::Topic};

    /// The values within a text's objects: the SQL of each, and what it holds.
    fn within(text: &str, is_topic: bool) -> Vec<(String, Kind)> {
        let mut table = table(text);
        let topic = || Topic { name: "t".into(), format: stream::MessageFormat::Json, schema: None, has_keys: true };
        table.topic = is_topic.then(topic);
        plan::plan(&mut table).unwrap().inner.into_iter().map(|inner| (inner.sql, inner.kind)).collect()
    }

    fn found(values: &[(&str, Kind)]) -> Vec<(String, Kind)> {
        values.iter().map(|(sql, kind)| ((*sql).to_owned(), kind.clone())).collect()
    }

    #[test]
    fn values_within_objects_are_called_by_their_path() {
        let text = "{\"o\": {\"x\": 1.5, \"in\": {\"t\": \"a\"}, \"l\": [1], \"it's\": \"b\", \"@n\": 1}}\n{\"o\": {\"x\": 2, \"odd\": [1, \"a\"]}}\n";
        let wanted = [("\"o\"['x']", Kind::Double), ("\"o\"['in']['t']", Kind::Text), ("\"o\"['it''s']", Kind::Text)];
        assert_eq!(within(text, false), found(&wanted));
        // The messages of a topic have types for legal names only.
        assert_eq!(within(text, true), found(&wanted[..2]));
        // Numbers written as text are neither, and a row's own columns are not within.
        assert_eq!(
            within("{\"o\": {\"x\": 1, \"y\": true}, \"z\": 1}\n{\"o\": {\"x\": \"a\", \"y\": false}}\n", false),
            found(&[("\"o\"['y']", Kind::Boolean)])
        );
        // Not even beneath a name that is not legal are numbers there to be measured.
        assert_eq!(
            within("{\"o\": {\"a\": 1, \"@n\": {\"x\": 1, \"t\": \"a\"}}}\n", false),
            found(&[("\"o\"['a']", Kind::Double), ("\"o\"['@n']['t']", Kind::Text)])
        );
    }

    #[test]
    fn they_are_looked_for_four_deep_and_two_thousand_at_most() {
        let deep = |depth: usize| (0..depth).fold("true".to_owned(), |inner, _| format!("{{\"a\": {inner}}}"));
        assert_eq!([4, 5, 6].map(|depth| within(&deep(depth), false).len()), [1, 1, 0]);
        let many = |count: usize| {
            let values = (0..count).map(|n| format!("\"a{n}\": true")).collect::<Vec<_>>().join(",");
            format!("{{\"o\": {{{values}}}}}\n")
        };
        assert_eq!(within(&many(2_001), false).len(), 2_000);
    }

    #[test]
    fn a_column_that_is_left_out_is_looked_into_where_it_has_objects_only() {
        let left_out =
            |second: &str| within(&format!("{{\"o\": {{\"@t\": \"a\"}}}}\n{{\"o\": {second}}}\n{{\"x\": 1}}\n"), false);
        assert_eq!(left_out("{\"@t\": \"b\"}"), found(&[("\"o\"['@t']", Kind::Text)]));
        assert_eq!((left_out("[1]"), left_out("3")), (vec![], vec![]));
        let column = |cells: Vec<Cell>| Column { cells, ..Column::default() };
        let object = || Cell::Nested(serde_json::json!({}));
        assert!(has_objects_only(&column(vec![object(), Cell::Missing])));
        assert!(!has_objects_only(&column(vec![object(), Cell::Nested(serde_json::json!([]))])));
        assert!(!has_objects_only(&column(vec![object(), Cell::Bool(true)])));
    }

    /// Records within records, of which the second row has none.
    #[test]
    fn values_within_records_are_missing_where_the_record_is() {
        let leaf =
            |name: &str, values: ArrayRef| (Arc::new(Field::new(name, values.data_type().clone(), true)), values);
        let numbers = leaf("x", Arc::new(Float64Array::from(vec![1.5, 2.5])));
        let texts = leaf("s", Arc::new(StringArray::from(vec!["a", "b"])));
        let (fields, columns): (Vec<_>, Vec<_>) = [numbers, texts].into_iter().unzip();
        let mut values: ArrayRef =
            Arc::new(StructArray::new(Fields::from(fields), columns, Some(NullBuffer::from(vec![true, false]))));
        let of = |values: &ArrayRef| {
            let rows = RecordBatch::try_from_iter_with_nullable([("r", values.clone(), true)]).unwrap();
            let mut table = typed_table::read(&rows).unwrap();
            let inner = plan::plan(&mut table).unwrap().inner;
            let shown = |inner: Planned| (inner.sql, inner.name, inner.kind, inner.cells.map(|cells| cells.gaps()));
            inner.into_iter().map(shown).collect::<Vec<_>>()
        };
        let wanted = [
            ("\"r\"['x']".to_owned(), "x".to_owned(), Kind::Double, Some(1)),
            ("\"r\"['s']".to_owned(), "s".to_owned(), Kind::Text, Some(1)),
        ];
        assert_eq!(of(&values), wanted);
        for (depth, count) in [(2, 2), (3, 2), (4, 2), (5, 0)] {
            values = Arc::new(StructArray::from(vec![leaf("in", values)]));
            assert_eq!(of(&values).len(), count, "{depth}");
        }
    }
}
