//! What an event costs by the size of a stream: fitted to the points that were measured, printed as a table and an example.

use super::{
    fit::{fit, sum},
    point::Measured,
};

/// Of a mebibyte.
const KIBIBYTES: f64 = 1024.0;
const DAY: f64 = 86_400.0;

/// What a stream has.
#[derive(Debug, Clone, Copy)]
struct Size {
    processes: f64,
    partitions: f64,
    keys: f64,
    bytes: f64,
    columns: f64,
    groups: f64,
}

impl Size {
    fn of(measured: &Measured) -> Self {
        let point = &measured.point;
        Self {
            processes: f64::from(point.workers),
            partitions: f64::from(point.partitions),
            keys: point.keys as f64,
            bytes: measured.bytes,
            columns: point.columns as f64,
            groups: point.groups.unwrap_or(1) as f64,
        }
    }
}

/// What a cost may grow with, and how it is called.
type Term = (&'static str, fn(&Size) -> f64);

const ONE: Term = ("", |_| 1.0);
const BYTES: Term = ("bytes", |size| size.bytes);
const COLUMNS: Term = ("columns", |size| size.columns);
const PARTITIONS: Term = ("partitions", |size| size.partitions);
const MORE_PROCESSES: Term = ("(processes - 1)", |size| size.processes - 1.0);
const TENS_OF_KEYS: Term = ("log10(keys)", |size| size.keys.log10());
const TENS_OF_GROUPS: Term = ("log10(groups)", |size| size.groups.log10());
const TENS_OF_BYTES: Term = ("log10(bytes)", |size| size.bytes.log10());
const TENS_OF_SHARE: Term = ("log10(partitions of the process)", |size| (size.partitions / size.processes).log10());
const KEYS: Term = ("keys of the process", |size| size.keys / size.processes);
const GROUPS: Term = ("groups of the process", |size| size.groups / size.processes);

const STEP: [Term; 6] = [ONE, BYTES, COLUMNS, TENS_OF_KEYS, PARTITIONS, MORE_PROCESSES];

/// A cost as a sum of terms.
struct Sum {
    what: &'static str,
    unit: &'static str,
    terms: Vec<(Term, f64)>,
    /// How far a point is from it at most, as a share.
    off: f64,
    points: usize,
}

impl Sum {
    fn of(what: &'static str, unit: &'static str, terms: &[Term], points: &[(Size, f64)]) -> Self {
        let row = |size: &Size| terms.iter().map(|(_, of)| of(size)).collect::<Vec<f64>>();
        let rows: Vec<Vec<f64>> = points.iter().map(|(size, _)| row(size)).collect();
        let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        let factors = fit(&rows, &values);
        let off = rows.iter().zip(&values).map(|(row, value)| (sum(row, &factors) / value - 1.0).abs());
        let off = off.filter(|off| off.is_finite()).fold(0.0, f64::max);
        Self { what, unit, terms: terms.iter().copied().zip(factors).collect(), off, points: points.len() }
    }

    fn at(&self, size: &Size) -> f64 {
        self.terms.iter().map(|((_, of), factor)| of(size) * factor).sum()
    }

    fn print(&self) {
        if self.points == 0 {
            return;
        }
        let terms = self.terms.iter().filter(|(_, factor)| *factor > 0.0);
        let terms: Vec<String> =
            terms.map(|((name, _), factor)| format!("{} {name}", three_digits(*factor)).trim().to_owned()).collect();
        println!(
            "{:<24} {:>9} = {}   (off by {:.0} % at most, {} points)",
            self.what,
            self.unit,
            terms.join(" + "),
            100.0 * self.off,
            self.points
        );
    }
}

fn three_digits(number: f64) -> String {
    let digits = (2.0 - number.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{number:.digits$}")
}

/// Nanoseconds of processor time, bytes on the broker and memory.
pub(super) struct Model {
    enricher: Sum,
    detector: Sum,
    aggregator: Sum,
    broker: Sum,
    stored: [Sum; 4],
    memory: [Sum; 3],
}

impl Model {
    pub(super) fn of(measured: &[Measured]) -> Self {
        // Where states are in files, or windows are counted and nothing is detected, it is another service.
        let usual: Vec<&Measured> =
            measured.iter().filter(|it| it.point.groups.is_none() && it.spilled == 0.0).collect();
        let windows: Vec<&Measured> = measured.iter().filter(|it| it.point.groups.is_some()).collect();
        let over = |points: &[&Measured], value: &dyn Fn(&Measured) -> f64| -> Vec<(Size, f64)> {
            points.iter().map(|it| (Size::of(it), value(it))).collect()
        };
        let cpu = |what, step: usize| Sum::of(what, "ns", &STEP, &over(&usual, &|it| 1e9 * it.steps[step].cpu_seconds));
        let stored =
            |what, place: usize, terms: &[Term]| Sum::of(what, "B", terms, &over(&usual, &|it| it.stored[place]));
        let memory = |what, step: usize, terms: &[Term], points: &[&Measured]| {
            Sum::of(what, "KiB", terms, &over(points, &|it| KIBIBYTES * it.steps[step].mebibytes))
        };
        Self {
            enricher: cpu("enricher", 0),
            detector: cpu("anomaly-detector", 1),
            aggregator: Sum::of(
                "aggregator",
                "ns",
                &[ONE, TENS_OF_GROUPS],
                &over(&windows, &|it| 1e9 * it.steps[2].cpu_seconds),
            ),
            broker: Sum::of("broker", "ns", &STEP, &over(&usual, &|it| 1e9 * it.broker_seconds)),
            stored: [
                stored("raw topic", 0, &[ONE, BYTES]),
                stored("enriched topic", 1, &[ONE, BYTES, COLUMNS]),
                stored("scored topic", 2, &[ONE, BYTES, COLUMNS]),
                stored("all other topics", 3, &[ONE, TENS_OF_KEYS]),
            ],
            memory: [
                memory("memory of an enricher", 0, &[ONE, TENS_OF_BYTES, TENS_OF_SHARE], &usual),
                memory("memory of a detector", 1, &[ONE, TENS_OF_BYTES, TENS_OF_SHARE, KEYS], &usual),
                memory("memory of an aggregator", 2, &[ONE, GROUPS], &windows),
            ],
        }
    }

    pub(super) fn print(&self) {
        println!("\nA model of cost, by least squares of the rows above; of an event:");
        [&self.enricher, &self.detector, &self.aggregator, &self.broker].into_iter().for_each(Sum::print);
        self.stored.iter().for_each(Sum::print);
        println!("and of a process:");
        self.memory.iter().for_each(Sum::print);
        self.example(
            20_000.0,
            Size { processes: 1.0, partitions: 8.0, keys: 10_000.0, bytes: 150.0, columns: 10.0, groups: 1_000.0 },
        );
    }

    fn example(&self, rate: f64, size: Size) {
        let cores = |sum: &Sum| rate * sum.at(&size) / 1e9;
        let mebibytes = |sum: &Sum| sum.at(&size) / KIBIBYTES;
        let stored: f64 = self.stored.iter().map(|sum| sum.at(&size)).sum();
        println!(
            "{rate:.0} events/s of {} B with {} columns, {} keys, {} partitions: enricher {:.2} cores and {:.0} MiB, \
             anomaly-detector {:.2} cores and {:.0} MiB, aggregator of {} groups {:.2} cores and {:.0} MiB, broker {:.2} cores \
             and {:.0} GB a day of one replica",
            size.bytes,
            size.columns,
            size.keys,
            size.partitions,
            cores(&self.enricher),
            mebibytes(&self.memory[0]),
            cores(&self.detector),
            mebibytes(&self.memory[1]),
            size.groups,
            cores(&self.aggregator),
            mebibytes(&self.memory[2]),
            cores(&self.broker),
            rate * stored * DAY / 1e9,
        );
    }
}
