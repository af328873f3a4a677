//! What a stream is: its definition in YAML, checked as a whole, with all that follows from it.
//!
//! Pure: the text of the definition and of the files it names come in, a [`Stream`] or every error at once goes out.

mod aggregates;
mod check;
mod choice;
pub mod columns;
mod definition;
mod diagnostic;
mod digest;
mod document;
mod feature;
mod fingerprint;
mod measured;
mod messages;
pub mod names;
mod node;
mod profile;
mod provenance;
mod report;
mod schema;
mod scope;
mod section;
mod structure;
mod suggestion;
mod topics;
mod units;
mod vocabulary;
mod yaml;

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::SchemaRef;
use codec::ValueSchema;
use expr::Expression;

use self::{
    check::{Checked, check},
    node::{Node, Position},
    report::Report,
    schema::SCHEMA,
    structure::Structure,
};

pub use self::{
    aggregates::{Aggregates, WindowedAggregate, Windows},
    check::Chosen,
    definition::*,
    diagnostic::{Diagnostic, Diagnostics},
    document::{document_schema, read_document},
    feature::{Feature, FeatureKind, argument},
    fingerprint::Fingerprints,
    messages::{MessagePart, Messages},
    profile::{ColumnClass, ProfileColumn},
    schema::json_schema,
    section::with_detect,
    topics::Topics,
    units::Duration,
};

/// Reads the files a definition names (its Avro schema, its lookup tables), so that this crate itself reads none.
pub trait FileReader {
    /// The bytes of `path`, which is relative to the definition.
    ///
    /// # Errors
    /// A sentence for the person who wrote the path.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// A checked stream: its definition, compiled.
#[derive(Debug, Clone)]
pub struct Stream {
    /// The definition as written, with the features that were chosen where it names none.
    pub definition: StreamDefinition,
    /// The schema of the raw events, as Avro and as Arrow.
    pub input: ValueSchema,
    /// Raw columns, then looked-up columns, then computed ones.
    pub enriched: SchemaRef,
    /// Enriched columns, then the detector's; the same as `enriched` where nothing is detected.
    pub scored: SchemaRef,
    /// Quality rules, in order, each a boolean over `input`.
    pub quality: Vec<(String, Expression)>,
    /// Lookup tables, in order.
    pub lookups: Vec<Arc<lookup::Lookup>>,
    /// Computed columns, in order; each over the input, the lookups and the columns before it.
    pub columns: Vec<(String, Expression)>,
    /// True for an event worth keeping, over `enriched`.
    pub filter: Option<Expression>,
    /// The detector's features, each over `enriched`.
    pub features: Vec<Feature>,
    /// What was chosen where `detect` names neither features nor rules.
    pub chosen: Option<Chosen>,
    /// The detector's rules, each a boolean over `enriched`.
    pub rules: Vec<(String, Expression)>,
    /// What is computed of windows of event time, each over `scored`.
    pub aggregates: Aggregates,
    /// Selections of scored events for extra files, each a boolean over `scored`.
    pub selections: Vec<(String, Expression)>,
    /// How events are made of messages, where the source is topics that another program writes.
    pub messages: Option<Messages>,
    /// The units that columns are in, by name, where the definition or a property of the schema says it.
    pub units: BTreeMap<String, String>,
    /// What tells this definition, and its state, from another's.
    pub fingerprints: Fingerprints,
}

impl Stream {
    /// Parses and checks a definition. `name` is how errors call the file.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn load(name: &str, text: &str, files: &dyn FileReader) -> Result<Stream, Diagnostics> {
        let mut report = Report::new(name, text);
        match load(text, files, &mut report) {
            Some(stream) if report.is_empty() => Ok(stream),
            _ => Err(report.finish()),
        }
    }

    /// The columns of the anomalies: those of scored events. Where keys may be silent, an alarm of that is a row of its own, which has
    /// no values: then all but id, key, time and `anomalous` may be null.
    pub fn anomalies(&self) -> SchemaRef {
        let spec = &self.definition.spec;
        match self.silence() {
            Some(_) => columns::with_rows_of_their_own(&self.scored, [&spec.id, &spec.key, &spec.time]),
            None => self.scored.clone(),
        }
    }

    /// The settings of the layer of silence, where it is on.
    pub fn silence(&self) -> Option<SilenceLayer> {
        self.definition.spec.detect.as_ref()?.layers.silence.settings()
    }

    /// How far ahead of the clock that takes it in an event's time may be: what the definition says, else an hour
    /// where there are windows that it could close, or keys that it could make silent.
    ///
    /// No honest clock is an hour wrong, and every zone but UTC is at least that far off, so that local times taken for
    /// UTC are found out too.
    pub fn max_ahead(&self) -> Option<std::time::Duration> {
        let is_clocked = !self.aggregates.is_empty() || self.silence().is_some();
        let default = is_clocked.then_some(MAX_AHEAD_DEFAULT);
        self.definition.spec.max_ahead.map(|length| length.0).or(default)
    }

    /// How many bytes an event may have as it is received.
    pub fn event_bytes_max(&self) -> usize {
        self.definition.spec.limits.event_bytes as usize
    }

    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.definition.metadata.name
    }
}

/// The stream, where nothing is reported.
fn load(text: &str, files: &dyn FileReader, report: &mut Report<'_>) -> Option<Stream> {
    let document = yaml::parse(text, report)?;
    Structure::new(&SCHEMA, report).check_document(&document, "the definition");
    let name = document.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::text);
    let checked = document.get("spec").and_then(|spec| check(spec, name, files, report));
    if !report.is_empty() {
        return None;
    }
    // The structure fits the types' own schema, so neither can fail; if one ever does, it must not go unsaid.
    let definition: Result<StreamDefinition, _> = serde_json::from_value(document.json());
    let definition =
        definition.map_err(|error| report.add(START, format!("the types refuse the definition: {error}"), None));
    let (Ok(mut definition), Some(checked)) = (definition, checked) else {
        report.add(START, "nothing follows from the definition", None);
        return None;
    };
    if let (Some(chosen), Some(detect)) = (&checked.chosen, &mut definition.spec.detect) {
        chosen.complete(detect);
    }
    let fingerprints = Fingerprints::of(&definition.spec, &checked);
    let Checked {
        input,
        enriched,
        scored,
        quality,
        lookups,
        tables: _,
        columns,
        filter,
        features,
        chosen,
        rules,
        aggregates,
        selections,
        messages,
    } = checked;
    let units = measured::units(&definition.spec, &input);
    Some(Stream {
        units,
        definition,
        input,
        enriched,
        scored,
        quality,
        lookups,
        columns,
        filter,
        features,
        chosen,
        rules,
        aggregates,
        selections,
        messages,
        fingerprints,
    })
}

/// How far ahead an event's time may be where the definition does not say it.
const MAX_AHEAD_DEFAULT: std::time::Duration = std::time::Duration::from_secs(3600);

const START: Position = Position { line: 1, column: 1 };
