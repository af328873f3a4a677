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
    assert!(field("anomaly_score")["doc"].as_str().unwrap().starts_with("version 4 of the scores"));
    for name in ["anomaly_score", "anomaly_state", "anomaly_words", "anomaly_causes", "trace_id"] {
        assert_eq!(
            (&field(name)["type"][0], field(name).get("default")),
            (&"null".into(), Some(&serde_json::Value::Null))
        );
    }
}

/// Where keys may be silent, a row of the anomalies may have nothing but its identity and what was found.
#[test]
fn anomalies_have_the_columns_of_scored_events() {
    let stream = load(GOOD).unwrap();
    assert_eq!((stream.anomalies(), stream.max_ahead()), (stream.scored.clone(), None));
    let stream = load(&with("    layers:\n", "    layers:\n      silence: true\n")).unwrap();
    let anomalies = stream.anomalies();
    assert_eq!(names(&anomalies), names(&stream.scored));
    let never_null: Vec<&str> =
        anomalies.fields().iter().filter(|field| !field.is_nullable()).map(|field| field.name().as_str()).collect();
    assert_eq!(never_null, ["event_id", "timestamp", "detector_id", "anomalous"]);
    assert!(stream.scored.fields().iter().filter(|field| !field.is_nullable()).count() > never_null.len());
    assert_eq!(stream.max_ahead(), Some(std::time::Duration::from_secs(3600)));
    let avro: serde_json::Value = serde_json::from_str(stream.anomalies_schema().unwrap().avro()).unwrap();
    assert_eq!(avro["name"], "HitScored");
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

/// `GOOD` with this in place of its `detect`, and without what is over its columns.
fn detecting(detect: &str) -> Stream {
    let (head, rest) = GOOD.split_once("  detect:\n").unwrap();
    let store = &rest[rest.find("  store:\n").unwrap()..];
    load(&format!("{head}{detect}{store}")).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn a_detector_that_names_nothing_looks_at_the_measurements() {
    let stream = detecting("  detect: {}\n");
    let chosen = stream.chosen.as_ref().unwrap();
    let features = [
        "ln(energy_gev)",
        "momentum_x",
        "momentum_y",
        "momentum_z",
        "ln(counts + 1)",
        "ln(pt)",
        "log_pt",
        "frequency(particle_type)",
    ];
    assert_eq!(chosen.features, features);
    assert_eq!(chosen.left_out, [("is_anomaly".to_owned(), "a label"), ("mass_gev".to_owned(), "looked up")]);
    // From there on it is as if they had been named.
    let named = detecting(&format!("  detect: {{ features: {features:?}, episode_after: 100 }}\n"));
    assert_eq!(named.chosen, None);
    assert_eq!((&stream.definition, &stream.fingerprints), (&named.definition, &named.fingerprints));
    assert_eq!((stream.features.len(), stream.scored.clone()), (8, named.scored));
    // The other settings are as they are named.
    let detect = detecting("  detect: { false_alarm_rate: 1e-4, layers: { chains: false } }\n").definition.spec.detect;
    assert_eq!(detect.map(|detect| (detect.features.len(), detect.false_alarm_rate)), Some((8, 1e-4)));
}

#[test]
fn a_detector_that_names_rules_or_an_empty_list_chooses_nothing() {
    for detect in ["{ features: [] }", "{ rules: [{ name: high_energy, when: \"energy_gev > 900\" }] }"] {
        let stream = detecting(&format!("  detect: {detect}\n"));
        assert_eq!((stream.chosen, stream.features.len()), (None, 0), "{detect}");
    }
}

#[test]
fn identities_codes_times_and_labels_are_no_features_and_there_are_eight_at_most() {
    let fields = [
        ("event_id", "\"string\""),
        ("detector_id", "\"string\""),
        ("timestamp", "{ \"type\": \"long\", \"logicalType\": \"timestamp-micros\" }"),
        ("is_anomaly", "\"int\""),
        ("run", "\"long\""),
        ("channel_id", "\"double\""),
        ("readout_time", "\"double\""),
        ("partition", "\"int\""),
        ("true", "\"double\""),
        ("a", "\"double\""),
        ("b", "\"double\""),
        ("c", "\"double\""),
        ("d", "\"double\""),
        ("e", "\"double\""),
        ("f", "\"double\""),
        ("g", "\"double\""),
        ("energy_change", "\"double\""),
    ];
    let fields: Vec<String> =
        fields.iter().map(|(name, kind)| format!("{{ \"name\": \"{name}\", \"type\": {kind} }}")).collect();
    let schema = format!("{{ \"type\": \"record\", \"name\": \"Hit\", \"fields\": [{}] }}", fields.join(", "));
    let mut files = Files::new();
    files.0.insert("hit.avsc", schema.into());
    let text = "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: { name: hits }\nspec: { schema: hit.avsc, id: event_id, key: detector_id, time: timestamp, detect: {} }\n";
    let chosen = Stream::load("stream.yaml", text, &files).unwrap_or_else(|errors| panic!("{errors}")).chosen.unwrap();
    assert_eq!(chosen.features, ["energy_change", "\"true\"", "a", "b", "c", "d", "e", "f"]);
    let left_out: Vec<(&str, &str)> = chosen.left_out.iter().map(|(name, why)| (name.as_str(), *why)).collect();
    assert_eq!(
        left_out,
        [
            ("is_anomaly", "a label"),
            ("run", "an identity or a code"),
            ("channel_id", "an identity or a code"),
            ("readout_time", "a time"),
            ("partition", "a place in a file or a topic"),
            ("g", "one too many")
        ]
    );
}
