//! What a stream's history is like: a sample of its enriched rows, and how many events its keys have.

use std::collections::HashMap;

use arrow::{
    array::{RecordBatch, UInt32Array},
    compute::{concat_batches, take_record_batch},
};
use infer::ROWS_MAX;
use stage::{Enrich, Outputs, Stage};
use stream::{Source, Stream};

use super::super::evaluate::read_events;
use crate::{Failure, cli::TuneArgs};

/// Keys whose events are counted; those of later ones are not.
const KEYS_MAX: usize = 65_536;

/// Days of history that a daily season can be seen in.
const SEASON_DAYS: i64 = 3;

/// A stream's history.
pub(super) struct History {
    /// Rows spread over all of it, at most [`ROWS_MAX`].
    pub(super) sample: RecordBatch,
    pub(super) events: u64,
    /// How many events each key has, ascending.
    counts: Vec<u64>,
    /// The first and the last event time in microseconds.
    times: Option<(i64, i64)>,
}

impl History {
    pub(super) fn read(args: &TuneArgs, stream: &std::sync::Arc<Stream>, source: &Source) -> Result<Self, Failure> {
        let mut enrich = Enrich::new(stream.clone());
        let mut spread = Spread { stride: 1, seen: 0, rows: 0, kept: Vec::new() };
        let (mut counts, mut times): (HashMap<String, u64>, Option<(i64, i64)>) = (HashMap::new(), None);
        read_events(&args.stream, stream, source, args.events, |rows| {
            let mut outputs = Outputs::default();
            enrich.process(rows, &mut outputs).map_err(Failure::run_time)?;
            for rows in outputs.rows {
                for key in rows.keys.iter().flatten() {
                    if let Some(count) = counts.get_mut(key) {
                        *count += 1;
                    } else if counts.len() < KEYS_MAX {
                        counts.insert(key.to_owned(), 1);
                    }
                }
                let column =
                    rows.batch.schema_ref().index_of(&stream.definition.spec.time).map_err(Failure::run_time)?;
                let found = stage::event_times(rows.batch.column(column)).map_err(Failure::run_time)?;
                for time in found.iter().flatten() {
                    let (first, last) = times.unwrap_or((time, time));
                    times = Some((first.min(time), last.max(time)));
                }
                spread.add(&rows.batch)?;
            }
            Ok(())
        })?;
        let events = spread.seen as u64;
        let Some(sample) = spread.finish()? else {
            return Err(Failure::run_time("no event of the history is good, nothing can be proposed"));
        };
        let mut counts: Vec<u64> = counts.into_values().collect();
        counts.sort_unstable();
        Ok(Self { sample, events, counts, times })
    }

    /// How many events half of the keys have at least.
    pub(super) fn median(&self) -> u64 {
        self.counts.get(self.counts.len() / 2).copied().unwrap_or_default()
    }

    /// Whether it is long enough to see what is usual at a time of day.
    pub(super) fn has_days(&self) -> bool {
        self.times.is_some_and(|(first, last)| last.saturating_sub(first) >= SEASON_DAYS * 86_400_000_000)
    }

    pub(super) fn tell(&self) -> String {
        let keys = self.counts.len();
        format!("{} events of {keys} keys, of which half have {} or more\n", self.events, self.median())
    }
}

/// Every so manyth row, ever more sparsely, so that the rows are spread over however many there are.
struct Spread {
    stride: usize,
    seen: usize,
    rows: usize,
    kept: Vec<RecordBatch>,
}

impl Spread {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let first = self.seen.next_multiple_of(self.stride) - self.seen;
        self.seen += batch.num_rows();
        let taken = every(batch, first, self.stride)?;
        self.rows += taken.num_rows();
        self.kept.push(taken);
        while self.rows > 2 * ROWS_MAX {
            self.thin()?;
        }
        Ok(())
    }

    /// Drops every second row.
    fn thin(&mut self) -> Result<(), Failure> {
        if let Some(first) = self.kept.first() {
            let all = concat_batches(first.schema_ref(), &self.kept).map_err(Failure::run_time)?;
            let half = every(&all, 0, 2)?;
            (self.stride, self.rows, self.kept) = (2 * self.stride, half.num_rows(), vec![half]);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Option<RecordBatch>, Failure> {
        if self.rows > ROWS_MAX {
            self.thin()?;
        }
        let Some(first) = self.kept.first() else { return Ok(None) };
        concat_batches(first.schema_ref(), &self.kept).map(Some).map_err(Failure::run_time)
    }
}

fn every(batch: &RecordBatch, first: usize, stride: usize) -> Result<RecordBatch, Failure> {
    let rows = UInt32Array::from_iter_values((first..batch.num_rows()).step_by(stride).map(|row| row as u32));
    take_record_batch(batch, &rows).map_err(Failure::run_time)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{ArrayRef, AsArray, Int64Array},
        datatypes::Int64Type,
    };

    use super::*;

    #[test]
    fn a_sample_is_spread_over_all_rows_however_they_are_cut() {
        for cut in [1_000usize, 7_777, 60_000] {
            let mut spread = Spread { stride: 1, seen: 0, rows: 0, kept: Vec::new() };
            let mut next = 0i64;
            while next < 60_000 {
                let end = (next + cut as i64).min(60_000);
                let rows = Arc::new(Int64Array::from_iter_values(next..end)) as ArrayRef;
                spread.add(&RecordBatch::try_from_iter([("row", rows)]).unwrap()).unwrap();
                next = end;
            }
            assert_eq!(spread.seen, 60_000);
            let sample = spread.finish().unwrap().unwrap();
            let rows = sample.column(0).as_primitive::<Int64Type>().values().to_vec();
            assert!(rows.len() > ROWS_MAX / 2 && rows.len() <= ROWS_MAX, "{}", rows.len());
            assert!(rows.windows(2).all(|pair| pair[1] - pair[0] == rows[1]), "cut by {cut}");
        }
    }
}
