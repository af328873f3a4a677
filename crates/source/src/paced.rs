//! Plays a source at the pace of its event times, or at a rate. What comes, and where it stands, never depends on it.
//!
//! A step of more than a year between two rows, forwards or back, is not a pace: one wrong date (the year 9999) must not hold
//! up everything behind it. Such a row comes at once, and the pace goes on from the next.

use std::{
    thread,
    time::{Duration, Instant},
};

use arrow::{
    array::AsArray,
    compute,
    datatypes::{DataType, TimeUnit, TimestampMicrosecondType},
};

use crate::{Cursor, Next, Progress, RECORDS_MAX, Records, Source, SourceError};

/// The shortest wait at a call: records that are due within it come together, since each call has its cost.
const WAIT_MIN: Duration = Duration::from_millis(20);

/// The longest wait at a call.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// The longest step between two rows that is waited for, in microseconds: a leap year.
const STEP_MAX: u64 = 366 * 86_400 * 1_000_000;

/// Records that are read ahead of their time.
const HELD_MAX: usize = 8_192;

/// How fast records are let through.
#[derive(Debug, Clone)]
pub(crate) enum Pace {
    /// So many records a second.
    Rate(f64),
    /// So many times faster than the times in this column went by.
    EventTime { column: usize, speed: f64 },
}

/// A source whose records come when their time has come.
pub(crate) struct Paced {
    source: Box<dyn Source>,
    pace: Pace,
    /// The moment that counts as the beginning, and what was due then: a position or microseconds gone by.
    anchor: Option<(Instant, i64)>,
    clock: Clock,
    held: Option<Held>,
    /// Records before this position wait for nothing.
    hurried: u64,
}

/// Event time as it went by, without the steps that are none.
#[derive(Default)]
struct Clock {
    /// The latest event time in microseconds since 1970.
    latest: Option<i64>,
    /// Microseconds gone by since the first.
    gone: i64,
}

impl Clock {
    /// Microseconds gone by until a row of this time; one out of order, or without a time, waits for nobody.
    fn until(&mut self, time: Option<i64>) -> i64 {
        let Some(time) = time else { return self.gone };
        let latest = self.latest.unwrap_or(time);
        if latest.abs_diff(time) > STEP_MAX {
            self.latest = Some(time);
        } else if time >= latest {
            self.latest = Some(time);
            self.gone = self.gone.saturating_add(time - latest);
        }
        self.gone
    }
}

/// Records that were read and wait for their time.
struct Held {
    records: Records,
    /// Microseconds of event time gone by until each row.
    times: Vec<i64>,
    /// Where they begin, and the position of the next to be given.
    begin: Cursor,
    position: u64,
    end: u64,
}

impl Paced {
    pub(crate) fn new(source: Box<dyn Source>, pace: Pace) -> Self {
        Self { source, pace, anchor: None, clock: Clock::default(), held: None, hurried: 0 }
    }

    fn next_by_rate(&mut self, rows_max: usize, rate: f64) -> Result<Next, SourceError> {
        let position = self.source.cursor().position as i64;
        let (begun, first) = *self.anchor.get_or_insert_with(|| (Instant::now(), position));
        let due = first + (begun.elapsed().as_secs_f64() * rate) as i64 + 1;
        if due > position {
            return self.source.next(rows_max.min((due - position) as usize));
        }
        wait(Duration::from_secs_f64(1.0 / rate));
        Ok(Next::Idle)
    }

    fn next_by_time(&mut self, rows_max: usize, column: usize, speed: f64) -> Result<Next, SourceError> {
        let mut held = match self.held.take() {
            Some(held) => held,
            None => match self.read_ahead(column)? {
                Ahead::Held(held) => held,
                Ahead::Nothing(next) => return Ok(next),
            },
        };
        let first = held.times.first().copied().unwrap_or_default();
        let (begun, start) = *self.anchor.get_or_insert_with(|| (Instant::now(), first));
        let now = start.saturating_add((begun.elapsed().as_secs_f64() * speed * 1e6) as i64);
        let due = held.times.partition_point(|time| *time <= now);
        // Records that are not rows have no time: they go with the row before them.
        let until = if due == held.times.len() { held.end } else { held.records.positions.value(due) };
        let until = until.min(held.position + rows_max.clamp(1, RECORDS_MAX) as u64);
        if until == held.position {
            let ahead = held.times.first().map_or(0, |time| time.saturating_sub(now));
            self.held = Some(held);
            wait(Duration::from_secs_f64((ahead as f64 * 1e-6 / speed).clamp(0.0, 1.0)));
            return Ok(Next::Idle);
        }
        let (given, rest) = held.records.split(until);
        held.times.drain(..given.rows.num_rows());
        (held.records, held.position) = (rest, until);
        self.held = (held.position < held.end).then_some(held);
        Ok(Next::Records(given))
    }

