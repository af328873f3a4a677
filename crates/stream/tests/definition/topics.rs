//! Topics of another program as a source: what is wrong is said all at once, at its place.

use stream::{MessagePart, Source, Start};

use crate::fixture::{GOOD, errors, load};

/// The good definition with this source.
fn with_source(kafka: &str) -> String {
    let begin = GOOD.find("    synthetic:").unwrap();
    let end = GOOD.find("  quality:").unwrap();
    format!("{}    kafka: {kafka}\n{}", &GOOD[..begin], &GOOD[end..])
}

#[test]
fn what_is_wrong_is_said_at_once() {
    let text = with_source(
        "{ topic: theirs, pattern: \"particle-events\\\\..*\", format: jsonn, start: yesterday, \
         derive: { event_id: \"$offest\", nothing: \"1\" }, cluster: { brokers: a:1, security: sasl-tls } }",
    );
    let found = errors(&text);
    for wanted in [
        "exactly one of `topic`, `topics` and `pattern`, and has several",
        "`format` cannot be `jsonn`",
        "did you mean `json`?",
        "`start` cannot be `yesterday`",
        "lacks the field `username`",
        "lacks the field `password_file`",
    ] {
        assert!(found.contains(wanted), "{wanted:?} is not in\n{found}");
    }
    let found =
        errors(&with_source("{ topic: theirs, format: json, derive: { event_id: \"$offest\", nothing: \"1\" } }"));
    assert!(found.contains("a message has no `$offest`") && found.contains("did you mean `$offset`?"), "{found}");
    assert!(found.contains("the schema has no column `nothing`"), "{found}");
    assert!(found.lines().all(|line| line.contains("stream.yaml:13:") || line.starts_with(' ')), "{found}");
}

#[test]
fn each_format_has_what_it_needs() {
    for (kafka, wanted) in [
        ("{ topic: theirs, format: avro }", "lacks the field `schema`"),
        ("{ topic: theirs, format: csv }", "lacks the field `columns`"),
        ("{ topic: theirs, format: csv, columns: { event_id: string } }", "no message has the column `timestamp`"),
        ("{ topic: theirs, format: json, columns: { a: strnig } }", "the type of `a` cannot be used"),
        (
            "{ topic: theirs, format: json, csv: { separator: \";\" } }",
            "`csv` has an effect with the format `csv` only",
        ),
        ("{ topic: theirs, format: json, schema: hit.avsc }", "`schema` has no effect with the format `json`"),
        ("{ topic: theirs, format: avro, schema: none.avsc }", "there is no such file"),
        ("{ topic: particle-events.scored, format: json }", "is one of the topics that the stream writes"),
        ("{ pattern: \".*\", format: json }", "`pattern` matches `particle-events`, which the stream itself writes"),
        ("{ pattern: \"(\", format: json }", "`pattern` cannot be `(`"),
        ("{ topic: theirs, format: json, derive: { event_id: \"when\" } }", "when"),
    ] {
        let found = errors(&with_source(kafka));
        assert!(found.contains(wanted), "{kafka}: {wanted:?} is not in\n{found}");
    }
    // In another cluster the names mean other topics.
    assert_eq!(errors(&with_source("{ pattern: \".*\", format: json, cluster: { brokers: \"a:1\" } }")), "");
}

#[test]
fn a_good_one_is_planned() {
    let stream = load(&with_source(
        "{ topic: theirs, format: json, start: \"2025-01-31T12:00:00Z\", columns: { when: string }, \
         derive: { timestamp: \"CAST(when AS TIMESTAMP)\", event_id: \"concat($topic, $headers['run'])\" } }",
    ))
    .unwrap();
    let Some(Source::Kafka(kafka)) = &stream.definition.spec.source else { panic!("not a topic") };
    assert_eq!((kafka.named(), kafka.first()), (vec!["theirs"], Start::Time(1_738_324_800_000)));
    let messages = stream.messages.unwrap();
    assert_eq!(messages.parts, [MessagePart::Topic, MessagePart::Header("run".into())]);
    assert!(messages.read.index_of("when").is_ok() && messages.read.index_of("event_id").is_err());
    // How messages are read may change; which they are may not.
    let identity = stream.definition.spec.source.as_ref().unwrap().identity();
    let mut other = kafka.clone();
    other.start = "latest".into();
    other.derive.clear();
    assert_eq!(Source::Kafka(other.clone()).identity(), identity);
    other.topic = Some("others".into());
    assert_ne!(Source::Kafka(other).identity(), identity);
}
