//! Plays a source at the pace of its event times, or at a rate. What comes, and where it stands, never depends on it.
//!
//! A step of more than a year between two rows, forwards or back, is no pace: one wrong date (the year 9999) must not hold
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

/// The longest wait at a call.
const WAIT_MAX: Duration = Duration::from_millis(20);

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
        Self { source, pace, anchor: None, clock: Clock::default(), held: None }
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
        // Records that are no rows have no time: they go with the row before them.
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
    thread::sleep(time.min(WAIT_MAX));
}

impl Source for Paced {
    fn next(&mut self, rows_max: usize) -> Result<Next, SourceError> {
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

    fn forget_before(&mut self, position: u64) -> Result<(), SourceError> {
        self.source.forget_before(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
