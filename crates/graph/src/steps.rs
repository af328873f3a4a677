//! The steps of a pipeline, from its definition.

use stream::{Aggregate, Detect, Enrich, LookupOn, Source, Spec, Stream, Windows};

use crate::{Step, Table};

/// The steps in the order in which an event goes through them.
pub(crate) fn of(stream: &Stream) -> Vec<Step> {
    let spec = &stream.definition.spec;
    let mut steps = vec![source(spec), checks(spec)];
    steps.extend(enrich(&spec.enrich));
    steps.extend(spec.detect.as_ref().map(detect));
    let mut stored = vec![table("processed_data", "every event that comes out")];
    let selections = &spec.store.files.selections;
    stored.extend(selections.iter().map(|(name, sql)| table(&format!("{name}_*.csv"), sql)));
    if let Some(last) = steps.last_mut() {
        last.tables.extend(stored);
    }
    steps.extend(aggregates(stream));
    steps
}

fn table(name: &str, why: &str) -> Table {
    Table { name: name.to_owned(), why: why.to_owned() }
}

fn source(spec: &Spec) -> Step {
    let from = spec.source.as_ref().map_or_else(|| "named when it is run".to_owned(), Source::words);
    let (key, partitions) = (&spec.key, spec.partitions);
    Step { name: "source", lines: vec![from, format!("{partitions} partitions by {key}")], tables: Vec::new() }
}

fn checks(spec: &Spec) -> Step {
    let mut lines = vec![format!("{}, {} and {} are there", spec.id, spec.key, spec.time)];
    lines.extend(spec.quality.iter().map(|rule| format!("{}: {}", rule.name, rule.check)));
    Step { name: "quality", lines, tables: vec![table("dead_letters", "what fails, with its bytes and the reason")] }
}

fn enrich(enrich: &Enrich) -> Option<Step> {
    let mut lines = Vec::new();
    for lookup in &enrich.lookups {
        let on = match &lookup.on {
            LookupOn::Same(column) => column.clone(),
            LookupOn::Renamed(pairs) => pairs.keys().cloned().collect::<Vec<_>>().join(", "),
        };
        lines.push(format!("{} by {on} from {}", lookup.columns.join(", "), lookup.table));
    }
    lines.extend(enrich.columns.iter().map(|(name, sql)| format!("{name} = {sql}")));
    let mut tables = Vec::new();
    if let Some(filter) = &enrich.filter {
        lines.push(format!("keep where {filter}"));
        tables.push(table("filtered", "the others, counted"));
    }
    (!lines.is_empty()).then_some(Step { name: "enrich", lines, tables })
}

fn detect(detect: &Detect) -> Step {
    let mut lines: Vec<String> = detect.rules.iter().map(|rule| format!("{}: {}", rule.name, rule.when)).collect();
    let on = detect.layers_by_name().into_iter().filter(|(_, on)| *on);
    let on: Vec<&str> = on.map(|(name, _)| name).collect();
    if !on.is_empty() {
        lines.push(format!("{} of {}", on.join(", "), detect.features.join(", ")));
        lines.push(format!("false alarms: {} of ordinary events", detect.false_alarm_rate));
    }
    if !detect.layers.silence.is_off() {
        lines.push("silence of a key, by the events of others".to_owned());
    }
    Step { name: "detect", lines, tables: vec![table("anomalies", "what a rule or layer calls anomalous")] }
}

fn aggregates(stream: &Stream) -> Option<Step> {
    let definitions = &stream.definition.spec.aggregate;
    let lines: Vec<String> = stream
        .aggregates
        .list
        .iter()
        .zip(definitions)
        .map(|(compiled, definition)| {
            let groups = if definition.group_by.is_empty() { String::new() } else { by(definition) };
            format!("{}: {}{groups}", definition.name, windows(&compiled.windows))
        })
        .collect();
    let computed = |definition: &Aggregate| definition.select.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut tables: Vec<Table> = definitions.iter().map(|one| table(&one.name, &computed(one))).collect();
    tables.push(table("late", "events that a window no longer took"));
    (!lines.is_empty()).then_some(Step { name: "aggregate", lines, tables })
}

fn by(aggregate: &Aggregate) -> String {
    format!(" by {}", aggregate.group_by.join(", "))
}

fn windows(windows: &Windows) -> String {
    let length = |micros: i64| {
        let length = std::time::Duration::from_micros(micros.unsigned_abs());
        humantime::format_duration(length).to_string()
    };
    match windows {
        Windows::Whole => "the whole stream".to_owned(),
        Windows::Sliding { length: long, slide } if long == slide => format!("windows of {}", length(*long)),
        Windows::Sliding { length: long, slide } => format!("windows of {} every {}", length(*long), length(*slide)),
        Windows::Session { gap } => format!("sessions that end after {} of silence", length(*gap)),
    }
}
