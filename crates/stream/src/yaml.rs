//! YAML to a tree of nodes, with what is wrong about its syntax.
//!
//! Built on the parser's events, so that every value keeps its place, and so that size, nesting and what aliases
//! expand to have limits.

use std::{borrow::Cow, collections::BTreeMap};

use saphyr::{Scalar, ScalarStyle};
use saphyr_parser::{Event, Marker, Parser, ScanError, Tag};

use crate::{
    node::{Entry, Node, Position, Value},
    report::Report,
};

/// Bytes of a definition.
const TEXT_BYTES_MAX: usize = 256 << 10;

/// Lists and mappings within each other.
const NESTING_MAX: usize = 32;

/// Values in a definition, what aliases stand for included.
const NODES_MAX: usize = 20_000;

/// The one document in `text`, or `None` where its syntax is wrong or there is none.
pub(crate) fn parse(text: &str, report: &mut Report<'_>) -> Option<Node> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the file has {} bytes; a definition has at most {TEXT_BYTES_MAX}", text.len());
        report.add(Position { line: 1, column: 1 }, message, None);
        return None;
    }
    let mut builder = Builder::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let result = match event {
            Ok((Event::DocumentStart(_), span)) => {
                documents += 1;
                if documents > 1 {
                    let message = "a second document begins here, but a file holds one stream";
                    let suggestion = "move it to a file of its own";
                    report.add(position(&span.start), message, Some(suggestion.to_owned()));
                    break;
                }
                Ok(())
            }
            Ok((event, span)) => builder.take(event, position(&span.start), report),
            Err(error) => Err(explain(&error, report)),
        };
        if let Err(Stop { at, message, suggestion }) = result {
            report.add(at, message, suggestion);
            return None;
        }
    }
    match builder.root {
        Some(root) if root.value != Value::Null => Some(root),
        _ => {
            let suggestion = "a definition begins with `apiVersion: beamline.dev/v1`";
            report.add(Position { line: 1, column: 1 }, "the file is empty", Some(suggestion.to_owned()));
            None
        }
    }
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

/// Why reading cannot go on.
struct Stop {
    at: Position,
    message: String,
    suggestion: Option<String>,
}

impl Stop {
    fn new(at: Position, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), suggestion: None }
    }
}

/// The scanner's error, with the usual cause where it is recognised.
fn explain(error: &ScanError, report: &Report<'_>) -> Stop {
    let at = position(error.marker());
    let indent = report.line(at.line).chars().take_while(|letter| letter.is_whitespace());
    if indent.into_iter().any(|letter| letter == '\t') {
        let mut stop = Stop::new(at, "a tab cannot indent a line");
        stop.suggestion = Some("use spaces".to_owned());
        return stop;
    }
    let suggestion = if error.info().contains("mapping values are not allowed") {
        Some("text with a colon and a space in it needs quotes, and fields of one mapping the same indentation")
    } else if error.info().contains("quoted scalar") {
        Some("is a closing quote missing?")
    } else if error.info().contains("indentation") || error.info().contains("block mapping") {
        Some("fields of one mapping have the same indentation; is a bracket left open above?")
    } else {
        None
    };
    Stop { at, message: format!("this is not YAML: {}", error.info()), suggestion: suggestion.map(str::to_owned) }
}

/// A list or mapping whose end has not come yet.
struct Open {
    at: Position,
    anchor: usize,
    holder: Holder,
}

enum Holder {
    List(Vec<Node>),
    Map(Vec<Entry>, Key),
}

/// Where a mapping stands: before a field's name or before its value.
enum Key {
    Awaited,
    Named(String, Position),
    /// The name is wrong and reported; its value is read and dropped.
    Wrong,
}

/// Puts nodes together from events.
#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Position, report: &mut Report<'_>) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if self.awaits_name() {
                    self.name(text.into_owned(), at, report);
                    return Ok(());
                }
                let value = scalar(text, style, tag.as_ref(), at)?;
                self.finish(Node { at, value }, anchor, report)
            }
            Event::SequenceStart(anchor, _) => self.begin(at, anchor, Holder::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(at, anchor, Holder::Map(Vec::new(), Key::Awaited)),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { at, anchor, holder }) = self.open.pop() else { return Ok(()) };
                let value = match holder {
                    Holder::List(items) => Value::List(items),
                    Holder::Map(entries, _) => Value::Map(entries),
                };
                self.finish(Node { at, value }, anchor, report)
            }
            Event::Alias(anchor) => {
                let Some(target) = self.anchors.get(&anchor) else {
                    return Err(Stop::new(at, "this alias stands inside of what it stands for"));
                };
                self.nodes += target.size();
                let node = target.clone();
                self.finish(node, 0, report)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, at: Position, anchor: usize, holder: Holder) -> Result<(), Stop> {
        if self.open.len() == NESTING_MAX {
            return Err(Stop::new(at, format!("lists and mappings are nested deeper than {NESTING_MAX}")));
        }
        self.open.push(Open { at, anchor, holder });
        Ok(())
    }

    fn awaits_name(&self) -> bool {
        matches!(self.open.last(), Some(Open { holder: Holder::Map(_, Key::Awaited), .. }))
    }

    fn name(&mut self, name: String, at: Position, report: &mut Report<'_>) {
        let Some(Open { holder: Holder::Map(entries, key), .. }) = self.open.last_mut() else { return };
        *key = match entries.iter().find(|entry| entry.name == name) {
            None => Key::Named(name, at),
            Some(first) => {
                let message = format!("`{name}` stands here a second time; the first is in line {}", first.at.line);
                report.add(at, message, None);
                Key::Wrong
            }
        };
    }

    /// Puts a whole node where it belongs.
    fn finish(&mut self, node: Node, anchor: usize, report: &mut Report<'_>) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Stop::new(node.at, format!("the definition has more than {NODES_MAX} values")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.holder) {
            None => self.root = Some(node),
            Some(Holder::List(items)) => items.push(node),
            Some(Holder::Map(entries, key)) => match std::mem::replace(key, Key::Awaited) {
                Key::Named(name, at) => entries.push(Entry { name, at, value: node }),
                Key::Wrong => {}
                Key::Awaited => {
                    let suggestion = "text that begins with `[`, `{` or `*` needs quotes".to_owned();
                    report.add(node.at, "the name of a field must be plain text", Some(suggestion));
                    *key = Key::Wrong;
                }
            },
        }
        Ok(())
    }
}

/// A scalar by YAML's core schema, and whole numbers up to 2^64.
fn scalar<'a>(text: Cow<'a, str>, style: ScalarStyle, tag: Option<&Cow<'a, Tag>>, at: Position) -> Result<Value, Stop> {
    if style == ScalarStyle::Plain
        && tag.is_none()
        && let Ok(number) = text.parse::<u64>()
    {
        return Ok(Value::Integer(number.into()));
    }
    match Scalar::parse_from_cow_and_metadata(text, style, tag) {
        Some(Scalar::Null) => Ok(Value::Null),
        Some(Scalar::Boolean(value)) => Ok(Value::Boolean(value)),
        Some(Scalar::Integer(value)) => Ok(Value::Integer(value.into())),
        Some(Scalar::FloatingPoint(value)) => Ok(Value::Float(value.into_inner())),
        Some(Scalar::String(text)) => Ok(Value::Text(text.into_owned())),
        None => Err(Stop::new(at, "the value does not fit its tag")),
    }
}
