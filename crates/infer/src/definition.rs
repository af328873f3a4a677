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
