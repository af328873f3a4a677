//! Values within objects that the stream's type for them lacks: their names cannot stand in a schema, or they have no type in
//! common.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{
    names::{self, shown},
    table::{Cell, Column},
};

/// So many are named.
const NAMED_MAX: usize = 16;

/// The paths of values in a column that its Avro type lacks, each with the reason.
pub(crate) fn within(column: &Column, avro: &Json) -> Vec<String> {
    let mut found = BTreeMap::new();
    for cell in &column.cells {
        if let Cell::Nested(value) = cell {
            walk(&column.name, value, avro, &mut found);
        }
    }
    let more = found.len().saturating_sub(NAMED_MAX);
    let why = |legal| if legal { "its values have no type in common" } else { "its name cannot stand in a schema" };
    let named = found.into_iter().take(NAMED_MAX);
    let mut named: Vec<String> = named.map(|(path, legal)| format!("{} ({})", shown(&path), why(legal))).collect();
    if more > 0 {
        named.push(format!("{more} more within {}", shown(&column.name)));
    }
    named
}

/// Notes what `avro` lacks of a value, and whether its name could stand in a schema.
fn walk(path: &str, value: &Json, avro: &Json, found: &mut BTreeMap<String, bool>) {
    match value {
        Json::Object(object) => {
            for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
                let path = format!("{path}.{name}");
                let fields = avro["fields"].as_array().into_iter().flatten();
                match fields.into_iter().find(|field| field["name"] == **name) {
                    Some(field) => walk(&path, value, branch(&field["type"]), found),
                    None => drop(found.insert(path, names::is_legal(name))),
                }
            }
        }
        Json::Array(items) => {
            let path = format!("{path}[]");
            items.iter().for_each(|item| walk(&path, item, branch(&avro["items"]), found));
        }
        _ => {}
    }
}

/// The branch of a union with null that is not null.
fn branch(union: &Json) -> &Json {
    union.as_array().and_then(|branches| branches.last()).unwrap_or(union)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_what_a_type_lacks_by_its_path() {
        let avro = json!({ "type": "record", "name": "r", "fields": [
            { "name": "a", "type": ["null", "double"] },
            { "name": "l", "type": ["null", { "type": "array", "items": ["null", { "type": "record", "name": "i", "fields": [] }] }] } ] });
        let value = json!({ "a": 1.5, "@b": 2, "c": [1, "x"], "n": null, "l": [{ "d-e": 1 }, { "d-e": 2 }] });
        let column = Column { name: "o".into(), cells: vec![Cell::Missing, Cell::Nested(value)], ..Column::default() };
        let (name, kind) = ("its name cannot stand in a schema", "its values have no type in common");
        let wanted = [format!("`o.@b` ({name})"), format!("`o.c` ({kind})"), format!("`o.l[].d-e` ({name})")];
        assert_eq!(within(&column, &avro), wanted);
    }

    #[test]
    fn sixteen_are_named_and_the_rest_is_counted() {
        let of = |count: usize| {
            let value = (0..count).map(|n| (format!("@{n:02}"), json!(1))).collect::<serde_json::Map<_, _>>();
            let cells = vec![Cell::Nested(Json::Object(value))];
            within(&Column { name: "o".into(), cells, ..Column::default() }, &json!({ "fields": [] }))
        };
        assert_eq!((of(16).len(), of(18).len(), of(18)[16].as_str()), (16, 17, "2 more within `o`"));
    }
}
