//! The rows of the measurement, each printed as soon as it is there.

use super::point::{Measured, Point, Used};

pub(super) fn head(base: &Point) {
    println!(
        "One broker. Base: {} events of {} B with {} columns, {} keys, {} partitions, one process of each step; every other row \
         differs from it in what it is called by. Before, each key or group has had its first event.\n\
         A step's columns: events a second of processor time of all its processes, MiB of the largest one at its peak, \
         events of a transaction. The broker's: events a second of its processor time.\n\
         Handed out: how often processes were given or gave back partitions until all had their share, and after that.",
        base.events, base.bytes, base.columns, base.keys, base.partitions
    );
    println!(
        "{:<16} {:>8} {:>7} {:>9} | {:^23} | {:^23} | {:^23} | {:>8} | {:>10} | bytes an event on the broker",
        "", "events", "bytes", "events/s", "enricher", "anomaly-detector", "aggregator", "broker", "handed out"
    );
}

pub(super) fn row(measured: &Measured) {
    let (point, steps) = (&measured.point, &measured.steps);
    let step = |index: usize| match steps.get(index) {
        Some(used) => {
            let of_transaction = point.events as f64 / used.transactions;
            format!("{:>9.0} {:>5.0} {of_transaction:>7.0}", 1.0 / used.cpu_seconds, used.mebibytes)
        }
        None => format!("{:>23}", ""),
    };
    let sum = |of: fn(&Used) -> f64| steps.iter().map(of).sum::<f64>();
    let [raw, enriched, scored, rest] = measured.stored;
    println!(
        "{:<16} {:>8} {:>7.0} {:>9.0} | {} | {} | {} | {:>8.0} | {:>6.0}, {:>2.0} | raw {raw:.0}, enriched {enriched:.0}, \
         scored {scored:.0}, others {rest:.0}{}",
        point.name,
        point.events,
        measured.bytes,
        point.events as f64 / measured.seconds,
        step(0),
        step(1),
        step(2),
        1.0 / measured.broker_seconds,
        sum(|used| used.joining),
        sum(|used| used.rebalances),
        remark(measured),
    );
}

/// What a first event cost where there are many of them, and how many states are in files.
fn remark(measured: &Measured) -> String {
    let point = &measured.point;
    let mut remark = String::new();
    if let Some(last) = measured.steps.last().filter(|_| point.before() >= point.events.min(10_000)) {
        remark += &format!("; first events of keys and groups: {:.0} a CPU second", 1.0 / last.first_cpu_seconds);
    }
    if measured.spilled > 0.0 {
        remark += &format!("; {:.0} MiB of states in files", measured.spilled / f64::from(1 << 20));
    }
    remark
}
