//! What ORC files lack is said before anything runs.

use stream::Stream;

use crate::fixture::{Files, GOOD, SCHEMA};

fn load(fields: &str, format: &str) -> Result<Stream, String> {
    let mut files = Files::new();
    let schema = SCHEMA.replace("\n  ]\n}", &format!(",\n{fields}\n  ]\n}}"));
    assert_ne!(schema, SCHEMA);
    files.0.insert("hit.avsc", schema.into_bytes());
    let text = GOOD.replace("format: parquet", &format!("format: {format}"));
    Stream::load("stream.yaml", &text, &files).map_err(|errors| errors.to_string())
}

const HELD: &str = r#"{ "name": "kind", "type": ["null", { "type": "enum", "name": "Kind", "symbols": ["A", "B"] }], "default": null },
    { "name": "day", "type": ["null", { "type": "int", "logicalType": "date" }], "default": null },
    { "name": "raw", "type": ["null", "bytes"], "default": null }"#;

const LACKING: &str = r#"{ "name": "hits", "type": ["null", { "type": "array", "items": "double" }], "default": null },
    { "name": "price", "type": ["null", { "type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2 }], "default": null }"#;

#[test]
fn a_stream_with_types_that_orc_has_is_accepted() {
    load(HELD, "orc").unwrap();
    load(LACKING, "parquet").unwrap();
}

#[test]
fn columns_that_orc_lacks_are_named_with_the_line_and_what_helps() {
    let error = load(LACKING, "orc").unwrap_err();
    let line = GOOD.lines().position(|line| line.contains("format: parquet")).unwrap() + 1;
    for says in [
        format!("stream.yaml:{line}:"),
        "`hits` (a list), `price` (a decimal)".to_owned(),
        "set `format: parquet`".to_owned(),
    ] {
        assert!(error.contains(&says), "{says}: {error}");
    }
    assert!(!error.contains("anomaly_causes"), "{error}");
}
