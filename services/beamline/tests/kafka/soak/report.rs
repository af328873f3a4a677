//! What a soak has to show, as tables, and the lines that it has to keep.

use crate::{
    fault::Befallen,
    fleet::{DETECTOR, ENRICHER},
    soak::{fingerprints::Fingerprints, local, times::Times, watch::Part},
};

/// In an hour: faults in all, kinds, and how often each.
const FAULTS: (u32, usize, u32) = (200, 20, 3);
const HOUR: u64 = 60;
/// How much the last ten minutes may have more than earlier ones: of memory, and of the time of a commit.
const MEMORY_MAX: f64 = 1.1;
const COMMIT_MAX: f64 = 1.2;
/// So much of the disk, in bytes.
const DISK_MAX: u64 = 12_000_000_000;
/// A shorter run than this is still warming up.
const JUDGED_FROM: u64 = 30;

/// What does not hold.
#[derive(Debug, Default)]
pub(crate) struct Report {
    broken: Vec<String>,
}

impl Report {
    /// A line that has to hold.
    pub(crate) fn hold(&mut self, what: &str, holds: bool) {
        println!("{}  {what}", if holds { "ok  " } else { "FAIL" });
        if !holds {
            self.broken.push(what.to_owned());
        }
    }

    pub(crate) fn faults(&mut self, befallen: &Befallen, minutes: u64) {
        befallen.print();
        let (total, kinds, each) = FAULTS;
        let share = minutes.min(HOUR) as f64 / HOUR as f64;
        let (total, each) = ((f64::from(total) * share) as u32, ((f64::from(each) * share) as u32).max(1));
        let least = befallen.0.values().min().copied().unwrap_or_default();
        let what = format!("{total} faults of {kinds} kinds or more, each at least {each} times");
        self.hold(&what, befallen.total() >= total && befallen.0.len() >= kinds && least >= each);
    }

    /// Memory and commits over time. Memory counts from the second part on, commits from the first. Of each kind of process
    /// stand how many there were, the median of their memory, and the most that one had.
    pub(crate) fn growth(&mut self, parts: &[Part], minutes: u64) {
        println!(
            "{:>8} {:>22} {:>22} {:>22} {:>10} {:>10} {:>10} {:>10} {:>12} {:>10}",
            "minute",
            "enricher",
            "detector",
            "one process",
            "commits",
            "p50",
            "p99 calm",
            "p99 all",
            "p99 in one",
            "disk"
        );
        for (number, part) in parts.iter().enumerate() {
            let memory = |name: &str| {
                part.memory(name).map_or("-".to_owned(), |(half, most)| format!("{half:.1} to {most:.1} MiB"))
            };
            let each = |name: &str| format!("{:.1} x {}", part.processes(name), memory(name));
            let time = |times: &Times, share: f64| {
                times.quantile(share).map_or("-".to_owned(), |millis| format!("{millis:.1} ms"))
            };
            println!(
                "{:>8.1} {:>22} {:>22} {:>22} {:>10} {:>10} {:>10} {:>10} {:>12} {:>7.2} GB",
                minutes as f64 * number as f64 / parts.len() as f64,
                each(ENRICHER),
                each(DETECTOR),
                each(local::NAME),
                part.commits.count(),
                time(&part.calm, 0.5),
                time(&part.calm, 0.99),
                time(&part.commits, 0.99),
                time(&part.local, 0.99),
                part.disk as f64 / 1e9
            );
        }
        let [first, second, .., last] = parts else { panic!("at least three parts") };
        for name in [ENRICHER, DETECTOR, local::NAME] {
            let grown = second.memory(name).zip(last.memory(name)).map(|((before, _), (after, _))| after / before);
            self.grown(&format!("median memory of {name} in the last part, of the second"), grown, MEMORY_MAX, minutes);
        }
        let p99 = |of: fn(&Part) -> &Times| {
            let [before, after] = [first, last].map(|part| of(part).quantile(0.99));
            before.zip(after).map(|(before, after)| after / before)
        };
        let calm = p99(|part| &part.calm);
        self.grown("p99 of commits on Kafka in the last part, of the first", calm, COMMIT_MAX, minutes);
        let local = p99(|part| &part.local);
        self.grown("p99 between commits in one process in the last part, of the first", local, COMMIT_MAX, minutes);
        let disk = parts.iter().map(|part| part.disk).max().unwrap_or_default();
        self.hold(&format!("{:.2} GB on the disk, 12 at most", disk as f64 / 1e9), disk <= DISK_MAX);
    }

    fn grown(&mut self, what: &str, times: Option<f64>, max: f64, minutes: u64) {
        let text = times.map_or("nothing was seen".to_owned(), |times| format!("{times:.3} times"));
        if minutes < JUDGED_FROM {
            println!("--    {what}: {text} (too short to be judged)");
        } else {
            self.hold(&format!("{what}: {text}, {max} at most"), times.is_some_and(|times| times <= max));
        }
    }

    /// Every event as in a quiet run, bit for bit.
    pub(crate) fn same(&mut self, place: &str, found: &Fingerprints, quiet: &Fingerprints) {
        let differences = found.differences(quiet);
        println!("{} scored events {place}, {} in a quiet run", found.seen(), quiet.seen());
        differences.iter().for_each(|difference| println!("      {difference}"));
        self.hold(&format!("every event {place} is that of a quiet run, bit for bit"), differences.is_empty());
    }

    /// Fails where something does not hold.
    pub(crate) fn end(self) {
        assert!(self.broken.is_empty(), "{:#?}", self.broken);
    }
}
