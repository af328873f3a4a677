//! What follows from the aggregates of a definition: their windows, compiled expressions, and the schema of their rows.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{Field, Schema, SchemaRef};
use expr::Aggregation;

use crate::columns;

/// The aggregates of a stream.
#[derive(Debug, Clone)]
pub struct Aggregates {
    /// Each of them, in the order of the definition.
    pub list: Vec<Arc<WindowedAggregate>>,
    /// The columns of a result: those of every row, then the groups' and the selected ones of every aggregate, each
    /// once, null where a row's aggregate has no such column.
    pub schema: SchemaRef,
    /// The columns of a late event: what it was late for and by how much, then the scored event.
    pub late: SchemaRef,
}

/// One aggregate, compiled.
#[derive(Debug, Clone)]
pub struct WindowedAggregate {
    /// Its name.
    pub name: String,
    /// Its windows.
    pub windows: Windows,
    /// How far behind the latest event of its partition an event may be, in microseconds.
    pub lateness: i64,
    /// The columns whose values make the groups.
    pub group_by: Vec<String>,
    /// Whether the groups contain the stream's key, so that each is in one partition.
    pub keyed: bool,
    /// What is computed of each group, with its name.
    pub select: Vec<(String, Aggregation)>,
}

/// How events are put into windows; lengths in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windows {
    /// One over the whole stream, which never closes.
    Whole,
    /// Each `length` long, one beginning every `slide`.
    Sliding {
        /// How long a window is.
        length: i64,
        /// How long after one the next begins: `length` where they do not overlap.
        slide: i64,
    },
    /// From an event on until none has come for `gap`.
    Session {
        /// How long after its last event a session ends.
        gap: i64,
    },
}

impl Aggregates {
    /// No aggregates, over events of `scored`.
    pub(crate) fn none(scored: &Schema) -> Self {
        Self { list: Vec::new(), schema: Arc::new(Schema::new(columns::of_aggregates())), late: late(scored) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The columns that each has as a table of its own, between the ends of the window and `final`.
    pub fn columns(&self) -> BTreeMap<String, Vec<String>> {
        let columns = |of: &WindowedAggregate| {
            of.group_by.iter().chain(of.select.iter().map(|(name, _)| name)).cloned().collect()
        };
        self.list.iter().map(|aggregate| (aggregate.name.clone(), columns(aggregate))).collect()
    }

    /// Whether there are any whose groups are in several partitions, and have to be put together.
    pub fn are_merged(&self) -> bool {
        self.list.iter().any(|aggregate| !aggregate.keyed)
    }
}

/// The columns of a late event.
pub(crate) fn late(scored: &Schema) -> SchemaRef {
    let event = scored.fields().iter().map(|field| field.as_ref().clone());
    let fields: Vec<Field> = columns::of_late().into_iter().chain(event).collect();
    Arc::new(Schema::new(fields))
}
