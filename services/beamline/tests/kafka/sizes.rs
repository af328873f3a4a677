//! Events of every size: within the limit each comes through or becomes a whole dead letter, above it a dead letter with its
//! head; and nobody stands still behind it.

use std::{
    collections::BTreeMap,
    fs, thread,
    time::{Duration, Instant},
};

use broker::Admin;
use kafka::{ReadDeadLetter, Step};
use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
};

use crate::{
    cluster::{Cluster, Service},
    raw::{self, Event, noise},
    results,
};

/// Bytes of an event, as the definition has it where it does not say.
pub(crate) const LIMIT: usize = 1 << 20;
const ORDINARY: usize = 600;
/// A column that makes three rows of one where the energy is above 500.
const GROWS: &str = "      thrice: \"CASE WHEN energy_gev > 500 THEN concat(particle_type, particle_type, particle_type) ELSE '' END\"\n";

/// Events, and what has to become of each.
struct Large {
    /// Bytes by what they are called, in the order they are sent.
    values: Vec<(&'static str, Vec<u8>)>,
}

impl Large {
    fn new(schema: u32) -> Self {
        let sized =
            |id: &str, energy: f64, bytes: usize| Event::new(id, energy, "D0").of_size(schema, bytes).framed(schema);
        let mut junk = noise(LIMIT).into_bytes();
        junk[0] = b'j';
        Self {
            values: vec![
                ("through", sized("through", 2.0, 999_800)),
                ("full", sized("full", 2.0, LIMIT)),
                ("quality", sized("quality", -1.0, LIMIT)),
                ("junk", junk),
                ("grown", sized("grown", 600.0, 700_000)),
                ("above", sized("above", 2.0, LIMIT + 1)),
                ("far-above", sized("far-above", 2.0, 2_500_000)),
            ],
        }
    }

