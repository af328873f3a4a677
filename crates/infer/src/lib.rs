//! A stream definition from a sample of its data: schema, identity, key, time and features guessed, each guess
//! explained beside it, and the whole checked before it is given out.
//!
//! Pure: the beginning of a file comes in, texts go out. The guesses lean towards what later rows may hold: a value
//! may be missing, a measurement may have a fraction, text takes anything.

mod calendar;
mod clock;
mod csv_table;
mod definition;
mod derived;
mod dialect;
mod error;
#[cfg(test)]
mod examples;
mod features;
mod guess;
mod history;
mod inner;
mod json_table;
mod names;
mod plan;
mod planned;
mod roles;
mod sample;
mod scalar;
mod table;
mod times;
mod topic;
mod topic_source;
mod typed_table;
mod unique;
mod unnamed;
mod verify;

use stream::FileFormat;

pub use self::{
    definition::SHARE_EVERY,
    error::InferError,
    history::{Roles, features_of},
    sample::{Content, Proposal, ROWS_MAX, Sample},
    topic::Topic,
};

/// Proposes a definition for streams of files like `sample`.
///
/// # Errors
/// Where the sample cannot be read, has no rows or no column that a schema can name, or where no definition of it
/// stands the check; the message names the columns at fault.
pub fn infer(sample: &Sample) -> Result<Proposal, InferError> {
    propose(sample, None)
}

/// Proposes a definition for streams of a topic whose messages are like `sample`.
///
/// # Errors
/// As [`infer`].
pub fn infer_topic(sample: &Sample, topic: &Topic) -> Result<Proposal, InferError> {
    propose(sample, Some(topic))
}

fn propose(sample: &Sample, topic: Option<&Topic>) -> Result<Proposal, InferError> {
    let mut table = match &sample.content {
        Content::Text(bytes) if sample.format == FileFormat::Csv => csv_table::read(bytes, sample.complete)?,
        Content::Text(bytes) => json_table::read(bytes, sample.format, sample.complete)?,
        Content::Rows(rows) => typed_table::read(rows)?,
    };
    let notes = sample.notes.iter().chain(&table.notes).cloned().collect();
    table.notes = notes;
    table.topic = topic.cloned();
    if table.rows == 0 {
        return Err(InferError::sample("the sample has no rows; give a file with some"));
    }
    let plan = plan::plan(&mut table)?;
    let plan = roles::assign(plan, &mut table, sample.no_time)?;
    let avro_schema = definition::avro(&sample.name, &plan);
    let definition = definition::yaml(sample, &table, &plan);
    verify::check(&avro_schema, &definition, topic)?;
    let mut notes = table.notes.clone();
    notes.extend(plan.notes.iter().cloned());
    let format = definition::format_of(sample);
    Ok(Proposal { avro_schema, definition, guesses: plan.guesses(), format, notes })
}
