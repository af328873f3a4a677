//! The texts: the Avro schema as JSON, and the definition as YAML with its reasons in comments.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};
use stream::FileFormat;

use crate::{
    names::words,
    planned::Plan,
    sample::Sample,
    scalar::{comment, quoted},
    table::Table,
    topic_source,
    unique::Written,
};

/// The namespace of the schema.
const NAMESPACE: &str = "dev.beamline.events";

/// The schema's text, a field a line.
pub(crate) fn avro(stream: &str, plan: &Plan) -> String {
    let mut text = String::from("{\n  \"type\": \"record\",\n");
    let _ = writeln!(text, "  \"name\": {},", json!(record_name(stream)));
    let _ = writeln!(text, "  \"namespace\": {},\n  \"fields\": [", json!(NAMESPACE));
    let mut written = Written::default();
    for (index, column) in plan.columns.iter().enumerate() {
        let mut field = Map::new();
        field.insert("name".to_owned(), json!(column.name));
        let avro = written.unique(&column.avro, NAMESPACE);
        // A nullable type stays as it is.
        if column.required {
            field.insert("type".to_owned(), avro);
        } else if avro[0] == "null" {
            field.insert("type".to_owned(), avro);
            field.insert("default".to_owned(), Json::Null);
        } else {
            field.insert("type".to_owned(), json!(["null", avro]));
            field.insert("default".to_owned(), Json::Null);
        }
        if let Some(doc) = &column.doc {
            field.insert("doc".to_owned(), json!(doc));
        }
        let comma = if index + 1 < plan.columns.len() { "," } else { "" };
        let _ = writeln!(text, "    {}{comma}", Json::Object(field));
    }
    text.push_str("  ]\n}\n");
    text
}

/// `particle-events` as `ParticleEvents`.
fn record_name(stream: &str) -> String {
    let name: String = words(stream)
        .iter()
        .map(|word| {
            let mut letters = word.chars().filter(char::is_ascii_alphanumeric);
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        })
        .collect();
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("Event{name}")
    } else {
        name
    }
}

/// The definition's text.
pub(crate) fn yaml(sample: &Sample, table: &Table, plan: &Plan) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(format!(
        "# Guessed from {} rows of {}. Change what you know better; `beamline check-config` checks it.",
        table.rows,
        comment(&sample.path)
    ));
    for note in table.notes.iter().chain(&plan.notes) {
        line(format!("# Note: {}.", comment(note)));
    }
    line("apiVersion: beamline.dev/v1".to_owned());
    line("kind: Stream".to_owned());
    line(format!("metadata: {{ name: {} }}", quoted(&sample.name)));
    line("spec:".to_owned());
    line(format!("  schema: {}", quoted(&sample.schema_path)));
    line(format!("  # {}", comment(&plan.id_reason)));
    line(format!("  id: {}", quoted(&plan.id)));
    line(format!("  # {}; detectors learn for each key apart", comment(&plan.key_reason)));
    line(format!("  key: {}", quoted(&plan.key)));
    line(format!("  # {}", comment(&plan.time_reason)));
    line(format!("  time: {}", quoted(&plan.time)));
    line(format!("  partitions: {}", plan.partitions));
    match &table.topic {
        Some(topic) => line(topic_source::lines(topic, table, plan)),
        None => files(&mut line, sample, table),
    }
    let derived: Vec<_> =
        plan.columns.iter().filter_map(|column| Some((&column.name, column.derive.as_ref()?))).collect();
    if !derived.is_empty() {
        line(match table.topic {
            Some(_) => "      # SQL over a message's columns, and `$key`, `$headers['name']`, `$timestamp`, `$topic`, `$partition`, `$offset`",
            None => "      # SQL over the file's columns, the row's number `_row` and the file's name `_file`",
        }.to_owned());
        line("      derive:".to_owned());
        for (name, (sql, reason)) in derived {
            line(format!("        # {}", comment(reason)));
            line(format!("        {}: {}", quoted(name), quoted(sql)));
        }
    }
    if !plan.quality.is_empty() {
        line("\n  # every row of the sample passes; a row that does not becomes a dead letter\n  quality:".to_owned());
        for (name, check) in &plan.quality {
            line(format!("    - {{ name: {name}, check: {} }}", quoted(check)));
        }
    }
    detect(&mut line, plan);
    text
}

