//! Partitions that somebody has added to a stream's topics, which nobody can take back.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use broker::Admin;
use kafka::Step;

use crate::{
    cluster::Cluster,
    fault, input,
    raw::{self, Event},
    results,
};

const EVENTS: u64 = 4000;
/// How long a service may take to say that it cannot run.
const BEGIN_MAX: Duration = Duration::from_secs(30);

#[test]
fn a_stream_goes_on_without_added_partitions_until_somebody_writes_to_them() {
    let cluster = Cluster::start();
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    fault::prepare(&cluster);
    let admin = Admin::connect(&cluster.connection()).unwrap();
    for topic in ["particles", "particles.enriched", "particles.scored"] {
        admin.add_partitions(topic, 9).unwrap();
    }
    let printed = cluster.beamline(&["topics", "apply", "stream.yaml"]);
    assert!(
        printed.contains("particles.scored  is as it should be, but for partitions that the stream does not use"),
        "{printed}"
    );
    let printed = cluster.beamline(&["topics", "check", "stream.yaml"]);
    assert!(printed.contains("particles  has 9 partitions, of which the stream uses 8"), "{printed}");

    input::write(&cluster.path("input.jsonl"), EVENTS);
    let generator = cluster.service("generator", "generator", &["--once"]);
    let services = ["enricher", "anomaly-detector"].map(|name| cluster.service(name, name, &[]));
    services.iter().for_each(crate::cluster::Service::wait_until_ready);
    assert!(generator.program.wait(Duration::from_secs(60)).is_some_and(|status| status.success()));
    let sent = cluster.sent().sent;
    cluster.wait_until_done(sent, Duration::from_secs(90), &services.each_ref());
    services.iter().for_each(crate::cluster::Service::stop);
    results::assert_same(&results::scores(&cluster), &results::scores_in_one_process(&cluster));

    // Whoever does not know how many partitions a stream has writes to all of them.
    let schema = raw::schema(&cluster);
    raw::send(&cluster, "particles", [(8, "D0", Event::new("elsewhere", 2.0, "D0").framed(schema))]);
    let wait = Instant::now();
    while cluster.offsets().range("particles", 8).unwrap().1 == 0 {
        assert!(wait.elapsed() < BEGIN_MAX, "the event does not arrive");
        thread::sleep(Duration::from_millis(100));
    }
    let refused = |text: &str| {
        assert!(
            text.contains("`particles` has 9 partitions, should have 8, and holds records in the others"),
            "{text}"
        );
        assert!(text.contains("give the stream another `metadata.name`"), "{text}");
        assert!(!text.contains("run `beamline topics apply`"), "{text}");
    };
    let enricher = cluster.service("enricher", "refused", &[]);
    let status = enricher.program.wait(BEGIN_MAX);
    refused(&enricher.program.log());
    assert_eq!(status.and_then(|status| status.code()), Some(64));
    let (code, _, said) = cluster.beamline_ends(&["topics", "apply", "stream.yaml"]);
    refused(&said);
    assert_eq!(code, Some(64));

    // What it says can be done: a stream of another name has its own topics, and all of the events.
    fs::write(cluster.path("again.yaml"), definition.replace("name: particles", "name: again")).unwrap();
    cluster.beamline(&["topics", "apply", "again.yaml"]);
    let arguments: [(&str, &[&str]); 2] = [("generator", &["--once"]), ("enricher", &[])];
    let services = arguments.map(|(name, arguments)| cluster.service_of("again.yaml", name, name, arguments));
    let wait = Instant::now();
    while cluster.ledger_of("again", 8, Step::Enrich).records < sent {
        let logs = || services.each_ref().map(|service| service.program.log()).join("\n");
        assert!(wait.elapsed() < Duration::from_secs(90), "{}", logs());
        thread::sleep(Duration::from_millis(200));
    }
}
