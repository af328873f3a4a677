//! The lines of a definition that say how a topic is read.

use std::fmt::Write;

use serde_json::{Value as Json, json};
use stream::MessageFormat;

use crate::{
    guess::Kind,
    names,
    planned::{Plan, sql_name},
    scalar::quoted,
    table::{Cell, Column, Table},
    topic::Topic,
};

/// The lines of `source`.
pub(crate) fn lines(topic: &Topic, table: &Table, plan: &Plan) -> String {
    let mut text = format!("\n  source:\n    kafka:\n      topic: {}\n", quoted(&topic.name));
    let _ = writeln!(text, "      format: {}", topic.format.name());
    text.push_str(
        "      # where the first start begins; `latest` leaves out what is there already\n      start: earliest\n",
    );
    if let Some((path, _)) = &topic.schema {
        let _ =
            writeln!(text, "      # the schema that the messages were written with\n      schema: {}", quoted(path));
    }
    let columns = columns(topic, table, plan);
    if !columns.is_empty() {
        let why = match topic.format {
            MessageFormat::Csv => "the columns of a message, in order",
            _ => "columns of the messages that only `derive` reads",
        };
        let _ = writeln!(text, "      # {why}\n      columns:");
        for (name, avro) in columns {
            let _ = writeln!(text, "        {}: {avro}", quoted(&name));
        }
    }
    let settings = match topic.format {
        MessageFormat::Csv => "csv",
        _ => "json",
    };
    if !table.settings.is_empty() {
        let _ = writeln!(text, "      {settings}:");
        for (setting, reason) in &table.settings {
            let _ = writeln!(text, "        # {reason}\n        {setting}");
        }
    }
    text
}

/// The columns that the definition has to type.
fn columns(topic: &Topic, table: &Table, plan: &Plan) -> Vec<(String, Json)> {
    let derived: Vec<&str> =
        plan.columns.iter().filter_map(|column| Some(column.derive.as_ref()?.0.as_str())).collect();
    let is_used = |column: &Column| {
        let name = names::quoted(&sql_name(column));
        derived.iter().any(|sql| sql.contains(&name))
    };
    let is_wanted = |column: &&Column| match topic.format {
        MessageFormat::Csv => true,
        MessageFormat::Json => is_used(column),
        _ => false,
    };
    let kind = |column: &Column| {
        let planned = plan.columns.iter().find(|planned| {
            planned.origin.and_then(|origin| table.columns.get(origin)).is_some_and(|own| own.name == column.name)
        });
        planned.map_or(json!("string"), |planned| avro_type(&planned.kind, column))
    };
    table.columns.iter().filter(is_wanted).map(|column| (column.name.clone(), kind(column))).collect()
}

/// The type of a column in the messages, which may be another than in the stream.
fn avro_type(kind: &Kind, column: &Column) -> Json {
    let is_whole = || column.texts().all(|text| text.trim().parse::<i64>().is_ok());
    let is_number = || column.cells.iter().all(|cell| matches!(cell, Cell::Number(_) | Cell::Missing));
    match kind {
        Kind::Boolean => json!("boolean"),
        Kind::Long => json!("long"),
        Kind::Double | Kind::Days(_) => json!("double"),
        Kind::Epoch(_) if is_whole() => json!("long"),
        Kind::Epoch(_) => json!("double"),
        Kind::Time if column.field.is_none() && is_number() && is_whole() => json!("long"),
        Kind::Time | Kind::Text | Kind::Mixed(_) => json!("string"),
        Kind::Nested(avro) => avro.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{examples::assigned, examples::table};

    fn written(format: MessageFormat, text: &str, schema: Option<(String, String)>) -> String {
        let topic = Topic { name: "a topic".to_owned(), format, schema, has_keys: true };
        let mut table = table(text);
        table.topic = Some(topic.clone());
        let (plan, table) = assigned(table, false).unwrap();
        lines(&topic, &table, &plan)
    }

    const HEAD: &str = "
  source:
    kafka:
      topic: \"a topic\"
      format: FORMAT
      # where the first start begins; `latest` leaves out what is there already
      start: earliest
";

    #[test]
    fn a_message_of_csv_has_its_columns_in_order() {
        let text =
            "id;ok;n;x;made at;ts;note\n1;true;7;1,5;1700000000;1700000000;a\n2;false;8;2,5;1700000001;1700000001;b\n";
        let wanted = HEAD.replace("FORMAT", "csv")
            + "      # the columns of a message, in order
      columns:
        id: \"long\"
        ok: \"boolean\"
        \"n\": \"long\"
        x: \"double\"
        \"made at\": \"string\"
        ts: \"string\"
        note: \"string\"
      csv:
        # it is what stands in every line as often as in the header
        separator: \";\"
        # numbers are written 1,5
        decimal_comma: true
";
        assert_eq!(written(MessageFormat::Csv, text, None), wanted);
    }

    #[test]
    fn a_message_of_json_has_types_for_what_only_derive_reads() {
        let text = "{\"ts\": 1700000000, \"x\": NaN, \"o\": {\"host\": \"a\"}, \"a b\": 1.5, \"days mjd\": 60000.5}\n";
        let wanted = HEAD.replace("FORMAT", "json")
            + "      # columns of the messages that only `derive` reads
      columns:
        ts: \"long\"
        o: {\"type\":\"record\",\"name\":\"o_record\",\"fields\":[{\"name\":\"host\",\"type\":[\"null\",\"string\"],\"default\":null}]}
        \"a b\": \"double\"
        \"days mjd\": \"double\"
      json:
        # NaN and infinities stand in the file as Python writes them
        nan: true
";
        assert_eq!(written(MessageFormat::Json, text, None), wanted);
        let half = written(MessageFormat::Json, "{\"ts\": 1700000000.5}\n", None);
        assert!(half.ends_with("      columns:\n        ts: \"double\"\n"), "{half}");
        assert_eq!(written(MessageFormat::Json, "{\"x\": 1.5}\n", None), HEAD.replace("FORMAT", "json"));
    }

    #[test]
    fn a_message_of_avro_has_a_schema() {
        let schema = Some(("raw one.avsc".to_owned(), String::new()));
        let wanted = HEAD.replace("FORMAT", "avro")
            + "      # the schema that the messages were written with\n      schema: \"raw one.avsc\"\n";
        assert_eq!(written(MessageFormat::Avro, "{\"x\": 1.5, \"a b\": 1}\n", schema), wanted);
    }
}
