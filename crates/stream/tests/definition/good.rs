//! Definitions that are right.

use std::{fs, path::PathBuf};

use arrow::datatypes::Schema;
use stream::{FileReader, Stream, Topics, columns};

use crate::fixture::{Files, GOOD, SCHEMA, load, with};

fn names(schema: &Schema) -> Vec<&str> {
    schema.fields().iter().map(|field| field.name().as_str()).collect()
}

#[test]
fn columns_follow_one_another_in_the_order_of_the_definition() {
    let stream = load(GOOD).unwrap();
    let raw = stream.input.arrow().fields().len();
    assert_eq!(names(&stream.enriched)[raw..], ["mass_gev", "pt", "log_pt"]);
    assert_eq!(
        names(&stream.scored)[raw + 3..],
        [
            "anomalous",
            "anomaly_score",
            "score_ewma",
            "score_mahalanobis",
            "anomaly_reasons",
            "anomaly_state",
            "anomaly_words",
            "anomaly_causes",
            "trace_id"
        ]
    );
    assert_eq!(stream.features.len(), 2);
    assert_eq!(stream.quality[0].0, "positive_energy");
    assert_eq!(stream.selections[0].0, "high_energy_events");
    let spec = &stream.definition.spec;
    let Some(stream::Source::Synthetic(synthetic)) = &spec.source else { panic!("{:?}", spec.source) };
    assert_eq!((synthetic.seed, synthetic.events, synthetic.rate), (u64::MAX, Some(1_000_000), 1000.0));
}

#[test]
fn without_features_no_learned_layer_is_on_and_without_a_detector_nothing_is_added() {
    let stream = load(&with("    features: [log_pt, \"ln(energy_gev)\"]\n", "")).unwrap();
    let added = stream.scored.fields().len() - stream.enriched.fields().len();
    assert_eq!(
        names(&stream.scored)[stream.enriched.fields().len()..],
        [
            "anomalous",
            "anomaly_score",
            "anomaly_reasons",
            "anomaly_state",
            "anomaly_words",
            "anomaly_causes",
            "trace_id"
        ]
    );
    assert_eq!(added, 7);

    let (head, rest) = GOOD.split_once("  detect:\n").unwrap();
    let store = &rest[rest.find("  store:\n").unwrap()..];
    let stream = load(&format!("{head}{}", store.replace(" OR anomalous", ""))).unwrap();
    assert_eq!(stream.scored, stream.enriched);
}

#[test]
fn a_lookup_may_name_its_sides_apart() {
    let text = with("on: particle_type", "on: { detector_id: particle_type }");
    assert!(names(&load(&text).unwrap().enriched).contains(&"mass_gev"));
}

#[test]
fn anchors_stand_for_what_they_name() {
    let text = with("log_pt: ln(pt)", "log_pt: &log ln(pt)\n      again: *log");
    let stream = load(&text).unwrap();
    assert_eq!(stream.columns[2].1.sql(), "ln(pt)");
}

#[test]
fn topics_and_schemas_are_named_after_stream_and_record() {
    let stream = load(GOOD).unwrap();
    assert_eq!(stream.topics(), Topics::of("particle-events"));
    assert_eq!(stream.topics().dead_letters, "particle-events.dead-letters");
    let scored = stream.scored_schema().unwrap();
    let avro: serde_json::Value = serde_json::from_str(scored.avro()).unwrap();
    assert_eq!((&avro["name"], &avro["namespace"]), (&"HitScored".into(), &"dev.beamline.test".into()));
    let fields: Vec<&str> =
        avro["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(fields, names(&stream.scored));
    assert!(columns::RESERVED.iter().any(|name| fields.contains(name)));
    // A reader can tell which scale the scores have, and what is new can be null, so that old rows can be read.
    let field = |name: &str| avro["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap();
    assert!(field("anomaly_score")["doc"].as_str().unwrap().starts_with("version 3 of the scores"));
    for name in ["anomaly_score", "anomaly_state", "anomaly_words", "anomaly_causes", "trace_id"] {
        assert_eq!(
            (&field(name)["type"][0], field(name).get("default")),
            (&"null".into(), Some(&serde_json::Value::Null))
        );
    }
}

struct Beside(PathBuf);

impl FileReader for Beside {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|error| error.to_string())
    }
}

#[test]
fn the_streams_of_the_repository_load() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../streams");
    let mut loaded = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        // Cases of a stream stand beside it.
        let cases = path.to_string_lossy().ends_with(".test.yaml");
        if path.extension().is_some_and(|ending| ending == "yaml") && !cases {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let stream = Stream::load(&name, &text, &Beside(folder.clone()));
            if let Err(errors) = stream {
                panic!("{errors}");
            }
            loaded += 1;
        }
    }
    assert!(loaded >= 6, "only {loaded} streams found");
}

/// The definition goes before the schema.
#[test]
fn a_column_is_in_the_unit_that_the_definition_or_the_schema_says() {
    let mut files = Files::new();
    let schema = [("energy_gev", "GeV"), ("momentum_x", "GeV/c"), ("momentum_y", "")].iter().fold(
        SCHEMA.to_owned(),
        |text, (name, unit)| {
            let field = format!("\"name\": \"{name}\",");
            text.replace(&field, &format!("{field} \"unit\": \"{unit}\","))
        },
    );
    files.0.insert("hit.avsc", schema.into());
    let page = "  page: { columns: { pt: { unit: GeV/c }, energy_gev: { unit: MeV }, log_pt: {} } }\n  store:\n";
    let stream = Stream::load("stream.yaml", &with("  store:\n", page), &files).unwrap();
    let units: Vec<(&str, &str)> = stream.units.iter().map(|(name, unit)| (name.as_str(), unit.as_str())).collect();
    assert_eq!(units, [("energy_gev", "MeV"), ("momentum_x", "GeV/c"), ("pt", "GeV/c")]);
    assert!(load(GOOD).unwrap().units.is_empty());
}
