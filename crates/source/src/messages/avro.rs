//! Messages in Avro: plain in a schema that the definition names, behind Confluent's five bytes, or a container each.

use std::collections::BTreeMap;

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};
use codec::{FileSchema, RowDecoder, Rows};
use stream::{MessageFormat, Messages};

use super::{container, framing::framed};
use crate::{SourceError, columns::own_name, files::fit, json_rows::Decoded};

/// Writers' schemas that are kept; where there are more, all are forgotten and learnt again.
const WRITERS_MAX: usize = 256;

/// Reads Avro.
pub(super) struct AvroValues {
    format: MessageFormat,
    /// The columns that are wanted.
    wanted: SchemaRef,
    /// Of plain Avro.
    plain: Option<RowDecoder>,
    /// By the registry's id: what reads messages of that schema, or why nothing does.
    by_id: BTreeMap<u32, Result<RowDecoder, String>>,
    /// By the schema's text, of containers.
    by_text: BTreeMap<String, Result<RowDecoder, String>>,
}

/// Which schema a message was written with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Writer {
    Plain,
    Id(u32),
    Text(String),
}

impl AvroValues {
    pub(super) fn new(format: MessageFormat, plan: &Messages) -> Result<Self, SourceError> {
        let wanted = plan.read.clone();
        let plain = match (format, &plan.schema) {
            (MessageFormat::Avro, Some(schema)) => Some(decoder(schema, &wanted).map_err(SourceError::input)?),
            _ => None,
        };
        Ok(Self { format, wanted, plain, by_id: BTreeMap::new(), by_text: BTreeMap::new() })
    }

    /// The id of the schema that a message names, where it is not known.
    pub(super) fn unknown(&self, value: &[u8]) -> Option<u32> {
        let id = framed(value).ok()?.0;
        (self.format == MessageFormat::ConfluentAvro && !self.by_id.contains_key(&id)).then_some(id)
    }

    pub(super) fn learn(&mut self, id: u32, schema: Result<&str, String>) {
        if self.by_id.len() >= WRITERS_MAX {
            self.by_id.clear();
        }
        let known = schema.and_then(|schema| parsed(schema, &self.wanted));
        self.by_id.insert(id, known);
    }

    pub(super) fn decode(&mut self, values: &[&[u8]]) -> Result<Decoded, SourceError> {
        let (mut pieces, mut run, mut writer) = (Vec::new(), Vec::new(), Writer::Plain);
        for (index, value) in values.iter().enumerate() {
            let (wrote, body) = match self.cut(value) {
                Ok(cut) => cut,
                Err(reason) => {
                    pieces.push(self.rejected(index as u64, reason));
                    continue;
                }
            };
            if wrote != writer {
                self.decode_run(&writer, std::mem::take(&mut run), &mut pieces)?;
                writer = wrote;
            }
            run.push((index as u64, body));
        }
        self.decode_run(&writer, run, &mut pieces)?;
        let mut decoded = joined(pieces, &self.wanted)?;
        decoded.rejected.sort_by_key(|(index, _)| *index);
        Ok(decoded)
    }

    /// What a message was written with, and the bytes of its record.
    fn cut<'v>(&mut self, value: &'v [u8]) -> Result<(Writer, Body<'v>), String> {
        match self.format {
            MessageFormat::ConfluentAvro => {
                let (id, body) = framed(value)?;
                Ok((Writer::Id(id), Body::Part(body)))
            }
            MessageFormat::AvroContainer => {
                let (text, record) = container::record(value)?;
                if !self.by_text.contains_key(&text) {
                    if self.by_text.len() >= WRITERS_MAX {
                        self.by_text.clear();
                    }
                    self.by_text.insert(text.clone(), parsed(&text, &self.wanted));
                }
                Ok((Writer::Text(text), Body::Own(record)))
            }
            _ => Ok((Writer::Plain, Body::Part(value))),
        }
    }

    /// Decodes messages of one writer. One that cannot be read costs the others nothing.
    fn decode_run(
        &mut self,
        writer: &Writer,
        run: Vec<(u64, Body<'_>)>,
        pieces: &mut Vec<Decoded>,
    ) -> Result<(), SourceError> {
        if run.is_empty() {
            return Ok(());
        }
        let known = match writer {
            Writer::Plain => self.plain.as_mut().ok_or_else(|| "no schema is named".to_owned()),
            Writer::Id(id) => match self.by_id.get_mut(id) {
                Some(known) => known.as_mut().map_err(|reason| reason.clone()),
                None => Err(format!("the schema with the id {id} is not known")),
            },
            Writer::Text(text) => match self.by_text.get_mut(text) {
                Some(known) => known.as_mut().map_err(|reason| reason.clone()),
                None => Err("the schema is not known".to_owned()),
            },
        };
        let decoder = match known {
            Ok(decoder) => decoder,
            Err(reason) => {
                pieces.extend(run.iter().map(|(index, _)| self.rejected(*index, reason.clone())));
                return Ok(());
            }
        };
        let mut left = run.as_slice();
        while !left.is_empty() {
            let (decoded, taken) = decode_some(decoder, left, &self.wanted)?;
            pieces.push(decoded);
            left = &left[taken..];
        }
        Ok(())
    }

    fn rejected(&self, index: u64, reason: String) -> Decoded {
        let rows = RecordBatch::new_empty(self.wanted.clone());
        Decoded { rows, indexes: Vec::new(), rejected: vec![(index, reason)] }
    }
}

