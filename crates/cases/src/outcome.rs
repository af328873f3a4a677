//! What becomes of some events: the stages over the definition's partitions, and their results as tables.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{AsArray, RecordBatch},
    compute,
};
use serde_json::json;
use stage::{Aggregate, DeadLetter, Merge, Outputs, Pipeline, Rows, Stage, StageError};
use stream::{Stream, columns};

use crate::{CasesError, Row, Table};

/// What one partition has of the events.
#[derive(Debug)]
pub struct Share {
    /// Which partition.
    pub partition: u32,
    /// Its rows, where there are any.
    pub rows: Option<Rows>,
    /// Events that are not rows of the schema.
    pub rejected: Vec<DeadLetter>,
}

/// What became of some events.
#[derive(Debug)]
pub struct Outcome {
    /// The rows that came out, in the order of the events.
    pub rows: Table,
    /// How many events the filter dropped.
    pub filtered: u64,
    /// Records that could not go on, in the order of the events.
    pub dead_letters: Table,
    /// The rows that are anomalies.
    pub anomalies: Table,
    /// The rows that an aggregate left out.
    pub late: Table,
    /// The results of each aggregate, final.
    pub windows: BTreeMap<String, Table>,
}

/// Runs a stream over events, from empty state to the end of the stream.
///
/// # Errors
/// Where a stage as a whole cannot go on.
pub fn run(stream: &Arc<Stream>, shares: Vec<Share>) -> Result<Outcome, CasesError> {
    let mut outputs = Outputs::default();
    let mut windows = Vec::new();
    let mut merge =
        (!stream.aggregates.is_empty()).then(|| Merge::new(stream)).transpose().map_err(StageError::from)?;
    for share in shares {
        outputs.dead_letters.extend(share.rejected);
        let mut of_partition = Outputs::default();
        let mut aggregate = Aggregate::new(stream.clone())?;
        if let Some(rows) = share.rows {
            Pipeline::new(stream)?.process(rows, &mut of_partition)?;
            if let Some(aggregate) = &mut aggregate {
                for rows in of_partition.rows.clone() {
                    aggregate.process(rows, &mut of_partition)?;
                }
            }
        }
        if let (Some(aggregate), Some(merge)) = (&mut aggregate, &mut merge) {
            aggregate.flush(&mut of_partition)?;
            windows.append(&mut of_partition.closed);
            windows.extend(aggregate.unclosed(true)?);
            for partial in &of_partition.partials {
                merge.apply(share.partition, &partial.state).map_err(StageError::from)?;
            }
            if let Some(clock) = of_partition.clock {
                merge.clock(share.partition, clock);
            }
        }
        outputs.rows.append(&mut of_partition.rows);
        outputs.dead_letters.append(&mut of_partition.dead_letters);
        outputs.late.append(&mut of_partition.late);
        outputs.filtered += of_partition.filtered;
    }
    if let Some(merge) = &mut merge {
        windows.extend(merge.kept(true).map_err(StageError::from)?);
    }
    outcome(stream, outputs, windows)
}

fn outcome(stream: &Stream, mut outputs: Outputs, windows: Vec<RecordBatch>) -> Result<Outcome, CasesError> {
    outputs.dead_letters.sort_by_key(|letter| letter.position);
    let mut rows = Table::new("rows", &stream.scored);
    rows.rows = in_order(&outputs.rows, &stream.scored)?;
    let mut late = Table::new("late events", &stream.aggregates.late);
    late.rows = in_order(&outputs.late, &stream.aggregates.late)?;
    let anomalous = |row: &&Row| row.get(columns::ANOMALOUS) == Some(&json!(true));
    let anomalies =
        Table { name: "anomalies".into(), rows: rows.rows.iter().filter(anomalous).cloned().collect(), ..rows.clone() };
    Ok(Outcome {
        rows,
        filtered: outputs.filtered,
        dead_letters: dead_letters(&outputs.dead_letters),
        anomalies,
        late,
        windows: by_aggregate(stream, &windows)?,
    })
}

/// Rows in the order of their positions, from whatever partitions.
fn in_order(outputs: &[Rows], schema: &arrow::datatypes::Schema) -> Result<Vec<Row>, CasesError> {
    let mut placed = Vec::new();
    for rows in outputs {
        let mut table = Table::new("", schema);
        table.extend(&rows.batch)?;
        placed.extend(rows.positions.values().iter().copied().zip(table.rows));
    }
    placed.sort_by_key(|(position, _)| *position);
    Ok(placed.into_iter().map(|(_, row)| row).collect())
}

fn dead_letters(letters: &[DeadLetter]) -> Table {
    let row = |letter: &DeadLetter| -> Row {
        let fields = [
            ("event", json!(letter.position + 1)),
            ("kind", json!(letter.kind.name())),
            ("rule", json!(letter.rule)),
            ("reason", json!(letter.reason)),
        ];
        fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    };
    Table {
        name: "dead letters".into(),
        columns: ["event", "kind", "rule", "reason"].map(str::to_owned).to_vec(),
        times: Vec::new(),
        rows: letters.iter().map(row).collect(),
    }
}

/// The results of each aggregate, with the columns that it has.
fn by_aggregate(stream: &Stream, results: &[RecordBatch]) -> Result<BTreeMap<String, Table>, CasesError> {
    let mut windows = BTreeMap::new();
    for (name, own) in stream.aggregates.columns() {
        let mut table = Table::new(&format!("windows of {name}"), &stream.aggregates.schema);
        for batch in results {
            let of = batch.column(batch.schema_ref().index_of(columns::AGGREGATE)?).as_string::<i32>();
            let wanted = of.iter().map(|of| Some(of == Some(&name))).collect();
            table.extend(&compute::filter_record_batch(batch, &wanted)?)?;
        }
        table.columns.retain(|column| columns::OF_AGGREGATES.contains(&column.as_str()) || own.contains(column));
        for row in &mut table.rows {
            row.retain(|column, _| table.columns.iter().any(|own| own == column));
        }
        let order =
            |row: &Row| -> Vec<String> { own.iter().filter_map(|name| Some(row.get(name)?.to_string())).collect() };
        table.rows.sort_by_cached_key(|row| (row.get(columns::WINDOW_START).map(ToString::to_string), order(row)));
        windows.insert(name, table);
    }
    Ok(windows)
}
