//! `beamline schemas`: the schemas of streams, and those of the registry.

use std::{
    io::{Write, stdout},
    path::PathBuf,
};

use codec::ValueSchema;
use registry::{Level, Registered, Registry, RegistryError};
use service::load_stream;
use stream::Stream;

use super::test::is_cases;
use crate::{
    Failure,
    cli::{SchemasArgs, SchemasCommand, SchemasOfArgs, SchemasShowArgs},
};

pub(crate) fn schemas(args: SchemasArgs) -> Result<(), Failure> {
    match args.command {
        SchemasCommand::Check(args) => check(args),
        SchemasCommand::Register(args) => register(args),
        SchemasCommand::Show(args) => show(args),
    }
}

/// A schema of a stream, and the subject it belongs to.
struct Subject {
    name: String,
    schema: ValueSchema,
}

/// How a schema stands to the registered ones.
enum Standing {
    /// It is one of them.
    Registered(u32),
    /// It may be the next.
    New { after: Option<u32> },
    /// It may not, for these reasons.
    Unfit(Vec<String>),
}

fn check(args: SchemasOfArgs) -> Result<(), Failure> {
    let registry = client(args.registry)?;
    assess(&registry, &args.streams, args.level, |subject, standing| {
        let text = match standing {
            Standing::Registered(id) => format!("registered, id {id}"),
            Standing::New { after: None } => "good, the first version".to_owned(),
            Standing::New { after: Some(version) } => format!("good, may follow version {version}"),
            Standing::Unfit(_) => format!("does not fit {}", args.level),
        };
        say(&format!("{}: {text}", subject.name))
    })
    .map(drop)
}

fn register(args: SchemasOfArgs) -> Result<(), Failure> {
    let registry = client(args.registry)?;
    // All or nothing, as far as a check can say.
    let subjects = assess(&registry, &args.streams, args.level, |_, _| Ok(()))?;
    for subject in subjects {
        let id = registry.register(&subject.name, subject.schema.avro()).map_err(failure)?;
        // Afterwards, because some registries hold only what exists to a level.
        if registry.compatibility(&subject.name).map_err(failure)? != args.level {
            registry.set_compatibility(&subject.name, args.level).map_err(failure)?;
        }
        say(&format!("{}: id {id}, {}", subject.name, args.level))?;
    }
    Ok(())
}

fn show(args: SchemasShowArgs) -> Result<(), Failure> {
    let registry = client(args.registry)?;
    for subject in subjects_of(&args.streams)? {
        let name = &subject.name;
        let Some(Registered { id, version, schema }) = registry.latest(name).map_err(failure)? else {
            say(&format!("{name}: not registered"))?;
            continue;
        };
        let level = registry.compatibility(name).map_err(failure)?;
        let ours = match registry.id_of(name, subject.schema.avro()).map_err(failure)? {
            Some(own) if own == id => "as the definition has it".to_owned(),
            Some(own) => format!("the definition has id {own}"),
            None => "the definition has another".to_owned(),
        };
        say(&format!("{name}: version {version}, id {id}, {level}, {ours}"))?;
        if args.full {
            say(&schema)?;
        }
    }
    Ok(())
}

/// Finds out how every schema of the streams stands, and tells of each.
fn assess(
    registry: &Registry,
    streams: &[PathBuf],
    level: Level,
    mut tell: impl FnMut(&Subject, &Standing) -> Result<(), Failure>,
) -> Result<Vec<Subject>, Failure> {
    let subjects = subjects_of(streams)?;
    let mut failures = Vec::new();
    for subject in &subjects {
        let standing = standing(registry, subject, level).map_err(failure)?;
        tell(subject, &standing)?;
        if let Standing::Unfit(reasons) = standing {
            failures.extend(reasons.iter().map(|reason| Failure::run_time(format!("{}: {reason}", subject.name))));
        }
    }
    Failure::all(failures).map(|()| subjects)
}

/// How a schema stands to the registered ones: well, in words, or the reasons why it does not fit.
pub(super) type Stands = Result<String, Vec<String>>;

