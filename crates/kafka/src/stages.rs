//! What a step takes in, does and hands on: its schemas, and the stage that it runs.

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray},
    datatypes::{Int32Type, Int64Type},
};
use bytes::Bytes;
use codec::ValueSchema;
use stage::{
    Aggregate, Detect, Enrich, Key, Merge, Outputs, Pipeline, Rows, Stage, StageError, StateMemory, WholeState,
};
use stream::{Stream, Topics};

use crate::{
    KafkaError, Step,
    messages::partials::{self, partials_schema},
};

impl Step {
    /// The column of the input whose text is the rows' key.
    pub(crate) fn key(self, stream: &Stream) -> &str {
        match self {
            Self::Merge => partials::KEY,
            _ => &stream.definition.spec.key,
        }
    }

    pub(crate) fn input_schema(self, stream: &Stream) -> Result<ValueSchema, KafkaError> {
        match self {
            Self::Enrich | Self::Fused => Ok(stream.input.clone()),
            Self::Detect => Ok(stream.enriched_schema()?),
            Self::Aggregate => Ok(stream.scored_schema()?),
            Self::Merge => partials_schema(),
        }
    }

    /// The topic that its rows go to, and their schema.
    pub(crate) fn rows(self, stream: &Stream, topics: &Topics) -> Result<Option<(String, ValueSchema)>, KafkaError> {
        let Some(topic) = self.output(topics) else { return Ok(None) };
        let schema = if self.detects() { stream.scored_schema()? } else { stream.enriched_schema()? };
        Ok(Some((topic.to_owned(), schema)))
    }

    /// The stage, with the states of its keys in `memory`.
    pub(crate) fn stage(self, stream: &Arc<Stream>, memory: &StateMemory) -> Result<Box<dyn Stage>, StageError> {
        Ok(match self {
            Self::Enrich => Box::new(Enrich::new(stream.clone())),
            Self::Fused => Box::new(Pipeline::within(stream, memory)?),
            Self::Detect => match Detect::within(stream.clone(), memory)? {
                Some(detect) => Box::new(detect),
                None => Box::new(Through),
            },
            Self::Aggregate => match Aggregate::new(stream.clone())? {
                Some(aggregate) => Box::new(aggregate),
                None => Box::new(Through),
            },
            Self::Merge => Box::new(MergeParts::new(stream)?),
        })
    }
}

/// A stream that has nothing for a step to do: its events go on as they are.
struct Through;

impl Stage for Through {
    fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError> {
        out.rows.push(rows);
        Ok(())
    }
}

/// Puts parts together. It hands nothing on row by row: results come out when it is flushed.
struct MergeParts {
    merge: Merge,
    state: WholeState,
    overdue: u64,
}

impl MergeParts {
    fn new(stream: &Stream) -> Result<Self, StageError> {
        Ok(Self { merge: Merge::new(stream)?, state: WholeState::default(), overdue: 0 })
    }
}

impl Stage for MergeParts {
    fn process(&mut self, rows: Rows, _: &mut Outputs) -> Result<(), StageError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.state.changed_at(rows.positions.value(0));
        let partitions = rows.batch.column(0).as_primitive::<Int32Type>();
        let states = rows.batch.column(2).as_binary::<i32>();
        let clocks = rows.batch.column(3).as_primitive::<Int64Type>();
        for row in 0..rows.len() {
            let partition = partitions.value(row) as u32;
            if states.is_valid(row) {
                self.overdue += self.merge.apply(partition, states.value(row))?;
            }
            if clocks.is_valid(row) {
                self.merge.clock(partition, clocks.value(row));
            }
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Outputs) -> Result<(), StageError> {
        self.state.check()?;
        out.changed.extend(self.merge.changed()?);
        out.closed.extend(self.merge.settle()?);
        out.overdue += std::mem::take(&mut self.overdue);
        Ok(())
    }

    fn horizon(&self) -> Option<u64> {
        self.state.horizon()
    }

    /// All that changed, whatever `bytes` says.
    fn snapshots(&mut self, bytes: usize) -> Result<Vec<(Key, Bytes)>, StageError> {
        let _ = bytes;
        Ok(self.state.taken(self.merge.snapshots()))
    }

    fn restore(&mut self, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        Ok(self.merge.restore(&key, snapshot)?)
    }
}
