//! A source with insertions: records of other sources that stand at fixed positions among its own.
//!
//! Positions count over all of them. Up to an insertion's first position come the main source's records, then the
//! insertion's, then the main source's again, shifted by as many. A cursor is the main source's with the position over
//! all; which part it stands in, and how far in an insertion, follows from that position.

use std::net::SocketAddr;

use arrow::array::UInt64Array;
use source::{Cursor, Next, Progress, Records, Source, SourceError};

/// Where an insertion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Splice {
    /// The position of its first record.
    pub at: u64,
    /// How many it has.
    pub records: u64,
}

impl Splice {
    fn end(&self) -> u64 {
        self.at + self.records
    }
}

/// Opens an insertion by its number.
pub(crate) type Open = Box<dyn Fn(usize) -> Result<Box<dyn Source>, SourceError> + Send>;

/// A source with insertions.
pub(crate) struct Spliced {
    main: Box<dyn Source>,
    /// In the order of their positions.
    splices: Vec<Splice>,
    open: Open,
    /// The insertion that is being read.
    inside: Option<(usize, Box<dyn Source>)>,
    /// The position of the next record.
    position: u64,
}

/// What a position is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The main source, behind so many inserted records, and before the next insertion.
    Main { inserted: u64, next: Option<u64> },
    /// An insertion, behind so many inserted records of others.
    Insertion { number: usize, inserted: u64 },
}

impl Spliced {
    /// `main` from its beginning, with insertions in the order of their positions, which do not overlap.
    pub(crate) fn new(main: Box<dyn Source>, splices: Vec<Splice>, open: Open) -> Self {
        Self { main, splices, open, inside: None, position: 0 }
    }

    fn part(&self, position: u64) -> Part {
        let begun = self.splices.partition_point(|splice| splice.at <= position);
        let inserted = |count: usize| self.splices[..count].iter().map(|splice| splice.records).sum();
        match begun.checked_sub(1) {
            Some(number) if position < self.splices[number].end() => {
                Part::Insertion { number, inserted: inserted(number) }
            }
            _ => Part::Main { inserted: inserted(begun), next: self.splices.get(begun).map(|splice| splice.at) },
        }
    }

    /// Where the main source stands when this one stands at `position`.
    fn main_position(&self, position: u64) -> u64 {
        match self.part(position) {
            Part::Main { inserted, .. } => position - inserted,
            Part::Insertion { number, inserted } => self.splices[number].at - inserted,
        }
    }

    fn next_of_main(&mut self, rows_max: usize, inserted: u64, next: Option<u64>) -> Result<Next, SourceError> {
        let room = next.map_or(u64::MAX, |next| next - self.position);
        match self.main.next(at_most(rows_max, room))? {
            Next::End if next.is_some() => Err(fewer("the source has fewer records than when the run began")),
            Next::Records(records) => {
                self.position = self.main.cursor().position + inserted;
                Ok(Next::Records(shifted(records, inserted)))
            }
            nothing => Ok(nothing),
        }
    }

    fn next_of_insertion(&mut self, rows_max: usize, number: usize) -> Result<Next, SourceError> {
        let Splice { at, .. } = self.splices[number];
        let left = self.splices[number].end() - self.position;
        let mut source = match self.inside.take() {
            Some((inside, source)) if inside == number => source,
            _ => {
                let mut source = (self.open)(number)?;
                let skip = self.position - at;
                source.seek(&Cursor { position: skip, skip, ..Cursor::default() })?;
                source
            }
        };
        let given = match source.next(at_most(rows_max, left))? {
            Next::End => {
                return Err(fewer("a file of repaired events has fewer than when it was put back; restore it"));
            }
            Next::Records(records) => {
                self.position = at + source.cursor().position;
                Next::Records(shifted(records, at))
            }
            Next::Idle => Next::Idle,
        };
        self.inside = Some((number, source));
        Ok(given)
    }
}

impl Source for Spliced {
    fn next(&mut self, rows_max: usize) -> Result<Next, SourceError> {
        match self.part(self.position) {
            Part::Main { inserted, next } => self.next_of_main(rows_max, inserted, next),
            Part::Insertion { number, .. } => self.next_of_insertion(rows_max, number),
        }
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        self.inside = None;
        self.main.seek(&Cursor { position: self.main_position(cursor.position), ..cursor.clone() })?;
        self.position = cursor.position;
        Ok(())
    }

    fn cursor(&self) -> Cursor {
        Cursor { position: self.position, ..self.main.cursor() }
    }

    fn progress(&self) -> Progress {
        self.main.progress()
    }

    fn hurry_to(&mut self, position: u64) {
        self.main.hurry_to(self.main_position(position));
    }

    fn forget_before(&mut self, position: u64) -> Result<(), SourceError> {
        self.main.forget_before(self.main_position(position))
    }

    fn address(&self) -> Option<SocketAddr> {
        self.main.address()
    }
}

fn at_most(rows_max: usize, room: u64) -> usize {
    usize::try_from(room).map_or(rows_max, |room| room.min(rows_max))
}

fn shifted(mut records: Records, by: u64) -> Records {
    if by > 0 {
        records.positions = UInt64Array::from_iter_values(records.positions.values().iter().map(|at| at + by));
        records.rejected.iter_mut().for_each(|rejected| rejected.position += by);
    }
    records
}

