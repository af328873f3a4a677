//! The file of settings: `name: value` in YAML, all mistakes at once.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use clap::{Arg, Command};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use super::{
    layers::{Given, Origin, is_list, name},
    secrets,
    suggestion::nearest,
};

/// Bytes of a file of settings.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Settings that only make sense on the command line.
const FLAGS_ONLY: [&str; 2] = ["config", "print-config"];

/// What the file says of each setting, by its name.
pub(crate) fn read(command: &Command, path: PathBuf, wrong: &mut Vec<String>) -> BTreeMap<String, Given> {
    let text = fs::metadata(&path).and_then(|facts| match facts.len() {
        0..=FILE_BYTES_MAX => fs::read_to_string(&path),
        bytes => Err(std::io::Error::other(format!("it has {bytes} bytes, more than {FILE_BYTES_MAX}"))),
    });
    match text {
        Ok(text) => parse(command, path, &text, wrong),
        Err(error) => {
            wrong.push(format!("cannot read the settings in {}: {error}", path.display()));
            BTreeMap::new()
        }
    }
}

/// A setting in the file.
struct Entry {
    name: String,
    line: usize,
    value: Value,
}

enum Value {
    Nothing,
    One(String),
    /// A list, or a mapping as `name=value` each.
    Many(Vec<String>),
}

fn parse(command: &Command, path: PathBuf, text: &str, wrong: &mut Vec<String>) -> BTreeMap<String, Given> {
    let path = Arc::new(path);
    let entries = Events { events: Parser::new_from_str(text) }.entries().unwrap_or_else(|(line, what)| {
        wrong.push(format!("{}:{line}: {what}", path.display()));
        Vec::new()
    });
    let mut given: BTreeMap<String, Given> = BTreeMap::new();
    for Entry { name, line, value } in entries {
        let origin = Origin::File(path.clone(), line);
        let values = match fit(command, &name, value) {
            Ok(Some(values)) => values,
            Ok(None) => continue,
            Err(what) => {
                wrong.push(format!("{origin}: {what}"));
                continue;
            }
        };
        if let Some(first) = given.get(&name) {
            wrong.push(format!("{origin}: `{name}` stands there a second time, the first is at {}", first.origin));
            continue;
        }
        given.insert(name, Given { origin, values });
    }
    given
}

/// The values of a setting, where it says any.
fn fit(command: &Command, written: &str, value: Value) -> Result<Option<Vec<String>>, String> {
    let Some(arg) = command.get_arguments().find(|arg| name(arg) == written) else {
        return Err(unknown(command, written));
    };
    if FLAGS_ONLY.contains(&written) {
        return Err(format!("`{written}` belongs on the command line"));
    }
    match value {
        Value::Nothing => Ok(None),
        Value::One(text) => Ok(Some(vec![text])),
        Value::Many(values) if is_list(arg) => Ok(Some(values)),
        Value::Many(_) => Err(format!("`{written}` takes one value, not several")),
    }
}

fn unknown(command: &Command, written: &str) -> String {
    if let Some(secret) = secrets::names(command).find(|secret| secret == written) {
        return format!("`{written}`: {}", secrets::elsewhere(&secret));
    }
    match nearest(written, command.get_arguments().filter_map(Arg::get_long)) {
        Some(near) => format!("there is no setting `{written}`; did you mean `{near}`?"),
        None => format!("there is no setting `{written}`; --help lists what there is"),
    }
}

/// What is wrong, and in which line.
type Wrong = (usize, String);

/// Puts settings together from the parser's events.
struct Events<'a, I: saphyr_parser::Input> {
    events: Parser<'a, I>,
}

impl<'a, I: saphyr_parser::Input> Events<'a, I> {
    fn entries(mut self) -> Result<Vec<Entry>, Wrong> {
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                (_, Event::MappingStart(..)) => break,
                (_, Event::StreamEnd) => return Ok(entries),
                (_, Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd) => {}
                (_, Event::Scalar(text, ScalarStyle::Plain, ..)) if text.is_empty() => {}
                (line, _) => return Err((line, "settings are written `name: value`, one a line".to_owned())),
            }
        }
        loop {
            match self.next()? {
                (line, Event::Scalar(name, ..)) => {
                    let value = self.value()?;
                    entries.push(Entry { name: name.into_owned(), line, value });
                }
                (_, Event::MappingEnd) => return Ok(entries),
                (line, _) => return Err((line, "the name of a setting must be plain text".to_owned())),
            }
        }
    }

    fn next(&mut self) -> Result<(usize, Event<'a>), Wrong> {
        let broken = |error: ScanError| (error.marker().line(), format!("this is not YAML: {}", error.info()));
        match self.events.next() {
            Some(Ok((event, span))) => Ok((span.start.line(), event)),
            Some(Err(error)) => Err(broken(error)),
            None => Ok((0, Event::StreamEnd)),
        }
    }

    fn value(&mut self) -> Result<Value, Wrong> {
        match self.next()? {
            (_, Event::Scalar(text, style, ..)) => Ok(scalar(text.into_owned(), style)),
            (_, Event::SequenceStart(..)) => self.list(),
            (_, Event::MappingStart(..)) => self.mapping(),
            (line, _) => Err((line, "a value must be text, a number, or a list of them".to_owned())),
        }
    }

    fn list(&mut self) -> Result<Value, Wrong> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                (_, Event::Scalar(text, ..)) => values.push(text.into_owned()),
                (_, Event::SequenceEnd) => return Ok(Value::Many(values)),
                (line, _) => return Err((line, "a list of settings holds text or numbers".to_owned())),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value, Wrong> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                (_, Event::Scalar(name, ..)) => match self.next()? {
                    (_, Event::Scalar(value, ..)) => values.push(format!("{name}={value}")),
                    (line, _) => return Err((line, format!("the value of `{name}` must be text or a number"))),
                },
                (_, Event::MappingEnd) => return Ok(Value::Many(values)),
                (line, _) => return Err((line, "the name of a value must be plain text".to_owned())),
            }
        }
    }
}

fn scalar(text: String, style: ScalarStyle) -> Value {
    let nothing = matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
    if style == ScalarStyle::Plain && nothing { Value::Nothing } else { Value::One(text) }
}
