//! Reading state: beside polling, so that it holds up neither other partitions nor the end of the service.

use std::{
    thread,
    time::{Duration, Instant},
};

use broker::Reports;
use kafka::Step;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::{cluster::Cluster, places::send_events, results};

/// How long the transaction stays open that hides the end of the state.
const OPEN: Duration = Duration::from_secs(60);
/// How long the other partitions may take.
const OTHERS_MAX: Duration = Duration::from_secs(30);
/// How long the end of a service may take that is reading state.
const END_MAX: Duration = Duration::from_secs(10);

#[test]
fn a_partition_whose_state_cannot_be_read_yet_holds_up_nobody() {
    let cluster = Cluster::start();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let enricher = cluster.service("enricher", "e", &[]);
    let detector = cluster.service("anomaly-detector", "d", &[]);
    send_events(&cluster, 0..800);
    cluster.wait_until_done(800, Duration::from_secs(60), &[&enricher, &detector]);
    detector.stop();

    // As a worker does that was killed in the middle of a transaction.
    let open: BaseProducer<Reports> = cluster
        .connection()
        .client(Reports::default(), |config| {
            config.set("transactional.id", "killed").set("transaction.timeout.ms", OPEN.as_millis().to_string());
        })
        .unwrap();
    open.init_transactions(Duration::from_secs(30)).unwrap();
    open.begin_transaction().unwrap();
    let record = BaseRecord::<str, [u8]>::to("particles.detector-state").partition(0).key("key").payload(b"never");
    open.send(record).map_err(|(error, _)| error).unwrap();
    while open.in_flight_count() > 0 {
        open.poll(Duration::from_millis(10));
    }

    let detector = cluster.service("anomaly-detector", "d", &[]);
    send_events(&cluster, 800..1600);
    let begun = Instant::now();
    while cluster.ledger(Step::Detect).records < 1500 {
        let ledger = cluster.ledger(Step::Detect);
        assert!(begun.elapsed() < OTHERS_MAX, "the others wait as well: {ledger:?}\n{}", detector.program.log());
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(cluster.ledger(Step::Detect).records, 1500, "one partition's state cannot be read yet");
    assert_ne!(detector.readiness().0, 200, "a partition is missing");
    let told = Instant::now();
    detector.stop();
    assert!(told.elapsed() < END_MAX, "it took {:?} to end", told.elapsed());

    open.abort_transaction(Duration::from_secs(30)).unwrap();
    let detector = cluster.service("anomaly-detector", "d", &[]);
    cluster.wait_until_done(1600, Duration::from_secs(60), &[&enricher, &detector]);
    assert_eq!(results::scores(&cluster).len(), 1600);
    [enricher, detector].iter().for_each(crate::cluster::Service::stop);
}
