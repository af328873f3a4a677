//! Schemas and messages as they stood when this was written. A change here breaks what others have stored.

use std::{fmt::Write, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use codec::{Encoder, ValueSchema};

use crate::{
    roundtrip::{decode_all, decoder},
    wire::{Blocks, Datum, framed},
};

const EVERYTHING: &str = include_str!("everything.avsc");

/// A line a column.
fn columns(schema: &Schema) -> String {
    schema.fields().iter().fold(String::new(), |mut text, field| {
        let null = if field.is_nullable() { "" } else { " not null" };
        writeln!(text, "{}: {}{null}", field.name(), field.data_type()).unwrap();
        text
    })
}

#[test]
fn everything_as_arrow() {
    insta::assert_snapshot!(columns(ValueSchema::parse(EVERYTHING).unwrap().arrow()));
}

/// What the enricher registers: the input's columns as they were, and new ones of every type.
#[test]
fn everything_derived_with_more_columns() {
    let input = ValueSchema::parse(EVERYTHING).unwrap();
    let point = DataType::Struct(
        vec![Field::new("x", DataType::Float64, false), Field::new("id", DataType::FixedSizeBinary(3), true)].into(),
    );
    let new = [
        ("computed", DataType::Float64, true),
        ("flag", DataType::Boolean, false),
        ("small", DataType::UInt16, true),
        ("text", DataType::LargeUtf8, true),
        ("label", DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)), true),
        ("at", DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())), true),
        ("local", DataType::Timestamp(TimeUnit::Second, None), false),
        ("amount", DataType::Decimal128(9, 2), true),
        ("points", DataType::List(Arc::new(Field::new("item", point, true))), true),
    ];
    let new = new.into_iter().map(|(name, data_type, null)| Arc::new(Field::new(name, data_type, null)));
    let fields: Vec<_> = input.arrow().fields().iter().cloned().chain(new).collect();
    let derived = ValueSchema::derive(&Schema::new(fields), "everything_enriched", "lab.streams").unwrap();
    insta::assert_snapshot!("derived_avro", derived.avro());
    insta::assert_snapshot!("derived_arrow", columns(derived.arrow()));
}

/// A column that has changed its type is described anew.
#[test]
fn a_cast_column_loses_its_former_schema() {
    let input = ValueSchema::parse(EVERYTHING).unwrap();
    let field = input.arrow().field_with_name("particle").unwrap().clone();
    let field = field.with_data_type(DataType::Utf8).with_nullable(true).with_name("renamed");
    let derived = ValueSchema::derive(&Schema::new(vec![field]), "r", "").unwrap();
    insta::assert_snapshot!(derived.avro(), @r#"
    {
      "type": "record",
      "name": "r",
      "fields": [
        {
          "name": "renamed",
          "type": [
            "null",
            "string"
          ],
          "default": null
        }
      ]
    }
    "#);
}

#[test]
fn particle_event_as_bytes() {
    let schema = ValueSchema::parse(
        r#"{"type": "record", "name": "ParticleEvent", "namespace": "lab", "fields": [
            {"name": "event_id", "type": "string"},
            {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "energy_gev", "type": "double"},
            {"name": "tag", "type": ["null", "string"], "default": null},
            {"name": "is_anomaly", "type": "boolean"}]}"#,
    )
    .unwrap();
    let row = Datum::Record(vec![
        Datum::Prefixed(b"e-1".to_vec()),
        Datum::Number(1_735_689_600_000_000),
        Datum::Double(91.1876_f64.to_bits()),
        Datum::Branch(0, Box::new(Datum::Nothing)),
        Datum::Boolean(true),
    ]);
    let rows = decode_all(&mut decoder(&schema, 258), &[framed(258, &row, Blocks::One)]);
    let framed = Encoder::new(schema, 258).unwrap().encode(&rows).unwrap();
    let hex = framed.bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    insta::assert_snapshot!(hex, @"000000010206652d318080e3a0b7a69506b22e6ea301cc56400001");
}
