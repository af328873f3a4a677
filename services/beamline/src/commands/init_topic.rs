//! `beamline init --kafka`: a stream definition from a sample of a topic that another program writes.

use std::{
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    sync::Arc,
};

use codec::FileSchema;
use infer::{Content, Proposal, Sample, Topic};
use kafka::{SampledMessage, TopicSample};
use registry::{Registry, RegistryError};
use source::{MessageReader, Recognized};
use stream::{FileFormat, FileReader, Source, Stream};

use super::init_files::{SCHEMA, cannot, exists, shell, stream_name, write};
use crate::{
    Failure,
    cli::InitArgs,
    on_kafka::{answering, failure},
};

/// What a stream is called after its topic: its own topics must have other names.
const ENDING: &str = "-events";

pub(super) fn init(args: &InitArgs) -> Result<(), Failure> {
    let kafka = &args.topic.on_kafka;
    let (Some(hosts), Some(topic)) = (&kafka.kafka, &args.topic.topic) else {
        return Err(Failure::configuration("--kafka needs --topic NAME: the topic whose messages are looked at"));
    };
    let connection = answering(kafka.kafka_access.clone().with_password()?.connection(hosts, "beamline"))?;
    let sampled = kafka::sample_topic(&connection, topic).map_err(failure)?;
    let values: Vec<&[u8]> = sampled.messages.iter().filter_map(|message| message.value.as_deref()).collect();
    let given = args.topic.schema.as_deref().map(read_schema).transpose()?;
    let refused = |error: &dyn std::fmt::Display| Failure::configuration(format!("topic {topic}: {error}"));
    let parsed = given.as_deref().map(FileSchema::parse).transpose().map_err(|error| refused(&error))?;
    let how = source::recognize(&values, parsed.as_ref()).map_err(|error| refused(&error))?;
    let (text, notes) = schema_of(args, &how, given).map_err(|error| refused(&error))?;
    let schema = text.as_deref().map(FileSchema::parse).transpose().map_err(|error| refused(&error))?;
    let content = source::sample_of(&values, &how, schema.as_ref()).map_err(|error| refused(&error))?;

    let name =
        args.name.clone().unwrap_or_else(|| format!("{}{ENDING}", stream_name(Path::new(&topic.replace('.', "-")))));
    let messages_path = format!("{name}.messages.avsc");
    let topic = Topic {
        name: topic.clone(),
        format: how.format(),
        schema: text.map(|text| (messages_path.clone(), text)),
        has_keys: sampled.messages.iter().all(|message| message.key.as_deref().is_some_and(is_text)),
    };
    let sample = sample(name, &topic, &how, content, &sampled, args.no_time, notes);
    let mut proposal = infer::infer_topic(&sample, &topic).map_err(|error| refused(&error))?;
    proposal.notes.extend(tried(&proposal, &topic, &sampled.messages)?);
    save(args, &sample, &proposal, &topic, hosts)
}

fn sample(
    name: String,
    topic: &Topic,
    how: &Recognized,
    content: source::Content,
    sampled: &TopicSample,
    no_time: bool,
    mut notes: Vec<String>,
) -> Sample {
    if !sampled.complete {
        let count = sampled.messages.len();
        notes.push(format!("only {count} messages were looked at, from the beginning and the end of each partition"));
    }
    if matches!(how, Recognized::Csv(..)) {
        notes.push("the messages have no header: give the columns better names, here and in the schema".to_owned());
    }
    let format = match how {
        Recognized::Csv(..) => FileFormat::Csv,
        Recognized::Json(_) => FileFormat::Json,
        _ => FileFormat::Avro,
    };
    let content = match content {
        source::Content::Text(text) => Content::Text(text),
        source::Content::Rows(rows) => Content::Rows(rows),
    };
    let (path, schema_path) = (format!("the topic {}", topic.name), format!("{name}.avsc"));
    Sample { name, path, schema_path, format, content, complete: true, no_time, notes }
}

fn read_schema(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| cannot("read", path, &error))
}

