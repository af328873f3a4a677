//! Anomalies that last, and how soon the first alarm comes.

use serde::Serialize;

use crate::Events;

/// Labelled events of one key and kind that follow each other without an ordinary event of the key between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The kind, as in [`Events::kinds`].
    pub kind: u16,
    /// The first event.
    pub first: usize,
    /// Where the rows of this run begin among the rows that [`runs`] gives, and how many there are.
    rows: (usize, usize),
}

/// The runs of `events`, and the rows of all runs, run by run, each in the order of the events.
#[must_use]
pub fn runs(events: &Events) -> (Vec<Run>, Vec<usize>) {
    let keys = events.keys.iter().max().map_or(0, |last| *last as usize + 1);
    let mut open: Vec<Option<usize>> = vec![None; keys];
    let mut found: Vec<(Run, Vec<usize>)> = Vec::new();
    for (row, (key, kind)) in events.keys.iter().zip(&events.kinds).enumerate() {
        let open = &mut open[*key as usize];
        match open {
            _ if *kind == 0 => *open = None,
            Some(run) if found[*run].0.kind == *kind => found[*run].1.push(row),
            _ => {
                *open = Some(found.len());
                found.push((Run { kind: *kind, first: row, rows: (0, 0) }, vec![row]));
            }
        }
    }
    let mut rows = Vec::new();
    let mut runs = Vec::with_capacity(found.len());
    for (run, of_run) in found {
        runs.push(Run { rows: (rows.len(), of_run.len()), ..run });
        rows.extend(of_run);
    }
    (runs, rows)
}

/// How many runs have an alarm, and how late it comes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delays {
    /// How many runs there are.
    pub runs: usize,
    /// How many of them have an alarm.
    pub found: usize,
    /// The median over the runs found: how many events of the run come before the one that alarms.
    pub events: Option<f64>,
    /// The same in seconds of event time.
    pub seconds: Option<f64>,
}

impl Delays {
    /// Of the runs for which `wanted` is true.
    #[must_use]
    pub fn of(
        (all, rows): &(Vec<Run>, Vec<usize>),
        times: &[i64],
        alarms: &[bool],
        wanted: impl Fn(&Run) -> bool,
    ) -> Self {
        let (mut runs, mut events, mut seconds) = (0, Vec::new(), Vec::new());
        for run in all.iter().filter(|run| wanted(run)) {
            runs += 1;
            let (from, count) = run.rows;
            let rows = &rows[from..from + count];
            if let Some(before) = rows.iter().position(|row| alarms[*row]) {
                events.push(before as f64);
                seconds.push((times[rows[before]] - times[run.first]) as f64 / 1e6);
            }
        }
        Self { runs, found: events.len(), events: median(events), seconds: median(seconds) }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (below, above) = (values.get((values.len().max(1) - 1) / 2)?, values.get(values.len() / 2)?);
    Some((below + above) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_of_one_key_and_ends_with_an_ordinary_event_of_it() {
        let events = Events {
            keys: vec![0, 0, 1, 0, 0, 0, 0],
            kinds: vec![1, 1, 0, 1, 0, 1, 2],
            times: vec![0, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 6_000_000],
            kind_names: vec!["a".into(), "b".into()],
            ..Events::default()
        };
        let found = runs(&events);
        let firsts: Vec<_> = found.0.iter().map(|run| (run.kind, run.first, run.rows.1)).collect();
        assert_eq!(firsts, [(1, 0, 3), (1, 5, 1), (2, 6, 1)]);
        let alarms = [false, false, true, true, true, false, true];
        let of_a = Delays::of(&found, &events.times, &alarms, |run| run.kind == 1);
        assert_eq!(of_a, Delays { runs: 2, found: 1, events: Some(2.0), seconds: Some(3.0) });
        let all = Delays::of(&found, &events.times, &alarms, |_| true);
        assert_eq!((all.runs, all.found, all.events), (3, 2, Some(1.0)));
        assert_eq!(Delays::of(&found, &events.times, &[false; 7], |_| true).events, None);
    }
}
