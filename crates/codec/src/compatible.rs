//! Whether one schema reads every message of another.
//!
//! Stricter than decoding, which rejects single messages: a value that the reader cannot hold, be it a null or a
//! symbol, is a reason even though other values go through.

use crate::{
    ValueSchema,
    avro::Record,
    plan::{Plan, Target},
    rules,
};

impl ValueSchema {
    /// What keeps this schema from reading every message of a writer, a sentence a field; empty where nothing does.
    pub fn obstacles(&self, writer: &ValueSchema) -> Vec<String> {
        obstacles(writer.record(), self.record())
    }
}

fn obstacles(writer: &Record, reader: &Record) -> Vec<String> {
    // The record itself first: its name is not a field's fault.
    if let Err(reason) = rules::resolve(writer, &part(reader, 0..0)) {
        return vec![reason];
    }
    // Each field by itself, because resolving ends at the first that does not fit.
    let mut reasons = Vec::new();
    for index in 0..reader.fields.len() {
        match rules::resolve(writer, &part(reader, index..index + 1)) {
            Ok(plan) => losses(&plan, "", &mut reasons),
            Err(reason) => reasons.push(reason),
        }
    }
    if reasons.is_empty() {
        reasons.extend(rules::resolve(writer, reader).err());
    }
    reasons
}

/// The record with some of its fields.
fn part(record: &Record, fields: std::ops::Range<usize>) -> Record {
    Record { fields: record.fields[fields].to_vec(), ..record.clone() }
}

/// The values that a plan can read but the reader cannot hold.
fn losses(plan: &Plan, path: &str, reasons: &mut Vec<String>) {
    match plan {
        Plan::Nullable { accepted, value, .. } => {
            if !accepted {
                reasons.push(format!("{path}a null cannot be read as a value that is never null"));
            }
            losses(value, path, reasons);
        }
        Plan::Enum(symbols) => {
            let unknown = symbols.symbols.iter().zip(&symbols.indices).filter(|(_, index)| index.is_none());
            for (symbol, _) in unknown {
                reasons.push(format!("{path}symbol `{symbol}` is not among the reader's, which have no default"));
            }
        }
        Plan::Record(record) => {
            for field in &record.fields {
                if let Target::Column(_, plan) = &field.target {
                    losses(plan, &format!("{path}field `{}`: ", field.name), reasons);
                }
            }
        }
        Plan::Array(items, _) => losses(items, path, reasons),
        Plan::Map(values, _) => losses(values, path, reasons),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(fields: &str) -> ValueSchema {
        ValueSchema::parse(&format!(r#"{{"type": "record", "name": "E", "fields": [{fields}]}}"#)).unwrap()
    }

    const A: &str = r#"{"name": "a", "type": "int"}"#;

    #[test]
    fn what_evolves_well_has_no_obstacle() {
        let old = schema(A);
        let new = schema(&format!(r#"{A}, {{"name": "b", "type": ["null", "long"], "default": null}}"#));
        assert!(new.obstacles(&old).is_empty() && old.obstacles(&new).is_empty());
        let wider = schema(r#"{"name": "a", "type": "long"}"#);
        assert!(wider.obstacles(&old).is_empty());
        assert_eq!(old.obstacles(&wider), ["field `a`: long cannot be read as int"]);
    }

    #[test]
    fn every_field_has_its_say() {
        let old = schema(&format!(r#"{A}, {{"name": "c", "type": "string"}}"#));
        let new =
            schema(r#"{"name": "a", "type": "string"}, {"name": "b", "type": "long"}, {"name": "c", "type": "int"}"#);
        let expected = [
            "field `a`: int cannot be read as string",
            "field `b` is missing and has no default",
            "field `c`: string cannot be read as int",
        ];
        assert_eq!(new.obstacles(&old), expected);
    }

    #[test]
    fn values_that_cannot_be_held_are_obstacles() {
        let nullable = schema(r#"{"name": "a", "type": ["null", "int"]}"#);
        assert!(nullable.obstacles(&schema(A)).is_empty());
        assert_eq!(schema(A).obstacles(&nullable), ["field `a`: a null cannot be read as a value that is never null"]);
        let within = |kind: &str, item: &str| {
            let key = if kind == "map" { "values" } else { "items" };
            schema(&format!(r#"{{"name": "a", "type": {{"type": "{kind}", "{key}": {item}}}}}"#))
        };
        for kind in ["array", "map"] {
            let (plain, nullable) = (within(kind, r#""int""#), within(kind, r#"["null", "int"]"#));
            assert!(nullable.obstacles(&plain).is_empty());
            assert_eq!(plain.obstacles(&nullable), ["field `a`: a null cannot be read as a value that is never null"]);
        }
        let kinds = |symbols: &str| {
            schema(&format!(r#"{{"name": "k", "type": {{"type": "enum", "name": "K", "symbols": [{symbols}]}}}}"#))
        };
        let (two, three) = (kinds(r#""x", "y""#), kinds(r#""x", "y", "z""#));
        assert!(three.obstacles(&two).is_empty());
        assert_eq!(two.obstacles(&three), ["field `k`: symbol `z` is not among the reader's, which have no default"]);
    }

    #[test]
    fn another_name_is_said_once() {
        let other = ValueSchema::parse(&format!(r#"{{"type": "record", "name": "F", "fields": [{A}]}}"#)).unwrap();
        assert_eq!(schema(A).obstacles(&other).len(), 1);
    }
}
