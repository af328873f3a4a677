//! A registry that has lost its schemas, and gets them back under other ids.

use std::time::{Duration, Instant};

use kafka::Step;
use registry::Registry;

use crate::{
    cluster::{Cluster, Service},
    input,
    raw::{self, Event},
    results,
};

const EVENTS: u64 = 4000;
const SUBJECTS: [&str; 2] = ["particles-value", "particles.enriched-value"];
/// How long a worker may take to say that it waits.
const SAID_MAX: Duration = Duration::from_secs(60);

#[test]
fn a_registry_that_is_emptied_before_a_worker_has_read_anything_costs_no_event() {
    let cluster = Cluster::start();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    cluster.beamline(&["schemas", "register", "stream.yaml"]);
    let generator = cluster.service("generator", "generator", &["--once"]);
    let enricher = cluster.service("enricher", "enricher", &[]);
    assert!(generator.program.wait(SAID_MAX).is_some_and(|status| status.success()), "{}", generator.program.log());
    let sent = cluster.sent().sent;
    wait_for(&cluster, Step::Enrich, sent, &enricher);
    enricher.stop();

    let ids = || SUBJECTS.map(|subject| cluster.registry().latest(subject).unwrap().map(|known| known.id));
    let before = ids();
    let enriched = cluster.registry().latest(SUBJECTS[1]).unwrap().unwrap();
    cluster.apicurio.empty().unwrap();

    // Whoever has not read or written anything yet waits, and registers nothing.
    let detector = cluster.service("anomaly-detector", "detector", &[]);
    let begun = Instant::now();
    while !detector.readiness().1.contains("beamline schemas register") {
        assert!(begun.elapsed() < SAID_MAX, "{:?}\n{}", detector.readiness(), detector.program.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(cluster.registry().subjects().unwrap(), Vec::<String>::new());
    assert_eq!(cluster.ledger(Step::Detect).records, 0);

    // What is registered first has other ids, and the id of enriched events is that of a schema by which they could be read too,
    // each column for another.
    occupy(&cluster.registry(), &enriched);
    cluster.beamline(&["schemas", "register", "stream.yaml"]);
    assert!(ids().iter().zip(before).all(|(now, before)| now.is_some() && *now != before), "{:?}, {before:?}", ids());
    detector.wait_until_ready();
    let good = cluster.ledger(Step::Enrich).out;
    wait_for(&cluster, Step::Detect, good, &detector);
    let detected = cluster.ledger(Step::Detect);
    assert_eq!((detected.dead_lettered, detected.out), (0, good), "{detected:?}\n{}", detector.program.log());
    let scores = results::scores(&cluster);
    results::assert_same(&scores, &results::scores_in_one_process(&cluster));

    // Ids that nobody has registered are those of bad messages, now as ever.
    let enricher = cluster.service("enricher", "enricher", &[]);
    let letters = cluster.ledger(Step::Enrich).dead_lettered;
    let schema = raw::schema(&cluster);
    let events = (0..40).map(|number| {
        let id = if number % 5 == 0 { 0x7000_0000 + number } else { schema };
        (number % 8, "D0", Event::new(format!("later-{number}"), 2.0, "D0").framed(id))
    });
    raw::send(&cluster, "particles", events);
    wait_for(&cluster, Step::Enrich, sent + 40, &enricher);
    wait_for(&cluster, Step::Detect, good + 32, &detector);
    assert_eq!(cluster.ledger(Step::Enrich).dead_lettered, letters + 8);
    assert_eq!(cluster.ledger(Step::Detect).dead_lettered, 0);
    [enricher, detector].iter().for_each(Service::stop);
}

/// Registers other schemas until one has the id of `enriched`: it is the same but for two columns of one type that have each
/// other's names.
fn occupy(registry: &Registry, enriched: &registry::Registered) {
    let swapped = enriched.schema.replace("\"momentum_x\"", "\"?\"").replace("\"momentum_y\"", "\"momentum_x\"");
    let swapped = swapped.replace("\"?\"", "\"momentum_y\"");
    assert_ne!(swapped, enriched.schema);
    for number in 1..enriched.id {
        let other = format!(
            r#"{{ "type": "record", "name": "Other{number}", "fields": [{{ "name": "a", "type": "string" }}] }}"#
        );
        assert_eq!(registry.register(&format!("other-{number}-value"), &other), Ok(number));
    }
    assert_eq!(registry.register("other-value", &swapped), Ok(enriched.id));
}

fn wait_for(cluster: &Cluster, step: Step, records: u64, service: &Service) {
    let begun = Instant::now();
    while cluster.ledger(step).records < records {
        assert!(begun.elapsed() < SAID_MAX, "{:?}\n{}", cluster.ledger(step), service.program.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}
