//! Definitions and command lines that must be mended: exit code 64, and everything that is wrong at once.

use crate::place::{Place, csv, garbage, says};

#[test]
fn definitions_that_cannot_be_read() {
    let place = Place::new();
    says(&place.fails(64, &["run", "nope.yaml"]), &["nope.yaml", "cannot read"]);
    says(&place.fails(64, &["run", "."]), &["cannot read the stream definition"]);
    place.write("broken.yaml", "spec: {");
    says(&place.fails(64, &["run", "broken.yaml"]), &["broken.yaml:", "not YAML"]);
    place.write("binary.yaml", garbage(1_000));
    says(&place.fails(64, &["run", "binary.yaml"]), &["binary.yaml", "UTF-8"]);
    place.write("empty.yaml", "");
    says(&place.fails(64, &["run", "empty.yaml"]), &["empty.yaml"]);
    place.define("no-schema.yaml", "reading.avsc", "nope.avsc");
    says(&place.fails(64, &["run", "no-schema.yaml"]), &["no-schema.yaml:6:11", "nope.avsc", "cannot be read"]);
    place.write("bad.avsc", "{\"type\": \"record\"}");
    place.define("bad-schema.yaml", "reading.avsc", "bad.avsc");
    says(&place.fails(64, &["run", "bad-schema.yaml"]), &["bad-schema.yaml:6:11", "bad.avsc"]);
    says(
        &place.fails(64, &["run", "readings.yaml"]),
        &["readings.yaml has no source", "--listen", "--stdin", "beamline replay"],
    );
}

#[test]
fn ten_errors_are_said_at_once() {
    let place = Place::new();
    place.write(
        "ten.yaml",
        "apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: Readings! }
spec:
  schema: reading.avsc
  id: idd
  key: sensr
  time: tim
  partitions: 0
  qualty: []
  quality:
    - { name: warm, check: \"valu > 0\" }
    - { name: \"2 cold\", check: \"value\" }
  enrich:
    columns: { doubled: \"nosuch(value)\" }
  detect:
    features: [valeu]
    false_alarm_rate: 3
",
    );
    for command in ["run", "check-config"] {
        let said = place.fails(64, &[command, "ten.yaml"]);
        says(
            &said,
            &[
                "ten.yaml:3:19: `name` cannot be `Readings!`",
                "ten.yaml:6:7: id: column `idd` does not exist; did you mean `id`?",
                "ten.yaml:7:8: key: column `sensr` does not exist; did you mean `sensor`?",
                "ten.yaml:8:9: time: column `tim` does not exist; did you mean `time`?",
                "ten.yaml:9:15: `partitions` must be at least 1",
                "ten.yaml:10:3: unknown field `qualty`; did you mean `quality`?",
                "ten.yaml:12:28: column `valu` does not exist; did you mean `value`?",
                "ten.yaml:13:15: `name` cannot be `2 cold`",
                "ten.yaml:13:32: the check must be true or false",
                "ten.yaml:15:25: function `nosuch` does not exist",
                "ten.yaml:17:16: column `valeu` does not exist; did you mean `value`?",
                "ten.yaml:18:23: `false_alarm_rate` must be at most",
            ],
        );
    }
    assert!(!place.path("beamline-results").exists(), "nothing was begun");
}

#[test]
fn command_lines_that_must_be_mended() {
    let place = Place::new();
    place.write("in.csv", csv(3));
    says(&place.fails(64, &["replay", "readings.yaml", "in.csv", "--frobnicate"]), &["--frobnicate", "--help"]);
    says(&place.fails(64, &["frobnicate"]), &["frobnicate", "--help"]);
    place.fails(64, &["run"]);
    place.fails(64, &["run", "readings.yaml", "--stdin", "parquet"]);
    place.fails(64, &["run", "readings.yaml", "--for", "soon"]);
    place.fails(64, &["run", "readings.yaml", "--stdin", "jsonl", "--threads", "0"]);
    says(&place.fails(64, &["run", "readings.yaml", "--listen", "nowhere"]), &["cannot listen on nowhere"]);
    says(&place.fails(64, &["replay", "readings.yaml"]), &["name the files to replay"]);
    says(&place.fails(64, &["verify", "nothing-here"]), &["no results in nothing-here"]);
    says(&place.fails(64, &["query", "SELECT 1"]), &["no results", "--results"]);
    place.ok(&["replay", "readings.yaml", "in.csv"]);
    says(&place.fails(64, &["query", "SELECT valu FROM processed_data"]), &["valu"]);
    says(&place.fails(64, &["query", "DROP TABLE processed_data"]), &["only queries are answered"]);
}