/// How each schema of a stream stands, by its subject.
pub(super) fn standings(registry: &Registry, stream: &Stream) -> Result<Vec<(String, Stands)>, Failure> {
    let mut found = Vec::new();
    for subject in subjects_of_one(stream)? {
        let stands = match standing(registry, &subject, registry.compatibility(&subject.name).unwrap_or(Level::None)) {
            Ok(Standing::Registered(id)) => Ok(format!("registered, id {id}")),
            Ok(Standing::New { .. }) => Ok("fits; it is registered with the first event".to_owned()),
            Ok(Standing::Unfit(reasons)) => Err(reasons),
            Err(error) => Err(vec![error.to_string()]),
        };
        found.push((subject.name, stands));
    }
    Ok(found)
}

fn standing(registry: &Registry, subject: &Subject, level: Level) -> Result<Standing, RegistryError> {
    let Subject { name, schema } = subject;
    let versions = registry.versions(name)?;
    let Some(latest) = versions.last().copied() else { return Ok(Standing::New { after: None }) };
    if let Some(id) = registry.id_of(name, schema.avro())? {
        return Ok(Standing::Registered(id));
    }
    let first = if level.is_transitive() { 0 } else { versions.len() - 1 };
    let mut reasons = Vec::new();
    for version in &versions[first..] {
        // Deleted meanwhile is as good as never there.
        if let Some(earlier) = registry.version(name, *version)? {
            reasons.extend(misfits(&earlier, schema, level));
        }
    }
    // We name fields, which not every registry does; the registry has the last word, by its own level.
    let verdict = registry.compatible(name, schema.avro())?;
    if !verdict.ok && reasons.is_empty() {
        let own = registry.compatibility(name)?;
        let why = if verdict.messages.is_empty() { "without a reason".to_owned() } else { verdict.messages.join("; ") };
        reasons.push(format!("the registry, which holds the subject to {own}, refuses it: {why}"));
    }
    Ok(if reasons.is_empty() { Standing::New { after: Some(latest) } } else { Standing::Unfit(reasons) })
}

/// What keeps a schema from following an earlier one.
fn misfits(earlier: &Registered, schema: &ValueSchema, level: Level) -> Vec<String> {
    let Registered { id, version, schema: text } = earlier;
    let old = match ValueSchema::parse(text) {
        Ok(old) => old,
        Err(error) => return vec![format!("version {version} (id {id}) is not a schema of a stream: {error}")],
    };
    let backward = if level.is_backward() { schema.obstacles(&old) } else { Vec::new() };
    let forward = if level.is_forward() { old.obstacles(schema) } else { Vec::new() };
    let backward =
        backward.into_iter().map(|reason| format!("cannot read events of version {version} (id {id}): {reason}"));
    let forward =
        forward.into_iter().map(|reason| format!("cannot be read with version {version} (id {id}): {reason}"));
    backward.chain(forward).collect()
}

/// The schemas of all streams.
fn subjects_of(streams: &[PathBuf]) -> Result<Vec<Subject>, Failure> {
    let mut subjects = Vec::new();
    let mut failures = Vec::new();
    // A pattern that fits definitions fits their cases too.
    for path in streams.iter().filter(|path| !is_cases(path)) {
        match load_stream(path).and_then(|stream| subjects_of_one(&stream)) {
            Ok(more) => subjects.extend(more),
            Err(failure) => failures.push(failure),
        }
    }
    Failure::all(failures).map(|()| subjects)
}

fn subjects_of_one(stream: &Stream) -> Result<Vec<Subject>, Failure> {
    let subjects = kafka::subjects(stream, &stream.topics()).map_err(Failure::run_time)?;
    Ok(subjects.into_iter().map(|subject| Subject { name: subject.name(), schema: subject.schema }).collect())
}

fn client(settings: service::settings::Registry) -> Result<Registry, Failure> {
    Registry::new(&settings.with_password()?.settings()).map_err(failure)
}

fn failure(error: RegistryError) -> Failure {
    match error {
        RegistryError::Settings(_) => Failure::configuration(error),
        _ => Failure::run_time(error),
    }
}

fn say(line: &str) -> Result<(), Failure> {
    writeln!(stdout(), "{line}").map_err(Failure::run_time)
}
