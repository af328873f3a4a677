//! Whether repaired events are new: no event of the same id is among the results, waits to be put back, or comes twice.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{RecordBatch, UInt64Array};
use source::{Next, RECORDS_MAX, Source};
use store::{QueryOptions, Results, query};
use stream::Stream;

use crate::LocalError;

/// The ids of repaired events, and those that are not new.
pub(super) struct Ids {
    column: String,
    /// Which event has an id.
    events: HashMap<String, u64>,
    /// Events whose id is not new, and why.
    repeated: BTreeMap<u64, String>,
}

impl Ids {
    pub(super) fn of(stream: &Stream) -> Self {
        Self { column: stream.definition.spec.id.clone(), events: HashMap::new(), repeated: BTreeMap::new() }
    }

    /// Takes the ids of some repaired events.
    pub(super) fn add(&mut self, rows: &RecordBatch, numbers: &UInt64Array) -> Result<(), LocalError> {
        let ids = stage::key_text(rows.column(rows.schema().index_of(&self.column)?))?;
        for (id, number) in ids.iter().zip(numbers.values()) {
            let Some(id) = id else { continue };
            if self.events.insert(id.to_owned(), *number).is_some() {
                self.repeated.insert(*number, format!("the id {id:?} comes twice"));
            }
        }
        Ok(())
    }

    /// Looks for them among the processed events.
    pub(super) fn look_in_results(&mut self, results: &Results) -> Result<(), LocalError> {
        let sql = format!("SELECT \"{}\" FROM processed_data", self.column.replace('"', "\"\""));
        query::block_on(async {
            let session = query::open(&[results.root()], &QueryOptions::default()).await?;
            let mut answer = session.sql(&sql).await?;
            while let Some(rows) = answer.next().await? {
                self.note(&rows, 0, "is among the results already")?;
            }
            Ok(())
        })?
    }

    /// Looks for them in other repaired events.
    pub(super) fn look_in(&mut self, mut source: Box<dyn Source>) -> Result<(), LocalError> {
        loop {
            match source.next(RECORDS_MAX)? {
                Next::End => return Ok(()),
                Next::Idle => {}
                Next::Records(records) => {
                    let column = records.rows.schema().index_of(&self.column)?;
                    self.note(&records.rows, column, "was put back already")?;
                }
            }
        }
    }

    /// Events whose id is not new, and why, in their order.
    pub(super) fn repeated(self) -> Vec<(u64, String)> {
        self.repeated.into_iter().collect()
    }

    fn note(&mut self, rows: &RecordBatch, column: usize, what: &str) -> Result<(), LocalError> {
        let ids = stage::key_text(rows.column(column))?;
        for id in ids.iter().flatten() {
            if let Some(number) = self.events.get(id) {
                self.repeated.entry(*number).or_insert_with(|| format!("the id {id:?} {what}"));
            }
        }
        Ok(())
    }
}