fn fewer(message: &str) -> SourceError {
    SourceError::Input { message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{AsArray, Int64Array, RecordBatch},
        datatypes::Int64Type,
    };
    use proptest::prelude::*;
    use source::Rejected;

    use super::*;

    /// Records that say which source they are of and where in it; every fifth is rejected.
    #[derive(Clone)]
    struct Numbers {
        origin: i64,
        records: u64,
        at: u64,
    }

    fn value(origin: i64, at: u64) -> i64 {
        origin * 1000 + at as i64
    }

    impl Source for Numbers {
        fn next(&mut self, rows_max: usize) -> Result<Next, SourceError> {
            if self.at == self.records {
                return Ok(Next::End);
            }
            let end = self.records.min(self.at + rows_max as u64);
            let (bad, good): (Vec<u64>, Vec<u64>) = (self.at..end).partition(|at| at % 5 == 4);
            let values: Int64Array = good.iter().map(|at| Some(value(self.origin, *at))).collect();
            let rejected = |at: u64| Rejected {
                position: at,
                payload: value(self.origin, at).to_string().into(),
                reason: "fifth".to_owned(),
            };
            let rejected = bad.into_iter().map(rejected).collect();
            self.at = end;
            let rows = RecordBatch::try_from_iter([("value", Arc::new(values) as _)])?;
            Ok(Next::Records(Records { rows, positions: UInt64Array::from(good), rejected }))
        }

        // The main source goes by a private field of its own, insertions by the records to skip.
        fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
            self.at = if self.origin == 0 { cursor.offset } else { cursor.skip };
            assert_eq!(cursor.position, self.at, "the cursor is this source's");
            Ok(())
        }

        fn cursor(&self) -> Cursor {
            Cursor { position: self.at, offset: self.at, ..Cursor::default() }
        }

        fn progress(&self) -> Progress {
            Progress::default()
        }
    }

    /// What stands at every position: the value, and whether it is a row.
    fn take(records: &Records, into: &mut Vec<(u64, i64, bool)>) {
        let rows = records.rows["value"].as_primitive::<Int64Type>();
        let mut taken: Vec<_> =
            records.positions.values().iter().zip(rows.values()).map(|(at, value)| (*at, *value, true)).collect();
        for rejected in &records.rejected {
            let value = String::from_utf8(rejected.payload.to_vec()).unwrap().parse().unwrap();
            taken.push((rejected.position, value, false));
        }
        taken.sort_unstable();
        into.extend(taken);
    }

    /// Splices from the main source's records before each and the insertions' lengths.
    fn splices(pieces: &[(u64, u64)]) -> Vec<Splice> {
        let mut position = 0;
        let splice = |(before, records): &(u64, u64)| {
            let at = position + before;
            position = at + records;
            Splice { at, records: *records }
        };
        pieces.iter().map(splice).collect()
    }

    fn concatenated(pieces: &[(u64, u64)], rest: u64) -> Vec<(u64, i64, bool)> {
        let mut values = Vec::new();
        let mut of_main = 0;
        let add = |origin: i64, from: u64, count: u64, values: &mut Vec<(u64, i64, bool)>| {
            for at in from..from + count {
                values.push((values.len() as u64, value(origin, at), at % 5 != 4));
            }
        };
        for (number, (before, records)) in pieces.iter().enumerate() {
            add(0, of_main, *before, &mut values);
            of_main += before;
            add(number as i64 + 1, 0, *records, &mut values);
        }
        add(0, of_main, rest, &mut values);
        values
    }

    fn spliced(pieces: &[(u64, u64)], rest: u64) -> Spliced {
        let records = pieces.iter().map(|(before, _)| before).sum::<u64>() + rest;
        let lengths: Vec<u64> = pieces.iter().map(|(_, records)| *records).collect();
        let open = move |number: usize| {
            Ok(Box::new(Numbers { origin: number as i64 + 1, records: lengths[number], at: 0 }) as Box<dyn Source>)
        };
        let main = Box::new(Numbers { origin: 0, records, at: 0 });
        Spliced::new(main, splices(pieces), Box::new(open))
    }

    proptest! {
        #[test]
        fn any_chunks_and_any_seeks_give_the_same_records(
            pieces in prop::collection::vec((0_u64..20, 1_u64..20), 0..5),
            rest in 0_u64..20,
            chunks in prop::collection::vec(1_usize..30, 1..20),
            seeks in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let expected = concatenated(&pieces, rest);
            let mut source = spliced(&pieces, rest);
            let (mut cursors, mut found) = (vec![source.cursor()], Vec::new());
            for chunk in chunks.iter().cycle() {
                match source.next(*chunk).unwrap() {
                    Next::Records(records) => {
                        prop_assert!(records.len() <= *chunk);
                        take(&records, &mut found);
                    }
                    _ => break,
                }
                prop_assert_eq!(source.cursor().position, found.len() as u64);
                cursors.push(source.cursor());
            }
            prop_assert_eq!(&found, &expected);
            for seek in seeks {
                let cursor = seek.get(&cursors);
                // Half of the time in a new process, so to speak.
                if cursor.position % 2 == 0 {
                    source = spliced(&pieces, rest);
                }
                source.seek(cursor).unwrap();
                prop_assert_eq!(&source.cursor(), cursor);
                let mut found = Vec::new();
                for chunk in chunks.iter().rev().cycle() {
                    let Next::Records(records) = source.next(*chunk).unwrap() else { break };
                    take(&records, &mut found);
                }
                prop_assert_eq!(found, &expected[cursor.position as usize..]);
            }
        }
    }

    #[test]
    fn a_source_that_became_shorter_is_an_error() {
        let mut source = spliced(&[(3, 2)], 0);
        source.main = Box::new(Numbers { origin: 0, records: 2, at: 0 });
        assert!(matches!(source.next(10).unwrap(), Next::Records(_)));
        assert!(source.next(10).unwrap_err().to_string().contains("fewer records"));

        let mut source = spliced(&[(0, 2)], 0);
        source.splices[0].records = 3;
        assert!(matches!(source.next(10).unwrap(), Next::Records(_)));
        assert!(source.next(10).unwrap_err().to_string().contains("repaired events"));
    }
}