    fn named(&self, name: &str) -> &[u8] {
        &self.values.iter().find(|(other, _)| *other == name).unwrap().1
    }
}

#[test]
fn events_of_every_size_are_accounted_for_and_nobody_waits_behind_them() {
    let cluster = Cluster::start();
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let definition = definition.replace("    columns:\n", &format!("    columns:\n{GROWS}"));
    fs::write(cluster.path("stream.yaml"), &definition).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    set(&cluster, "particles", "max.message.bytes", "3000000");
    let schema = raw::schema(&cluster);
    let large = Large::new(schema);
    raw::send(&cluster, "particles", large.values.iter().map(|(_, value)| (0, "D0", value.clone())));
    let ordinary = |number: usize| Event::new(format!("event-{number}"), 2.0, format!("D{}", number % 8));
    let events = (0..ORDINARY).map(|number| ((number % 8) as u32, "D", ordinary(number).framed(schema)));
    raw::send(&cluster, "particles", events);

    let services = [cluster.service("enricher", "e", &[]), cluster.service("anomaly-detector", "d", &[])];
    let records = (large.values.len() + ORDINARY) as u64;
    let limit = Duration::from_secs(60);
    let (enriched, detected) = cluster.wait_until_done(records, limit, &[&services[0], &services[1]]);
    assert!(enriched.balances() && detected.balances(), "{enriched:?} {detected:?}");
    let scores = results::scores(&cluster);
    assert!(scores.contains_key("through") && scores.len() == ORDINARY + 1, "{} scored", scores.len());

    let letters = results::letters(&cluster);
    assert_eq!(letters.len(), large.values.len() - 1);
    let by_offset: BTreeMap<u64, &ReadDeadLetter> = letters.iter().map(|letter| (letter.offset, letter)).collect();
    let of = |name: &str| by_offset[&(large.values.iter().position(|(other, _)| *other == name).unwrap() as u64)];
    for (name, kind) in [("full", "size"), ("quality", "quality"), ("junk", "decode"), ("grown", "size")] {
        let letter = of(name);
        assert_eq!((letter.kind.as_str(), letter.stage.as_str(), letter.size), (kind, "enricher", None), "{name}");
        let is_json = name == "grown" && letter.payload.starts_with(b"{\"event_id\":\"grown\"");
        assert!(is_json || letter.payload == large.named(name), "{name} is whole: {} bytes", letter.payload.len());
    }
    for name in ["above", "far-above"] {
        let (letter, whole) = (of(name), large.named(name));
        assert_eq!((letter.kind.as_str(), letter.size), ("size", Some(whole.len() as u64)), "{name}");
        assert_eq!(letter.payload, whole[..64 << 10], "{name}");
        assert!(letter.digest.as_ref().is_some_and(|digest| digest.len() == 64), "{letter:?}");
    }
    for service in &services {
        assert_eq!(service.readiness().0, 200, "{}", service.readiness().1);
        service.stop();
    }
    repaired(&cluster, &definition);
}

/// The whole events are shown, go back into the stream once it allows their size, and are missed where their topic has
/// let go of them.
fn repaired(cluster: &Cluster, definition: &str) {
    let (bootstrap, registry) = (cluster.kafka.bootstrap(), cluster.apicurio.url());
    let kafka = ["--kafka", &bootstrap, "--registry", &registry];
    let show = ["dlq", "show", "--stream", "stream.yaml", "--kind", "size", "--payload"];
    let shown = cluster.beamline(&[&show, &kafka[..]].concat());
    let ids: Vec<&str> = shown.lines().map(|line| line.split('"').nth(3).unwrap()).collect();
    assert_eq!(ids, ["full", "grown", "above", "far-above"]);
    assert!(shown.len() > 2_500_000, "each is whole: {} bytes", shown.len());

    let allowed = definition.replace("  partitions: 8\n", "  partitions: 8\n  limits: { event_bytes: 4000000 }\n");
    fs::write(cluster.path("stream.yaml"), allowed).unwrap();
    let (code, _, said) = cluster.beamline_ends(&["topics", "check", "stream.yaml"]);
    assert_eq!(code, Some(1), "{said}");
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let services = [cluster.service("enricher", "e", &[]), cluster.service("anomaly-detector", "d", &[])];
    let redrive = ["dlq", "redrive", "stream.yaml", "--kind", "size"];
    let said = cluster.beamline(&[&redrive, &kafka[..]].concat());
    assert!(said.contains("4 events were sent"), "{said}");
    let before = cluster.ledger(Step::Enrich).records;
    cluster.wait_until_done(
        before.max(ORDINARY as u64 + 7 + 4),
        Duration::from_secs(60),
        &[&services[0], &services[1]],
    );
    let scores = results::scores(cluster);
    let missing: Vec<&str> = ids.into_iter().filter(|id| !scores.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{missing:?} did not come through");

    delete_records(cluster, "particles", 0, 7);
    let (code, printed, said) = cluster.beamline_ends(&[&show[..6], &kafka].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(printed.contains("of which the first 65536 are left") && printed.contains("is gone"), "{said}");
    assert!(said.contains("the whole of 2 events is gone"), "{said}");
    let (code, _, said) = cluster.beamline_ends(&[&redrive[..], &["--again"], &kafka].concat());
    assert!(code == Some(1) && said.contains("nothing was sent") && said.contains("is gone"), "{said}");
    services.iter().for_each(Service::stop);
}

#[test]
fn a_partition_that_cannot_go_on_makes_its_worker_unready_and_waits_longer_each_time() {
    let cluster = Cluster::start();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let schema = raw::schema(&cluster);
    let enricher = cluster.service("enricher", "e", &[]);
    enricher.wait_until_ready();
    // Every batch that the enricher sends is refused from now on.
    set(&cluster, "particles.enriched", "max.message.bytes", "100");
    let event = |number: usize| (0, "D0", Event::new(format!("event-{number}"), 2.0, "D0").framed(schema));
    raw::send(&cluster, "particles", (0..100).map(event));
    let begun = Instant::now();
    let reason = loop {
        let (status, text) = enricher.readiness();
        if status == 503 {
            break text;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "still ready: {text}\n{}", enricher.program.log());
        thread::sleep(Duration::from_millis(100));
    };
    assert!(
        reason.contains("enricher-0-progress: not ready: no progress, ") && reason.contains("in a row"),
        "{reason}"
    );
    let given_up = || enricher.program.log().matches("read again").count() + started_again(&enricher);
    let before = given_up();
    thread::sleep(Duration::from_secs(10));
    let times = given_up() - before;
    assert!((1..=20).contains(&times), "{times} times in 10 s\n{}", enricher.program.log());

    set(&cluster, "particles.enriched", "max.message.bytes", "2000000");
    let begun = Instant::now();
    while cluster.ledger(Step::Enrich).records < 100 || enricher.readiness().0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}\n{}", enricher.readiness(), enricher.program.log());
        thread::sleep(Duration::from_millis(100));
    }
    enricher.stop();
}

fn started_again(service: &Service) -> usize {
    service.program.log().matches("started again").count()
}

pub(crate) fn set(cluster: &Cluster, topic: &str, name: &str, value: &str) {
    let settings = BTreeMap::from([(name.to_owned(), value.to_owned())]);
    Admin::connect(&cluster.connection()).unwrap().set(topic, &settings).unwrap();
}

/// Lets a partition begin at `first`, as its retention would.
fn delete_records(cluster: &Cluster, topic: &str, partition: i32, first: i64) {
    let admin: AdminClient<broker::Reports> = cluster.connection().client(broker::Reports::default(), |_| ()).unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(first)).unwrap();
    futures::executor::block_on(admin.delete_records(&list, &AdminOptions::new())).unwrap();
}
