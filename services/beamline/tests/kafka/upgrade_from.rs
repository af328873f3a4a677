//! Programs of an earlier revision under load, killed, and gone on with by these: `make test-upgrade FROM=REVISION`.
//!
//! Scores may change from one revision to the next (UPGRADING.md says when); that no event is lost or stands twice may not.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use kafka::Step;
use servers::Cassandra;

use crate::{
    cluster::{Cluster, Service, binary},
    input, results,
    stores::wait_until_stored,
};

/// Events, and how many times faster than they happened they are sent: 2,000 a second, for two minutes.
const EVENTS: u64 = 240_000;
const SPEED: &str = "2";
/// How long the earlier programs run alone, and how long both run side by side.
const ALONE: Duration = Duration::from_secs(20);
const SIDE_BY_SIDE: Duration = Duration::from_secs(60);
const BACKENDS: [&str; 3] = ["cql", "delta", "parquet"];
const STEPS: [&str; 3] = ["enricher", "anomaly-detector", "aggregator"];
const AGGREGATE: &str = r#"  aggregate:
    - { name: by_detector, window: 10s, group_by: [detector_id], select: { events: "count(*)" } }
"#;

/// A program of the earlier revision.
fn earlier(name: &str) -> PathBuf {
    let folder = env::var_os("BEAMLINE_EARLIER").expect("BEAMLINE_EARLIER names the folder of the earlier programs");
    Path::new(&folder).join(name)
}

fn writer_args<'a>(backend: &'a str, node: &'a str, lake: &'a str) -> Vec<&'a str> {
    let place = if backend == "cql" { ["--cql", node] } else { ["--lake", lake] };
    [&["--backend", backend], &place[..], &["--batch-interval", "500ms", "--batch-rows", "5000"]].concat()
}

#[test]
#[ignore = "needs the programs of an earlier revision: make test-upgrade FROM=REVISION"]
fn on_kafka_and_in_each_store_nothing_is_lost_and_nothing_stands_twice() {
    let cluster = Cluster::start();
    let cassandra = Cassandra::start().unwrap();
    let node = cassandra.contact_point();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let paced = format!("paths: [input.jsonl], speed: {SPEED}");
    fs::write(
        cluster.path("stream.yaml"),
        format!("{}{AGGREGATE}", definition.replace("paths: [input.jsonl]", &paced)),
    )
    .unwrap();
    let lakes = BACKENDS.map(|backend| cluster.path(backend).display().to_string());
    let prepare = |program: &Path| {
        for arguments in [
            &["topics", "apply", "stream.yaml"][..],
            &["store", "apply", "stream.yaml", "--cql", &node, "--replication", "1"],
        ] {
            let (code, printed, said) = cluster.beamline_at(program, arguments);
            assert_eq!(code, Some(0), "{program:?} {arguments:?}: {printed}{said}");
        }
    };
    let start = |program: &dyn Fn(&str) -> PathBuf, revision: &str| -> Vec<Service> {
        let steps =
            STEPS.iter().map(|step| cluster.program(&program(step), "stream.yaml", &format!("{step}-{revision}"), &[]));
        let writers = BACKENDS.iter().zip(&lakes).map(|(backend, lake)| {
            let instance = format!("writer-{backend}-{revision}");
            cluster.program(&program("writer"), "stream.yaml", &instance, &writer_args(backend, &node, lake))
        });
        steps.chain(writers).collect()
    };
    let generator = |program: PathBuf| cluster.program(&program, "stream.yaml", "generator", &["--once"]);

    prepare(&earlier("beamline"));
    let before = start(&earlier, "earlier");
    before.iter().for_each(Service::wait_until_ready);
    let sending = generator(earlier("generator"));
    thread::sleep(ALONE);
    for service in before.iter().chain([&sending]) {
        service.program.signal("KILL").unwrap();
    }
    let early = cluster.ledger(Step::Detect);
    assert!(early.records > 0, "the earlier programs did nothing\n{}", before[1].program.log());

    prepare(&binary("beamline"));
    let sending = generator(binary("generator"));
    let (old, new) = (start(&earlier, "earlier"), start(&|name| binary(name), "now"));
    thread::sleep(SIDE_BY_SIDE);
    for service in &new {
        assert_eq!(service.program.wait(Duration::ZERO), None, "it has ended\n{}", service.program.log());
    }
    for (at, service) in old.iter().enumerate() {
        // A writer that meets columns of a later revision may end by itself: then the new one has its partitions.
        match service.program.wait(Duration::ZERO) {
            Some(status) if at >= STEPS.len() => println!("an earlier writer has ended: {status}"),
            Some(status) => panic!("{status}\n{}", service.program.log()),
            None => service.stop(),
        }
    }
    let ended = sending.program.wait(Duration::from_secs(180));
    assert!(ended.is_some_and(|status| status.success()), "{}", sending.program.log());
    let sent = cluster.sent();
    assert_eq!(sent.sent + sent.dead_lettered, EVENTS, "{sent:?}");
    let (enriched, detected) = cluster.wait_until_done(sent.sent, Duration::from_secs(180), &[&new[0], &new[1]]);
    for (at, backend) in BACKENDS.iter().enumerate() {
        wait_until_stored(&cluster, backend, &new[STEPS.len() + at]);
    }

    let ids: BTreeSet<String> = results::scores(&cluster).into_keys().collect();
    assert_eq!(ids.len() as u64, detected.out, "each event once in the topic");
    assert_eq!(enriched.records, enriched.out + enriched.filtered + enriched.dead_lettered, "{enriched:?}");
    for (backend, lake) in BACKENDS.iter().zip(&lakes) {
        let place = if *backend == "cql" { ["--cql", &node] } else { ["--lake", lake] };
        let stored: BTreeSet<String> = results::scores_in(&cluster, &place).into_keys().collect();
        assert_eq!(stored.len(), ids.len(), "{backend}");
        assert!(stored == ids, "{backend} has other events than the topic");
        println!("{backend}: {} events, each once", stored.len());
    }
    println!("{} records by the earlier programs alone, {} in all: {detected:?}", early.records, detected.records);
    new.iter().for_each(Service::stop);
}

