//! A stage that cannot write: its lag says how much waits, and it goes on by itself once it can.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    cluster::{Cluster, Service},
    raw::{self, Event},
    results, sizes,
};

const EVENTS: usize = 4_000;
const LAG: &str = "beamline_consumer_lag_records";
const ABORTS: &str = "beamline_transactions_aborted_total";
/// Transactions that fail while nothing can be written.
const FAILURES: f64 = 2.0;
const LIMIT: Duration = Duration::from_secs(90);

fn wait_until(what: &str, service: &Service, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what}\n{}", service.program.log());
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_stage_that_cannot_write_says_how_much_waits_and_goes_on_once_it_can() {
    let cluster = Cluster::start();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let schema = raw::schema(&cluster);
    let (enricher, detector) = (cluster.service("enricher", "e", &[]), cluster.service("anomaly-detector", "d", &[]));
    [&enricher, &detector].into_iter().for_each(Service::wait_until_ready);
    // The broker refuses what is sent, and the transaction with it, which the client gives up with records that are not sent yet.
    sizes::set(&cluster, "particles.scored", "max.message.bytes", "300");
    let event = |number: usize| Event::new(format!("event-{number}"), 2.0, format!("D{}", number % 8));
    let events = (0..EVENTS).map(|number| ((number % 8) as u32, "D", event(number).framed(schema)));
    raw::send(&cluster, "particles", events);

    wait_until("all of it waits", &detector, || detector.metric(LAG) == EVENTS as f64);
    let before = detector.metric(ABORTS);
    wait_until("it is tried again", &detector, || detector.metric(ABORTS) >= before + FAILURES);
    // The client's figures leave a partition out for a moment when it is read again from its horizon.
    assert!(detector.metric(LAG) > EVENTS as f64 / 2.0, "while nothing is written, all of it waits");
    wait_until("it is unready", &detector, || detector.readiness().0 == 503);

    sizes::set(&cluster, "particles.scored", "max.message.bytes", "1048588");
    cluster.wait_until_done(EVENTS as u64, LIMIT, &[&enricher, &detector]);
    wait_until("nothing waits", &detector, || detector.metric(LAG) == 0.0);
    assert_eq!(results::scores(&cluster).len(), EVENTS);
    let log = detector.program.log();
    assert!(
        !log.contains("a worker is started again"),
        "it gives transactions up and keeps its place in the group\n{log}"
    );
    [enricher, detector].iter().for_each(Service::stop);
}
