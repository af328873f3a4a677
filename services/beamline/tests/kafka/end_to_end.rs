//! Generator, enricher and anomaly-detector as three processes.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use broker::Reports;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::{cluster::Cluster, input, results};

const EVENTS: u64 = 200_000;
/// Messages of each bad kind that somebody else puts into the raw topic.
const FOREIGN: u64 = 200;

#[test]
fn three_processes_do_what_one_does_and_account_for_every_record() {
    let cluster = Cluster::start();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    cluster.beamline(&["topics", "check", "stream.yaml"]);
    let generator = cluster.service("generator", "g", &["--once"]);
    let enricher = cluster.service("enricher", "e", &[]);
    // Memory for a part of the states only: the others go to files, and no score differs from those of one process.
    let detector = cluster.service("anomaly-detector", "d", &["--state-mib", "1"]);
    // A generator does not begin on a topic that others have filled.
    let begun = Instant::now();
    while !cluster.has_sent() && begun.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(100));
    }
    send_foreign(&cluster);
    let ended = generator.program.wait(Duration::from_secs(120));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let sent = cluster.sent();
    assert_eq!(sent.sent + sent.dead_lettered, EVENTS, "{sent:?}");
    let records = sent.sent + 3 * FOREIGN;
    let (enriched, detected) = cluster.wait_until_done(records, Duration::from_secs(180), &[&enricher, &detector]);
    assert_eq!(enriched.records, records);
    assert!(enriched.balances() && detected.balances(), "{enriched:?} {detected:?}");
    let [held, spilled] = ["beamline_state_bytes", "beamline_state_spilled_bytes"].map(|name| detector.metric(name));
    assert!(held > 0.0 && held <= f64::from(1 << 20) && spilled > 0.0, "{held} bytes in memory, {spilled} in files");
    let scores = results::scores(&cluster);
    assert_eq!(scores.len() as u64, detected.out);
    results::assert_same(&scores, &results::scores_in_one_process(&cluster));
    let mut kinds: BTreeMap<(String, String), u64> = BTreeMap::new();
    for letter in results::letters(&cluster) {
        assert!(!letter.payload.is_empty() || letter.reason == "empty message", "{letter:?}");
        *kinds.entry((letter.stage, letter.kind)).or_default() += 1;
    }
    assert_eq!(kinds.values().sum::<u64>(), sent.dead_lettered + enriched.dead_lettered + detected.dead_lettered);
    println!("{enriched:?}\n{detected:?}\n{kinds:?}");
    let each = EVENTS / 1000;
    let of = |stage: &str, kind: &str| kinds.get(&(stage.to_owned(), kind.to_owned())).copied().unwrap_or_default();
    assert_eq!(of("generator", "decode"), 3 * each, "torn lines, missing ids, wrong types");
    assert_eq!(of("enricher", "quality"), each);
    assert_eq!(of("enricher", "decode"), 3 * FOREIGN);
    assert!(of("enricher", "expression") >= each);
    let said = cluster.beamline(&["topics", "ledger", "stream.yaml"]);
    assert!(said.contains("the ledger balances"), "{said}");
    let tail = ["topics", "tail", "stream.yaml", "--topic", "anomalies", "--to-end", "--limit", "3"];
    assert_eq!(cluster.beamline(&tail).lines().filter(|line| line.contains("\"anomalous\":true")).count(), 3);
    // What `top` sums up of their metrics is what the ledger says.
    let shown = cluster.beamline(&["top", "--once", "--interval", "1s", &enricher.address, &detector.address]);
    for (stage, ledger) in [("enricher", &enriched), ("anomaly-detector", &detected)] {
        let line = shown.lines().find(|line| line.split_whitespace().nth(1) == Some(stage));
        let cells: Vec<String> =
            line.unwrap_or_default().split_whitespace().map(|cell| cell.replace(',', "")).collect();
        assert_eq!(cells.get(6), Some(&ledger.out.to_string()), "{stage} in {shown}");
        assert_eq!(cells.get(9), Some(&ledger.dead_lettered.to_string()), "{stage} in {shown}");
    }
    let alarms = shown.lines().find(|line| line.split_whitespace().nth(1) == Some("mahalanobis"));
    assert!(alarms.is_some_and(|line| line.starts_with("particles")), "{shown}");
    enricher.stop();
    detector.stop();
}

/// Bytes of three kinds that are not events: junk, a schema that nobody registered, nothing at all.
fn send_foreign(cluster: &Cluster) {
    let producer: BaseProducer<Reports> = cluster.connection().client(Reports::default(), |_| ()).unwrap();
    for number in 0..FOREIGN {
        for bytes in [b"junk".as_slice(), b"\x00\x7f\xff\xff\xf0rest", b""] {
            let record = BaseRecord::<[u8], [u8]>::to("particles").partition((number % 8) as i32).payload(bytes);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
    }
    producer.flush(Duration::from_secs(30)).unwrap();
}
