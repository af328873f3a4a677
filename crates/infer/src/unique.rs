//! Named types of an Avro schema: each defined once, and under one name only.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value as Json, json};

/// Types that were written.
#[derive(Default)]
pub(crate) struct Written {
    by_name: HashMap<String, Json>,
    names: BTreeSet<String>,
}

impl Written {
    /// A type in which each named type that was written before, the same in all its parts, is its name only, and each
    /// other one has a name that none was given before. `namespace` is that of what is around it.
    pub(crate) fn unique(&mut self, avro: &Json, namespace: &str) -> Json {
        match avro {
            Json::Array(branches) => branches.iter().map(|branch| self.unique(branch, namespace)).collect(),
            Json::Object(object) => {
                let mut object = object.clone();
                let kind = object.get("type").and_then(Json::as_str).unwrap_or_default().to_owned();
                let mut within = namespace.to_owned();
                if matches!(kind.as_str(), "record" | "enum" | "fixed") {
                    let own = object.get("namespace").and_then(Json::as_str).unwrap_or(namespace).to_owned();
                    let name = object.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
                    let full = if own.is_empty() || name.contains('.') { name } else { format!("{own}.{name}") };
                    if self.by_name.get(&full) == Some(avro) {
                        return json!(full);
                    }
                    let free = (1..).map(|number| if number == 1 { full.clone() } else { format!("{full}_{number}") });
                    let free = free.into_iter().find(|name| !self.names.contains(name)).unwrap_or_default();
                    self.names.insert(free.clone());
                    if free == full {
                        self.by_name.insert(full, avro.clone());
                    } else {
                        object.insert("name".to_owned(), json!(free));
                        object.shift_remove("namespace");
                    }
                    within = free.rsplit_once('.').map_or_else(String::new, |(namespace, _)| namespace.to_owned());
                }
                for key in ["items", "values", "type"] {
                    if let Some(inner) = object.get(key).filter(|inner| !inner.is_string()) {
                        let inner = self.unique(inner, &within);
                        object.insert(key.to_owned(), inner);
                    }
                }
                if let Some(Json::Array(fields)) = object.get("fields") {
                    let fields = fields.iter().map(|field| self.unique(field, &within)).collect();
                    object.insert("fields".to_owned(), fields);
                }
                Json::Object(object)
            }
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_defined_once_and_another_of_its_name_gets_one_of_its_own() {
        let point = |kind: &str| json!({ "type": "record", "name": "P", "fields": [{ "name": "x", "type": kind }] });
        let mut written = Written::default();
        assert_eq!(written.unique(&point("int"), "a"), point("int"));
        assert_eq!(written.unique(&json!(["null", point("int")]), "a"), json!(["null", "a.P"]));
        let other = written.unique(&json!({ "type": "array", "items": point("long") }), "a");
        assert_eq!(other["items"]["name"], "a.P_2");
        let nested = json!({ "type": "record", "name": "Q", "namespace": "b", "fields": [
            { "name": "p", "type": point("int") }, { "name": "q", "type": ["null", point("int")] }] });
        let nested = written.unique(&nested, "a");
        assert_eq!(nested["fields"][1]["type"][1], "b.P");
    }

    #[test]
    fn a_name_with_dots_and_one_without_a_namespace_stand_as_they_are() {
        let fixed = |name: &str| json!({ "type": "fixed", "name": name, "size": 4 });
        let mut written = Written::default();
        for (name, namespace, full) in [("x.P", "a", "x.P"), ("Q", "", "Q"), ("R", "a", "a.R")] {
            assert_eq!(written.unique(&fixed(name), namespace), fixed(name));
            assert_eq!(written.unique(&fixed(name), namespace), json!(full));
        }
    }
}
