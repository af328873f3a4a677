//! A layer has one name, and one place in the order of the layers, in definitions, columns and the detector.

#![allow(clippy::unwrap_used)]

use detect::Layer;
use fixtures::Memory;
use stream::{Stream, columns};

const DEFINITION: &str = "apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: readings }
spec: { schema: reading.avsc, id: id, key: id, time: at, detect: { features: [value] } }
";

const SCHEMA: &str = r#"{ "type": "record", "name": "Reading", "fields": [
    { "name": "id", "type": "string" }, { "name": "at", "type": "string" }, { "name": "value", "type": "double" } ] }"#;

#[test]
fn layers_are_the_same_ones_in_definitions_columns_and_the_detector() {
    let stream = Stream::load("readings.yaml", DEFINITION, &Memory(&[("reading.avsc", SCHEMA)])).unwrap();
    let definition = stream.definition.spec.detect.as_ref().unwrap().layers_by_name().map(|(name, _)| name);
    let detector = Layer::ALL.map(Layer::name);
    assert_eq!(definition.as_slice(), detector.as_slice(), "Detect::layers_by_name");
    assert_eq!(columns::LAYERS.as_slice(), detector.as_slice(), "columns::LAYERS");
    let scores = detector.map(|name| format!("score_{name}"));
    assert_eq!(columns::LAYER_SCORES.as_slice(), scores.as_slice(), "columns::LAYER_SCORES");
    let reserved = columns::RESERVED;
    let unreserved: Vec<&str> = columns::LAYER_SCORES.into_iter().filter(|name| !reserved.contains(name)).collect();
    assert!(unreserved.is_empty(), "columns::RESERVED lacks {unreserved:?}");
}
