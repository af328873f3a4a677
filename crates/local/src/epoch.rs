//! What one partition writes between two commits.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray},
    compute,
    datatypes::SchemaRef,
};
use stage::{DeadLetter, Ledger, Outputs, Rows};
use store::{FileEntry, Finished, Results, SelectionWriter, Table, TableWriter, WriterOptions, dead_letters_schema};
use stream::Stream;

use crate::{
    LocalError,
    few::{Few, few_rows},
};

/// The writers of one partition, made when their first row comes and closed at each commit.
pub(crate) struct PartitionWriters {
    stream: Arc<Stream>,
    results: Results,
    options: WriterOptions,
    partition: u32,
    /// The first position of the epoch: files are named after it.
    first_position: u64,
    processed: Option<TableWriter>,
    anomalies: Option<TableWriter>,
    dead_letters: Option<TableWriter>,
    late: Option<TableWriter>,
    selections: Vec<Option<SelectionWriter>>,
    ledger: Ledger,
}

impl PartitionWriters {
    pub(crate) fn new(stream: Arc<Stream>, results: Results, options: WriterOptions, partition: u32) -> Self {
        let selections = stream.selections.iter().map(|_| None).collect();
        Self {
            stream,
            results,
            options,
            partition,
            first_position: 0,
            processed: None,
            anomalies: None,
            dead_letters: None,
            late: None,
            selections,
            ledger: Ledger::default(),
        }
    }

    /// Names the next files after this position.
    pub(crate) fn begin(&mut self, first_position: u64) {
        self.first_position = first_position;
    }

    /// Writes what came out of the stages for `records` records.
    pub(crate) fn write(&mut self, records: u64, outputs: &Outputs) -> Result<Ledger, LocalError> {
        let mut ledger = Ledger {
            records,
            filtered: outputs.filtered,
            unscored: outputs.unscored,
            ahead: outputs.ahead,
            dead_lettered: outputs.dead_letters.len() as u64,
            ..Ledger::default()
        };
        for rows in &outputs.late {
            self.table(Table::Late, &rows.batch)?;
        }
        for rows in &outputs.rows {
            ledger.out += rows.len() as u64;
            self.write_rows(rows)?;
        }
        ledger.silences = outputs.silences();
        if let Some(found) = outputs.anomalies(&self.stream, &[])? {
            ledger.anomalies = found.len() as u64 - ledger.silences;
            count_reasons(&found.batch, &mut ledger);
            self.table(Table::Anomalies, &found.batch)?;
        }
        // Late events are stored with the others, and counted apart.
        ledger.late = outputs.late_events;
        ledger.out -= outputs.late_events;
        for dead_letter in &outputs.dead_letters {
            let rule = if dead_letter.rule.is_empty() { dead_letter.kind.name() } else { &dead_letter.rule };
            *ledger.dead_letter_rules.entry(rule.to_owned()).or_default() += 1;
        }
        if !outputs.dead_letters.is_empty() {
            let batch = dead_letter_rows(self.partition, &outputs.dead_letters)?;
            self.table(Table::DeadLetters, &batch)?;
        }
        self.ledger += &ledger;
        Ok(ledger)
    }

    fn write_rows(&mut self, rows: &Rows) -> Result<(), LocalError> {
        self.table(Table::ProcessedData, &rows.batch)?;
        for (index, (name, expression)) in self.stream.selections.iter().enumerate() {
            let (selected, _) = expression
                .matches(&rows.batch)
                .map_err(|source| stage::StageError::Expression { context: format!("selection {name}"), source })?;
            if selected.true_count() == 0 {
                continue;
            }
            let batch = compute::filter_record_batch(&rows.batch, &selected)?;
            let writer = match &mut self.selections[index] {
                Some(writer) => writer,
                empty => empty.insert(SelectionWriter::new(&self.results, name, self.partition, self.first_position)?),
            };
            writer.write(&batch)?;
        }
        Ok(())
    }

    fn table(&mut self, table: Table, batch: &RecordBatch) -> Result<(), LocalError> {
        let writer = match table {
            Table::ProcessedData => &mut self.processed,
            Table::Anomalies => &mut self.anomalies,
            Table::Late => &mut self.late,
            _ => &mut self.dead_letters,
        };
        let writer = match writer {
            Some(writer) => writer,
            empty => empty.insert(TableWriter::new(
                &self.results,
                table,
                self.partition,
                self.first_position,
                batch.schema(),
                &self.options,
            )?),
        };
        Ok(writer.write(batch)?)
    }

    /// Closes the files of this epoch, and gives the rows that are too few for one.
    pub(crate) fn finish(&mut self) -> Result<(Vec<FileEntry>, Vec<Few>, Ledger), LocalError> {
        let (mut files, mut few) = (Vec::new(), Vec::new());
        let few_rows = few_rows(self.stream.definition.spec.partitions);
        let tables = [
            (Table::ProcessedData, self.processed.take()),
            (Table::Anomalies, self.anomalies.take()),
            (Table::DeadLetters, self.dead_letters.take()),
            (Table::Late, self.late.take()),
        ];
        for (table, writer) in tables {
            match writer.map(|writer| writer.finish_unless_few(few_rows)).transpose()? {
                Some(Finished::Files(written)) => files.extend(written),
                Some(Finished::Few(batches)) => few.push(Few { table, partition: self.partition, batches }),
                None => {}
            }
        }
        for writer in self.selections.iter_mut().filter_map(Option::take) {
            files.extend(writer.finish()?);
        }
        Ok((files, few, std::mem::take(&mut self.ledger)))
    }
}

fn count_reasons(anomalies: &RecordBatch, ledger: &mut Ledger) {
    let Some(reasons) = anomalies.column_by_name(stream::columns::ANOMALY_REASONS) else { return };
    for reason in reasons.as_string::<i32>().iter().flatten().flat_map(|reasons| reasons.split(',')) {
        match ledger.reasons.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                ledger.reasons.insert(reason.to_owned(), 1);
            }
        }
    }
}

/// The schemas of the tables of `stream`, for those that have no row yet.
pub(crate) fn table_schemas(stream: &Stream) -> Vec<(Table, SchemaRef)> {
    let mut schemas = vec![(Table::ProcessedData, stream.scored.clone()), (Table::DeadLetters, dead_letters_schema())];
    if stream.definition.spec.detect.is_some() {
        schemas.push((Table::Anomalies, stream.anomalies()));
    }
    if !stream.aggregates.is_empty() {
        schemas.push((Table::Aggregates, stream.aggregates.schema.clone()));
        schemas.push((Table::Late, stream.aggregates.late.clone()));
    }
    schemas
}

fn dead_letter_rows(partition: u32, dead_letters: &[DeadLetter]) -> Result<RecordBatch, LocalError> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(dead_letters.iter().map(|dead_letter| Some(dead_letter.position as i64)).collect::<Int64Array>()),
        Arc::new(Int32Array::from(vec![partition as i32; dead_letters.len()])),
        Arc::new(StringArray::from_iter_values(dead_letters.iter().map(|dead_letter| dead_letter.kind.name()))),
        Arc::new(StringArray::from_iter_values(dead_letters.iter().map(|dead_letter| dead_letter.rule.as_str()))),
        Arc::new(StringArray::from_iter_values(dead_letters.iter().map(|dead_letter| dead_letter.reason.as_str()))),
        Arc::new(BinaryArray::from_iter_values(dead_letters.iter().map(|dead_letter| &dead_letter.payload))),
    ];
    Ok(RecordBatch::try_new(dead_letters_schema(), columns)?)
}