#[test]
#[ignore = "needs the programs of an earlier revision: make test-upgrade FROM=REVISION"]
fn in_one_process_it_goes_on_or_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, results) = (folder.path().join("stream.yaml"), folder.path().join("results"));
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/particle-event.avsc");
    fs::copy(schema, folder.path().join("particle-event.avsc")).unwrap();
    fs::write(
        &stream,
        "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: { name: particles }\nspec:\n  schema: particle-event.avsc\n  \
         id: event_id\n  key: detector_id\n  time: timestamp\n  partitions: 8\n  detect: { features: [energy_gev] }\n",
    )
    .unwrap();
    let input = folder.path().join("input.jsonl");
    input::write(&input, EVENTS);
    let run = |program: &Path, more: &[&str]| {
        let mut command = Command::new(program);
        command.arg("--quiet").arg("replay").arg(&stream).arg(&input).arg("--out").arg(&results).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let mut first = run(&earlier("beamline"), &["--speed", "20", "--commit-interval", "500ms"]).spawn().unwrap();
    let begun = Instant::now();
    let tables =
        || fs::read_dir(&results).is_ok_and(|mut found| found.any(|one| one.unwrap().file_name() != "_beamline"));
    while !tables() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the earlier program commits nothing");
        thread::sleep(Duration::from_millis(100));
    }
    thread::sleep(Duration::from_secs(3));
    first.kill().unwrap();
    first.wait().unwrap();

    let now = binary("beamline");
    let second = run(&now, &[]).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    if !second.status.success() {
        // What cannot be carried over is not touched, and it is said how to go on.
        assert!(said.contains("--fresh") && said.contains("--out"), "{said}");
        println!("it refuses what the earlier program had begun: {said}");
        assert!(run(&now, &["--fresh"]).status().unwrap().success());
    }
    let verified = Command::new(&now).arg("verify").arg(&results).output().unwrap();
    let text = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{text}{}", String::from_utf8_lossy(&verified.stderr));
    print!("{text}");
}