/// The schema that the newest messages were written with, and what a person should know of it.
fn schema_of(
    args: &InitArgs,
    how: &Recognized,
    given: Option<String>,
) -> Result<(Option<String>, Vec<String>), String> {
    match how {
        Recognized::Json(_) | Recognized::Csv(..) => Ok((None, Vec::new())),
        Recognized::Avro => Ok((given, Vec::new())),
        Recognized::AvroContainer(text) => Ok((Some(text.clone()), Vec::new())),
        Recognized::ConfluentAvro(ids) => {
            let list = ids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            let newest = *ids.last().ok_or("no message names a schema")?;
            let Some(url) = &args.topic.on_kafka.registry else {
                return Err(format!(
                    "the messages begin with Confluent's five bytes and name the schemas {list}; say where the registry is: \
                     --registry URL"
                ));
            };
            let access = args.topic.on_kafka.registry_access.clone();
            let access = access.with_password(url).map_err(|failure| failure.to_string())?;
            let registry = Registry::new(&access.settings(url)).map_err(|error| error.to_string())?;
            let text = registry.schema(newest).map_err(|error| match error {
                RegistryError::UnknownId { .. } => {
                    format!("{error}, which the messages name; is it the registry of the program that writes them?")
                }
                error => error.to_string(),
            })?;
            if FileSchema::parse(&text).is_err() && !text.trim_start().starts_with('{') {
                return Err(format!(
                    "the schema {newest} is Protobuf, which is not read: have the topic's program write JSON or Avro, as \
                     with Kafka Connect's `value.converter=org.apache.kafka.connect.json.JsonConverter`"
                ));
            }
            let notes = match ids.len() {
                1 => Vec::new(),
                _ => vec![format!(
                    "the messages of the sample have the schemas {list}; the columns are those of {newest}"
                )],
            };
            Ok((Some(text.to_string()), notes))
        }
    }
}

fn is_text(key: &[u8]) -> bool {
    std::str::from_utf8(key).is_ok()
}

/// The files that the definition names.
struct Files<'a> {
    schema: &'a str,
    messages: Option<&'a (String, String)>,
}

impl FileReader for Files<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let messages = self.messages.filter(|(own, _)| own == path).map(|(_, text)| text.as_str());
        Ok(messages.unwrap_or(self.schema).as_bytes().to_vec())
    }
}

/// Reads the sample as the generator will, and says what would become dead letters.
fn tried(proposal: &Proposal, topic: &Topic, messages: &[SampledMessage]) -> Result<Option<String>, Failure> {
    let files = Files { schema: &proposal.avro_schema, messages: topic.schema.as_ref() };
    let stream = Stream::load("the proposal", &proposal.definition, &files)
        .map_err(|errors| Failure::configuration(errors.to_string()))?;
    let Some(Source::Kafka(definition)) = stream.definition.spec.source.clone() else { return Ok(None) };
    let failed = |error: source::SourceError| Failure::configuration(error.to_string());
    let mut reader = MessageReader::new(&definition, &Arc::new(stream)).map_err(failed)?;
    for id in reader.unknown(messages) {
        // Messages of one schema may have been written with another, which resolves in the same way.
        let known = topic.schema.as_ref().map(|(_, text)| text.as_str());
        reader.learn(id, known.ok_or_else(|| "its schema is not known".to_owned()));
    }
    let read = reader.read(messages).map_err(failed)?;
    let rejected = &read.records.rejected;
    Ok(rejected.first().map(|first| {
        let (count, all) = (rejected.len(), messages.len());
        format!("{count} of the sample's {all} messages will be dead letters, as in: {}", first.reason)
    }))
}

/// Writes the files, and says what was guessed and what to run next.
fn save(args: &InitArgs, sample: &Sample, proposal: &Proposal, topic: &Topic, hosts: &str) -> Result<(), Failure> {
    let definition = args.out.join(format!("{}.yaml", sample.name));
    let schema = args.out.join(&sample.schema_path);
    let messages = topic.schema.as_ref().map(|(path, text)| (args.out.join(path), text.as_str()));
    let text = format!("# yaml-language-server: $schema={SCHEMA}\n{}", proposal.definition);
    fs::create_dir_all(&args.out).map_err(|error| cannot("make", &args.out, &error))?;
    let mut files: Vec<(&PathBuf, &str)> = vec![(&schema, &proposal.avro_schema)];
    files.extend(messages.as_ref().map(|(path, text)| (path, *text)));
    files.push((&definition, &text));
    if !args.force
        && let Some((there, _)) = files.iter().find(|(path, _)| path.exists())
    {
        return Err(exists(there));
    }
    for (path, text) in &files {
        write(path, text, args.force)?;
    }
    tell(&files, proposal, &definition, hosts, args.topic.on_kafka.registry.as_deref()).map_err(Failure::run_time)
}

fn tell(
    files: &[(&PathBuf, &str)],
    proposal: &Proposal,
    definition: &Path,
    hosts: &str,
    registry: Option<&str>,
) -> std::io::Result<()> {
    let mut out = stdout().lock();
    let names: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    writeln!(out, "wrote {}", names.join(", "))?;
    for guess in &proposal.guesses {
        writeln!(out, "  {guess}")?;
    }
    for note in &proposal.notes {
        writeln!(out, "note: {note}")?;
    }
    let (stream, registry) = (shell(definition), registry.unwrap_or("URL"));
    writeln!(
        out,
        "next:\n  beamline check-config {stream}\n  beamline run {stream} --kafka {hosts} --registry {registry} --for 30s"
    )
}