/// The lines of `source`, for files like the sample.
fn files(line: &mut impl FnMut(String), sample: &Sample, table: &Table) {
    line("\n  source:\n    files:".to_owned());
    line(format!("      paths: [{}]", quoted(&sample.path)));
    if let Some(format) = format_of(sample) {
        let why = match sample.format {
            FileFormat::Json => "objects in an array, behind one another, or on several lines each",
            _ => "the file's name does not tell",
        };
        line(format!("      # {why}\n      format: {format}"));
    }
    if !table.settings.is_empty() {
        line(format!("      {}:", if sample.format == FileFormat::Csv { "csv" } else { "json" }));
        for (setting, reason) in &table.settings {
            line(format!("        # {}\n        {setting}", comment(reason)));
        }
    }
}

/// Events of a partition after which keys read anew what they share, where that is proposed.
pub const SHARE_EVERY: u32 = 4096;

fn detect(line: &mut impl FnMut(String), plan: &Plan) {
    if plan.features.is_empty() {
        line("\n  # Nothing is looked for: no column is a number that varies or a text of few values. Features are SQL, as in\n  #   detect: { features: [\"ln(price)\", \"frequency(method)\"] }".to_owned());
        return;
    }
    line("\n  detect:\n    features:".to_owned());
    for (sql, reason) in &plan.features {
        line(format!("      # {}", comment(reason)));
        line(format!("      - {}", quoted(sql)));
    }
    line(
        "    # the share of ordinary events that the learned layers together may call anomalous\n    false_alarm_rate: 1e-3"
            .to_owned(),
    );
    line(format!("    # young keys go by what others scored at their age\n    share_every: {SHARE_EVERY}"));
}

