//! Going on where an earlier run committed: what was learned comes back from snapshots, and rows that were committed after
//! a key's snapshot are processed once more, without handing anything on.

use std::collections::HashMap;

use arrow::array::BooleanArray;

use crate::{Key, Outputs, Rows, Stage, StageError};

/// A stage of one partition that goes on from what was committed.
///
/// A runtime gives back the snapshots of all keys, then every row from the oldest horizon on. Rows before the committed
/// position only bring the state up to date, each key's past its own snapshot.
#[derive(Debug)]
pub struct Resumed<S> {
    stage: S,
    /// Rows before this position were committed by an earlier run.
    committed: u64,
    /// The position that each restored key's snapshot was taken at: it has all rows before. Empty once a row is new.
    snapshots: HashMap<Key, u64>,
}

impl<S: Stage> Resumed<S> {
    /// A stage whose rows before position `committed` were committed by an earlier run.
    pub fn new(stage: S, committed: u64) -> Self {
        Self { stage, committed, snapshots: HashMap::new() }
    }

    /// Puts back the state of a key as it was before the row at `position`.
    ///
    /// # Errors
    /// Where the stage cannot read the snapshot.
    pub fn restore(&mut self, key: Key, position: u64, snapshot: &[u8]) -> Result<(), StageError> {
        self.stage.restore(key.clone(), snapshot)?;
        self.snapshots.insert(key, position);
        Ok(())
    }

    /// Takes rows in the order of their positions, and says how many of them are new: those at or past the committed
    /// position, which are the last ones. Only they give outputs.
    ///
    /// # Errors
    /// Where the stage as a whole cannot go on.
    pub fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<usize, StageError> {
        let old = rows.positions.values().partition_point(|position| *position < self.committed);
        let new = rows.len() - old;
        if old > 0 {
            let committed = rows.slice(0, old);
            let replayed = self.not_in_snapshots(&committed);
            self.stage.process(committed.select(&replayed)?, &mut Outputs::default())?;
        }
        if new > 0 {
            self.snapshots = HashMap::new();
            self.stage.process(rows.slice(old, new), out)?;
        }
        Ok(new)
    }

    /// Which rows came after the snapshot of their key.
    fn not_in_snapshots(&self, rows: &Rows) -> BooleanArray {
        let rows = rows.keys.iter().zip(rows.positions.values());
        rows.map(|(key, position)| {
            let snapshot = self.snapshots.get(key.unwrap_or_default());
            Some(snapshot.is_none_or(|snapshot| position >= snapshot))
        })
        .collect()
    }

    /// How many keys were restored, as long as no row was new.
    pub fn restored_keys(&self) -> usize {
        self.snapshots.len()
    }

    /// The committed position that it goes on from.
    pub fn committed(&self) -> u64 {
        self.committed
    }

    /// The stage itself.
    pub fn stage(&self) -> &S {
        &self.stage
    }

    /// The stage itself, to flush it and to take snapshots.
    pub fn stage_mut(&mut self) -> &mut S {
        &mut self.stage
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch, StringArray, UInt64Array};

    use super::*;
    use crate::Traces;

    /// Counts the rows of each key, and hands every row on.
    #[derive(Default)]
    struct Count(HashMap<String, u64>);

    impl Stage for Count {
        fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError> {
            rows.keys.iter().flatten().for_each(|key| *self.0.entry(key.to_owned()).or_default() += 1);
            out.rows.push(rows);
            Ok(())
        }

        fn restore(&mut self, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
            self.0.insert(key.to_string(), u64::from(snapshot[0]));
            Ok(())
        }
    }

    /// Rows at positions 10, 20, ... with these keys.
    fn rows(keys: &[&str]) -> Rows {
        let values = Int64Array::from_iter_values(0..keys.len() as i64);
        Rows {
            batch: RecordBatch::try_from_iter([("value", std::sync::Arc::new(values) as _)]).unwrap(),
            positions: UInt64Array::from_iter_values((1..=keys.len() as u64).map(|n| n * 10)),
            keys: StringArray::from(keys.to_vec()),
            ingested: None,
            traces: Traces::default(),
        }
    }

    fn counts(stage: &Resumed<Count>) -> [u64; 2] {
        ["a", "b"].map(|key| stage.stage().0.get(key).copied().unwrap_or_default())
    }

    /// Whatever is cut where: each committed row counts once, whether a snapshot has it or it is replayed.
    #[test]
    fn committed_rows_bring_each_key_up_to_date_past_its_snapshot() {
        let all = rows(&["a", "b", "a", "b", "a", "a"]);
        for cut in 0..=all.len() {
            let mut stage = Resumed::new(Count::default(), 45);
            stage.restore("a".into(), 20, &[1]).unwrap();
            stage.restore("b".into(), 45, &[2]).unwrap();
            assert_eq!(stage.restored_keys(), 2);
            let mut out = Outputs::default();
            let first = stage.process(all.slice(0, cut), &mut out).unwrap();
            let second = stage.process(all.slice(cut, all.len() - cut), &mut out).unwrap();
            assert_eq!(counts(&stage), [4, 2], "cut at {cut}");
            assert_eq!(first + second, 2, "cut at {cut}");
            let positions: Vec<u64> = out.rows.iter().flat_map(|rows| rows.positions.values().to_vec()).collect();
            assert_eq!(positions, [50, 60], "only new rows come out, cut at {cut}");
            assert_eq!(stage.restored_keys(), 0);
        }
    }

    #[test]
    fn a_key_without_a_snapshot_is_replayed_whole() {
        let mut stage = Resumed::new(Count::default(), 100);
        assert_eq!(stage.committed(), 100);
        let mut out = Outputs::default();
        assert_eq!(stage.process(rows(&["a", "b", "a"]), &mut out).unwrap(), 0);
        assert_eq!(counts(&stage), [2, 1]);
        assert!(out.rows.is_empty());
    }
}
