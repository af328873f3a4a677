//! `beamline schemas` against a real registry: what fits goes in, what does not is told by field and leaves no trace.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    process::{Command, Output},
};

use registry::{Registry, Settings};
use servers::{Apicurio, GoRegistry};
use tempfile::TempDir;

const DEFINITION: &str = "\
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: hits }
spec:
  schema: hit.avsc
  id: id
  key: sensor
  time: at
  enrich:
    columns:
      double: \"energy * 2\"
";

fn schema(more: &str) -> String {
    format!(
        r#"{{"type": "record", "name": "Hit", "fields": [{{"name": "id", "type": "string"}},
        {{"name": "sensor", "type": "string"}}, {{"name": "energy", "type": "double"}},
        {{"name": "at", "type": {{"type": "long", "logicalType": "timestamp-millis"}}}}{more}]}}"#
    )
}

struct Place {
    folder: TempDir,
    url: String,
}

impl Place {
    fn new(url: String) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("hits.yaml"), DEFINITION).unwrap();
        Self { folder, url }
    }

    fn with(&self, more: &str) -> &Self {
        fs::write(self.folder.path().join("hit.avsc"), schema(more)).unwrap();
        self
    }

    fn schemas(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_beamline"))
            .arg("schemas")
            .args(words)
            .args(["hits.yaml", "--registry-url", &self.url])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

const OPTIONAL: &str = r#", {"name": "charge", "type": ["null", "int"], "default": null}"#;
const OBLIGATORY: &str = r#", {"name": "mass", "type": "double"}"#;

/// The life of a stream's schemas.
fn evolves(url: String) {
    let place = Place::new(url);
    let (code, out, err) = place.with("").schemas(&["check"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("hits-value: good, the first version"), "{out}");
    assert!(place.schemas(&["show"]).1.contains("hits-value: not registered"), "nothing is registered by a check");

    let (code, out, err) = place.schemas(&["register"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.lines().count() >= 4, "{out}");
    assert!(out.lines().all(|line| line.ends_with(", FULL_TRANSITIVE")), "{out}");
    assert_eq!(place.schemas(&["register"]).1, out, "once more is the same");
    let (_, shown, _) = place.schemas(&["show"]);
    for subject in ["hits-value", "hits.enriched-value", "hits.scored-value", "hits.anomalies-value"] {
        let line = shown.lines().find(|line| line.starts_with(&format!("{subject}: version 1, id "))).unwrap();
        assert!(line.ends_with("FULL_TRANSITIVE, as the definition has it"), "{line}");
    }

    let (code, out, err) = place.with(OPTIONAL).schemas(&["check"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("hits-value: good, may follow version 1"), "{out}");

    for words in [["check"], ["register"]] {
        let (code, _, err) = place.with(OBLIGATORY).schemas(&words);
        assert_eq!(code, Some(1), "{err}");
        let sentence = "hits-value: cannot read events of version 1 (id ";
        let line = err.lines().find(|line| line.contains(sentence)).unwrap_or_else(|| panic!("{err}"));
        assert!(line.ends_with("): field `mass` is missing and has no default"), "{line}");
    }
    let (_, shown, _) = place.with("").schemas(&["show"]);
    assert!(shown.contains("hits-value: version 1,"), "what does not fit is not registered: {shown}");

    assert_eq!(place.with(OPTIONAL).schemas(&["register"]).0, Some(0));
    assert!(place.schemas(&["show"]).1.contains("hits-value: version 2, "));
    let (code, _, err) = place.with(OBLIGATORY).schemas(&["check", "--level", "forward"]);
    // It reads no old events, and nobody asks it to; but the registry goes on holding the subject to its level.
    assert_eq!(code, Some(1));
    assert!(err.contains("the registry, which holds the subject to FULL_TRANSITIVE, refuses it"), "{err}");
}

/// A stream with a detector.
fn detecting() -> String {
    format!(
        "{DEFINITION}  detect:\n    features: [energy]\n    rules:\n      - {{ name: large, when: \"energy > 10\" }}\n"
    )
}

/// `hits.scored` of the stream above as revision dda95b3 registered it: its anomalies had no column `trace_id`.
const EARLIER: &str = include_str!("schemas/hits.scored-dda95b3.avsc");

/// A registry that has the schema from before there was a trace takes the one with it, at the strictest level.
fn a_trace_may_follow(url: String) {
    let place = Place::new(url.clone());
    fs::write(place.folder.path().join("hits.yaml"), detecting()).unwrap();
    let registry = Registry::new(&Settings::new(url)).unwrap();
    for subject in ["hits.scored-value", "hits.anomalies-value"] {
        registry.register(subject, EARLIER).unwrap();
    }
    let (code, out, err) = place.with("").schemas(&["check"]);
    assert_eq!(code, Some(0), "{err}");
    for subject in ["hits.scored-value", "hits.anomalies-value"] {
        assert!(out.contains(&format!("{subject}: good, may follow version 1")), "{out}");
    }
    let (code, _, err) = place.schemas(&["register"]);
    assert_eq!(code, Some(0), "{err}");
    let (_, shown, _) = place.schemas(&["show", "--full"]);
    assert!(shown.contains("hits.scored-value: version 2, ") && shown.contains("FULL_TRANSITIVE"), "{shown}");
    assert!(shown.contains("trace_id"), "{shown}");
}

#[test]
fn a_trace_follows_the_earlier_schema_in_the_registry_in_go() {
    let server = GoRegistry::start().unwrap();
    a_trace_may_follow(server.url());
}

#[test]
fn a_trace_follows_the_earlier_schema_in_apicurio() {
    let server = Apicurio::start().unwrap();
    a_trace_may_follow(server.url());
}

#[test]
fn schemas_evolve_with_the_registry_in_go() {
    let server = GoRegistry::start().unwrap();
    evolves(server.url());
}

#[test]
fn schemas_evolve_with_apicurio_which_gives_no_reasons() {
    let server = Apicurio::start().unwrap();
    evolves(server.url());
}

#[test]
fn a_registry_that_cannot_be_is_a_matter_of_configuration() {
    let place = Place::new("http://ann:hunter2@registry".to_owned());
    let (code, _, err) = place.with("").schemas(&["check"]);
    assert_eq!(code, Some(64), "{err}");
    assert!(!err.contains("hunter2"), "{err}");
    let (code, _, err) = place.schemas(&["check", "--level", "sideways"]);
    assert_eq!(code, Some(64));
    assert!(err.contains("FULL_TRANSITIVE"), "{err}");
}