/// The format, where the path does not end in it.
pub(crate) fn format_of(sample: &Sample) -> Option<&'static str> {
    let path = sample.path.to_ascii_lowercase();
    let path = [".gz", ".zst", ".bz2", ".xz"].iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(&path);
    let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    let tells = match sample.format {
        FileFormat::Csv => ends(&[".csv", ".tsv", ".tab"]),
        FileFormat::Jsonl => ends(&[".jsonl", ".ndjson", ".json"]),
        FileFormat::Json => false,
        FileFormat::Parquet | FileFormat::Orc | FileFormat::Avro | FileFormat::Arrow | FileFormat::Fits => true,
    };
    (!tells).then(|| sample.format.ending())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Content, Topic, infer, infer_topic};

    fn sample(path: &str, format: FileFormat, text: &str) -> Sample {
        Sample {
            name: "a-stream".to_owned(),
            path: path.to_owned(),
            schema_path: "a.avsc".to_owned(),
            format,
            content: Content::Text(text.into()),
            complete: true,
            no_time: false,
            notes: vec!["read with\ncare".to_owned()],
        }
    }

    #[test]
    fn a_streams_name_makes_the_records() {
        for (stream, record) in [
            ("particle-events", "ParticleEvents"),
            ("2nd", "Event2nd"),
            ("", "Event"),
            ("größe", "Gre"),
            ("a1-b", "A1B"),
        ] {
            assert_eq!(record_name(stream), record, "{stream}");
        }
    }

    #[test]
    fn the_format_is_written_where_the_name_does_not_tell() {
        for (path, format, wanted) in [
            ("a.csv", FileFormat::Csv, None),
            ("A.TSV.GZ", FileFormat::Csv, None),
            ("a.tab", FileFormat::Csv, None),
            ("a.txt", FileFormat::Csv, Some("csv")),
            ("a.csv.zip", FileFormat::Csv, Some("csv")),
            ("a.json", FileFormat::Jsonl, None),
            ("a.ndjson.zst", FileFormat::Jsonl, None),
            ("a.log", FileFormat::Jsonl, Some("jsonl")),
            ("a.json", FileFormat::Json, Some("json")),
            ("a.parquet", FileFormat::Parquet, None),
        ] {
            assert_eq!(format_of(&sample(path, format, "")), wanted, "{path}");
        }
    }

    #[test]
    fn a_definition_of_files_says_how_they_are_read() {
        let text =
            "[{\"time\": \"2025-01-01T00:00:00Z\", \"x\": NaN}, {\"time\": \"2025-01-01T00:00:01Z\", \"x\": 1.5}]";
        let proposal = infer(&sample("a.json", FileFormat::Json, text)).unwrap();
        let wanted = "      # objects in an array, behind one another, or on several lines each\n      format: json\n      json:\n        \
                      # NaN and infinities stand in the file as Python writes them\n        nan: true\n";
        assert!(proposal.definition.contains(wanted), "{}", proposal.definition);
        assert!(proposal.definition.contains("# Note: read with care.\n"), "{}", proposal.definition);
        assert!(proposal.definition.contains("# Nothing is looked for:") && !proposal.definition.contains("quality:"));
        assert_eq!((proposal.format, proposal.notes.len()), (Some("json"), 1));
        let proposal = infer(&sample("a.log", FileFormat::Csv, "time;lat\n2025-01-01T00:00:00Z;1,5\n")).unwrap();
        let wanted = "      # the file's name does not tell\n      format: csv\n      csv:\n        # it is what stands in every line as \
                      often as in the header\n        separator: \";\"\n";
        assert!(proposal.definition.contains(wanted), "{}", proposal.definition);
        let quality = "quality:\n    - { name: possible_lat, check: \"lat IS NULL OR lat BETWEEN -90 AND 90\" }\n";
        assert!(proposal.definition.contains(quality), "{}", proposal.definition);
        assert!(
            proposal
                .definition
                .contains("features:\n      # a number; one row does not tell how it varies\n      - lat\n")
        );
    }

    /// A field a line, with commas between them, nullable but where it has a role.
    #[test]
    fn the_schema_is_a_field_a_line() {
        let text = "event_id,time,host,Odd Name,x\n1,2025-01-01T00:00:00Z,a,b,1.5\n2,2025-01-01T00:00:01Z,a,,2.5\n";
        let proposal = infer(&sample("a.csv", FileFormat::Csv, text)).unwrap();
        let wanted = r#"{
  "type": "record",
  "name": "AStream",
  "namespace": "dev.beamline.events",
  "fields": [
    {"name":"event_id","type":"long"},
    {"name":"time","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"host","type":"string"},
    {"name":"Odd_Name","type":["null","string"],"default":null,"doc":"Odd Name"},
    {"name":"x","type":["null","double"],"default":null}
  ]
}
"#;
        assert_eq!(proposal.avro_schema, wanted);
    }

    #[test]
    fn a_definition_of_a_topic_says_how_its_messages_are_read() {
        let topic = Topic { name: "t".to_owned(), format: stream::MessageFormat::Json, schema: None, has_keys: true };
        let text = "{\"x\": 1.5, \"a b\": 2}\n{\"x\": 2.5, \"a b\": 3}\n{\"x\": 3.5, \"a b\": 5}\n";
        let proposal = infer_topic(&sample("", FileFormat::Jsonl, text), &topic).unwrap();
        for wanted in [
            "  source:\n    kafka:\n      topic: t\n      format: json\n",
            "      # columns of the messages that only `derive` reads\n      columns:\n        \"a b\": \"double\"\n",
            "      # SQL over a message's columns, and `$key`",
            "  # derived: the message's key; detectors learn for each key apart\n  key: message_key\n",
            "        message_time: \"$timestamp\"\n",
            "        message_id: \"concat($topic, '-', CAST($partition AS VARCHAR), '-', CAST($offset AS VARCHAR))\"\n",
        ] {
            assert!(proposal.definition.contains(wanted), "{wanted} in\n{}", proposal.definition);
        }
        let topic = Topic { has_keys: false, ..topic };
        let proposal = infer_topic(&sample("", FileFormat::Jsonl, text), &topic).unwrap();
        assert!(proposal.definition.contains("        message_key: \"$topic\"\n"), "{}", proposal.definition);
    }
}