    fn read_ahead(&mut self, column: usize) -> Result<Ahead, SourceError> {
        let begin = self.source.cursor();
        let records = match self.source.next(HELD_MAX)? {
            Next::Records(records) => records,
            nothing => return Ok(Ahead::Nothing(nothing)),
        };
        let times = times(&records, column, &mut self.clock)?;
        let (position, end) = (begin.position, self.source.cursor().position);
        Ok(Ahead::Held(Held { records, times, begin, position, end }))
    }
}

/// What came of reading ahead: records, or why there are none.
enum Ahead {
    Held(Held),
    Nothing(Next),
}

/// Microseconds of event time gone by until each row.
fn times(records: &Records, column: usize, clock: &mut Clock) -> Result<Vec<i64>, SourceError> {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let times = compute::cast(records.rows.column(column), &micros)?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    Ok(times.iter().map(|time| clock.until(time)).collect())
}

fn wait(time: Duration) {
    thread::sleep(time.clamp(WAIT_MIN, WAIT_MAX));
}

impl Source for Paced {
    fn next(&mut self, rows_max: usize) -> Result<Next, SourceError> {
        let early = self.hurried.saturating_sub(self.cursor().position);
        if early > 0 && self.held.is_none() {
            return self.source.next(rows_max.min(usize::try_from(early).unwrap_or(rows_max)));
        }
        match self.pace {
            Pace::Rate(rate) => self.next_by_rate(rows_max, rate),
            Pace::EventTime { column, speed } => self.next_by_time(rows_max, column, speed),
        }
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        (self.held, self.anchor, self.clock) = (None, None, Clock::default());
        self.source.seek(cursor)
    }

    fn cursor(&self) -> Cursor {
        match &self.held {
            None => self.source.cursor(),
            Some(held) => {
                let skip = held.begin.skip + held.position - held.begin.position;
                Cursor { position: held.position, skip, ..held.begin.clone() }
            }
        }
    }

    fn progress(&self) -> Progress {
        self.source.progress()
    }

    fn hurry_to(&mut self, position: u64) {
        self.hurried = position;
    }

    fn forget_before(&mut self, position: u64) -> Result<(), SourceError> {
        self.source.forget_before(position)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{RecordBatch, UInt64Array},
        datatypes::Schema,
    };

    use super::*;
    use crate::{Rejected, Unit};

    /// Records without end, none of which is a row.
    struct Endless(u64);

    impl Source for Endless {
        fn next(&mut self, rows_max: usize) -> Result<Next, SourceError> {
            let positions = self.0..self.0 + rows_max as u64;
            self.0 = positions.end;
            let rejected = |position| Rejected { position, payload: Default::default(), reason: String::new() };
            Ok(Next::Records(Records {
                rows: RecordBatch::new_empty(Arc::new(Schema::empty())),
                positions: UInt64Array::from_iter_values([]),
                rejected: positions.map(rejected).collect(),
            }))
        }

        fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
            self.0 = cursor.position;
            Ok(())
        }

        fn cursor(&self) -> Cursor {
            Cursor { position: self.0, ..Cursor::default() }
        }

        fn progress(&self) -> Progress {
            Progress { done: self.0, total: None, unit: Unit::Records }
        }
    }

    #[test]
    fn what_is_known_comes_at_once_and_the_rest_at_its_rate_a_few_at_a_time() {
        let mut source = Paced::new(Box::new(Endless(0)), Pace::Rate(1000.0));
        source.seek(&Cursor { position: 40_000, ..Cursor::default() }).unwrap();
        source.hurry_to(100_000);
        let begun = Instant::now();
        let (mut hurried, mut calls) = (0, 0);
        while source.cursor().position < 100_000 {
            source.next(RECORDS_MAX).unwrap();
            hurried += 1;
        }
        assert_eq!((source.cursor().position, hurried), (100_000, 1), "no more than what is known comes early");
        let mut records = 0;
        while begun.elapsed() < Duration::from_millis(300) {
            calls += 1;
            if let Next::Records(next) = source.next(RECORDS_MAX).unwrap() {
                records += next.len() as u64;
            }
        }
        assert!((100..=400).contains(&records), "{records} records in 300 ms");
        assert!(calls <= 40, "{calls} calls in 300 ms");
    }

    #[test]
    fn one_wrong_date_holds_nobody_up() {
        let mut clock = Clock::default();
        let times = [100, 200, 150, 253_402_300_799_000_000, 300, 400, -1_735_689_600_000_000, 500];
        let gone: Vec<i64> = times.iter().map(|time| clock.until(Some(1_735_689_600_000_000 + time))).collect();
        // What went by between the rows before and behind a wrong date is not known.
        assert_eq!(gone, [0, 100, 100, 100, 100, 200, 200, 200]);
        assert_eq!(clock.until(None), 200);
        assert_eq!(clock.until(Some(1_735_689_600_000_000 + 650)), 350);
    }
}