/// The bytes of a record.
enum Body<'v> {
    Part(&'v [u8]),
    Own(Vec<u8>),
}

impl Body<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Part(bytes) => bytes,
            Self::Own(bytes) => bytes,
        }
    }
}

/// Decodes messages up to the first whose end cannot be found, and that one; says how many they are.
fn decode_some(
    decoder: &mut RowDecoder,
    messages: &[(u64, Body<'_>)],
    wanted: &SchemaRef,
) -> Result<(Decoded, usize), SourceError> {
    let pieces: Vec<Rows<'_>> = messages.iter().map(|(_, body)| Rows { bytes: body.bytes(), count: 1 }).collect();
    let found = decoder.decode(&pieces).map_err(|error| SourceError::input(error.to_string()))?;
    let count = found.rows.num_rows() + found.rejected.len();
    let mut rejected: BTreeMap<u64, String> =
        found.rejected.into_iter().map(|(piece, _, reason)| (piece, reason)).collect();
    for (piece, (taken, (_, body))) in found.taken.iter().zip(messages).enumerate().take(count) {
        let over = body.bytes().len() - taken;
        if over > 0 {
            rejected.entry(piece as u64).or_insert_with(|| format!("{over} bytes are left over after the record"));
        }
    }
    let taken = match found.failure {
        Some(reason) => {
            rejected.insert(count as u64, reason);
            count + 1
        }
        None => messages.len(),
    };
    let fitted = fit::fit_batch(&found.rows, wanted)?;
    let mut indexes: Vec<u64> = fitted.indexes.iter().map(|row| found.indexes[*row as usize]).collect();
    for (row, _, reason) in fitted.rejected {
        rejected.entry(found.indexes[row as usize]).or_insert(reason);
    }
    let kept: arrow::array::BooleanArray = indexes.iter().map(|piece| Some(!rejected.contains_key(piece))).collect();
    let rows = match kept.true_count() == indexes.len() {
        true => fitted.rows,
        false => arrow::compute::filter_record_batch(&fitted.rows, &kept)?,
    };
    indexes.retain(|piece| !rejected.contains_key(piece));
    let message = |piece: u64| messages[piece as usize].0;
    let indexes = indexes.into_iter().map(message).collect();
    let rejected = rejected.into_iter().map(|(piece, reason)| (message(piece), reason)).collect();
    Ok((Decoded { rows, indexes, rejected }, taken))
}

fn parsed(schema: &str, wanted: &Schema) -> Result<RowDecoder, String> {
    let schema = FileSchema::parse(schema).map_err(|error| error.to_string())?;
    decoder(&schema, wanted)
}

/// What reads the wanted columns of messages of a schema.
fn decoder(schema: &FileSchema, wanted: &Schema) -> Result<RowDecoder, String> {
    let decoder = RowDecoder::new(schema, wanted).map_err(|error| error.to_string())?;
    let has = |name: &str| decoder.arrow().index_of(name).is_ok();
    match wanted.fields().iter().find(|field| !field.is_nullable() && !has(own_name(field))) {
        Some(missing) => {
            let name = own_name(missing);
            Err(format!("the message's schema has no column `{name}`; derive it, or allow null for it in the schema"))
        }
        None => Ok(decoder),
    }
}

/// Rows that were decoded in pieces, as one.
fn joined(pieces: Vec<Decoded>, schema: &SchemaRef) -> Result<Decoded, SourceError> {
    let (mut batches, mut indexes, mut rejected) = (Vec::with_capacity(pieces.len()), Vec::new(), Vec::new());
    for piece in pieces {
        batches.push(piece.rows);
        indexes.extend(piece.indexes);
        rejected.extend(piece.rejected);
    }
    let rows = match batches.len() {
        1 => batches.swap_remove(0),
        _ => arrow::compute::concat_batches(schema, &batches)?,
    };
    Ok(Decoded { rows, indexes, rejected })
}
