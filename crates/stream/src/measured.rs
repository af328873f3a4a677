//! The units that columns are in, as the definition or the schema says it.

use std::collections::BTreeMap;

use codec::ValueSchema;
use serde_json::Value as Json;

use crate::Spec;

/// The units of columns, by name: those of `page`, else the property `unit` of the schema's fields.
pub(crate) fn units(spec: &Spec, input: &ValueSchema) -> BTreeMap<String, String> {
    let schema: Json = serde_json::from_str(input.avro()).unwrap_or_default();
    let of_field = |field: &Json| Some((field["name"].as_str()?.to_owned(), field["unit"].as_str()?.to_owned()));
    let mut units: BTreeMap<String, String> =
        schema["fields"].as_array().into_iter().flatten().filter_map(of_field).collect();
    let columns = spec.page.iter().flat_map(|page| &page.columns);
    units.extend(columns.filter_map(|(name, column)| Some((name.clone(), column.unit.clone()?))));
    units.retain(|_, unit| !unit.trim().is_empty());
    units
}
