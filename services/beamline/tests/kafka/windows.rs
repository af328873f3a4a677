//! Aggregators that come, go and are killed: every result as one process computes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, thread,
    time::{Duration, Instant},
};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    util::display::{ArrayFormatter, FormatOptions},
};
use kafka::Step;
use stream::{Stream, columns};

use crate::{
    cluster::{Cluster, Service},
    input, results,
};

const EVENTS: u64 = 100_000;

/// Groups in one partition each, groups in several, sliding windows, sessions, the whole stream.
pub(crate) const AGGREGATES: &str = r#"
  aggregate:
    - name: rates
      window: 10s
      lateness: 2s
      group_by: [detector_id]
      select: { events: "count(*)", mean: "avg(energy_gev)", highest: "max(energy_gev)", latest: "last_value(pt)" }
    - name: totals
      window: 10s
      slide: 5s
      lateness: 2s
      select: { events: "count(*)", energy: "sum(energy_gev)", spread: "stddev(pt)", spectrum: "histogram(energy_gev, 0, 100, 10)" }
    - name: by_type
      group_by: [particle_type]
      select: { events: "count(*)", detectors: "approx_distinct(detector_id)" }
    - name: bursts
      session: 1s
      lateness: 2s
      group_by: [detector_id]
      select: { events: "count(*)" }
"#;

/// The columns of each result by its key, as text.
pub(crate) type Windows = BTreeMap<String, String>;

#[test]
fn aggregators_that_come_and_go_give_the_results_of_one_process() {
    let cluster = Cluster::start();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    fs::write(cluster.path("stream.yaml"), format!("{definition}{AGGREGATES}")).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let generator = cluster.service("generator", "g", &["--once"]);
    let enricher = cluster.service("enricher", "e", &[]);
    let detector = cluster.service("anomaly-detector", "d", &[]);
    let short = ["--session-timeout", "6s", "--transaction-timeout", "4s"];
    let aggregator = |number: u32| cluster.service("aggregator", &format!("a{number}"), &short);
    let mut aggregators = vec![aggregator(0)];
    for number in 1..=6 {
        thread::sleep(Duration::from_millis(1500));
        match number % 3 {
            // One more, and the first one gone without a word.
            0 => {
                aggregators.remove(0).program.signal("KILL").unwrap();
                aggregators.push(aggregator(number));
            }
            1 => aggregators.push(aggregator(number)),
            _ => aggregators.remove(0).stop(),
        }
    }
    let ended = generator.program.wait(Duration::from_secs(120));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let (_, detected) = cluster.wait_until_done(cluster.sent().sent, Duration::from_secs(180), &[&enricher, &detector]);
    let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
    wait_for_aggregates(&cluster, &stream, detected.out, &aggregators);

    let ledger = cluster.ledger(Step::Aggregate);
    assert!(ledger.balances() && ledger.records == detected.out && ledger.late > 0, "{ledger:?}");
    cluster.beamline(&["--quiet", "replay", "stream.yaml", "--out", "results"]);
    let local = asked(&cluster, "SELECT * FROM aggregates");
    let wanted = windows(&stream, &local);
    let found = on_kafka(&cluster, &stream);
    println!("{} results, {} in one process; {ledger:?}", found.len(), wanted.len());
    for (key, row) in &found {
        assert_eq!(Some(row), wanted.get(key), "{key}");
    }
    // In one process the end of the stream, 100 s of it, closes everything; here a session ends when time is past it.
    let must = "aggregate <> 'bursts' OR window_end < TIMESTAMP '2025-01-01T00:01:36Z'";
    let must = windows(&stream, &asked(&cluster, &format!("SELECT * FROM aggregates WHERE {must}")));
    let missing: Vec<&String> = must.keys().filter(|key| !found.contains_key(*key)).collect();
    assert!(missing.is_empty() && must.keys().any(|key| key.starts_with("bursts/")), "{missing:?}");

    results::wait_until_decided(&cluster, "particles.late");
    let late: usize = results::read_all(&cluster, "particles.late", stream.late_schema().unwrap())
        .iter()
        .map(|received| received.rows.num_rows())
        .sum();
    assert_eq!(late, asked(&cluster, "SELECT * FROM late").iter().map(RecordBatch::num_rows).sum::<usize>());
    aggregators.iter().chain([&enricher, &detector]).for_each(Service::stop);
}

/// Waits until the aggregators have read everything, and the merge everything of theirs.
pub(crate) fn wait_for_aggregates(cluster: &Cluster, stream: &Stream, records: u64, services: &[Service]) {
    let (name, partitions, topics) = (stream.name(), stream.definition.spec.partitions, stream.topics());
    let begun = Instant::now();
    let wait_while = |what: &dyn Fn() -> Option<String>| {
        while let Some(what) = what() {
            let logs = || services.iter().map(|service| service.program.log()).collect::<Vec<_>>().join("\n----\n");
            assert!(begun.elapsed() < Duration::from_secs(120), "{name}: {what}\n{}", logs());
            thread::sleep(Duration::from_millis(200));
        }
    };
    wait_while(&|| {
        let read = cluster.ledger_of(name, partitions, Step::Aggregate).records;
        (read < records).then(|| format!("{read} of {records} records"))
    });
    if stream.aggregates.are_merged() {
        // What is behind an open transaction cannot be seen.
        results::wait_until_decided(cluster, &topics.partials);
        let merger = Step::Merge.group(name);
        wait_while(&|| results::has_more(cluster, &merger, &topics.partials).then(|| "parts are left".to_owned()));
    }
}

/// The last result of each key. What was final never changes, of groups that are in one partition: of others a partition
/// that was quiet may bring more.
pub(crate) fn on_kafka(cluster: &Cluster, stream: &Stream) -> Windows {
    let schema = stream.aggregates_schema().unwrap();
    let (mut found, mut closed) = (Windows::new(), Windows::new());
    let keyed: BTreeSet<&str> =
        stream.aggregates.list.iter().filter(|of| of.keyed).map(|of| of.name.as_str()).collect();
    for received in results::read_all(cluster, &stream.topics().aggregates, schema) {
        let rows = windows(stream, std::slice::from_ref(&received.rows));
        let keys: Vec<&str> = received.keys.iter().flatten().collect();
        assert!(rows.keys().all(|key| keys.contains(&key.as_str())), "keys as the rows say: {keys:?}");
        for row in 0..received.rows.num_rows() {
            let row = received.rows.slice(row, 1);
            let is_final = row.column_by_name(columns::FINAL).unwrap().as_boolean().value(0);
            for (key, text) in windows(stream, &[row]) {
                let same = closed.get(&key).is_none_or(|closed| *closed == text);
                assert!(same, "{key} was final and is now {text}");
                if is_final && key.split('/').next().is_some_and(|name| keyed.contains(name)) {
                    closed.insert(key.clone(), text.clone());
                }
                found.insert(key, text);
            }
        }
    }
    assert!(closed.is_empty() == keyed.is_empty(), "windows of {} have closed", stream.name());
    found
}

/// Each row as text, without whether it is final: a stream that goes on has not closed its last windows.
pub(crate) fn windows(stream: &Stream, batches: &[RecordBatch]) -> Windows {
    let mut windows = Windows::new();
    for batch in batches {
        let keys = stage::result_keys(&stream.aggregates, batch).unwrap();
        let options = FormatOptions::default().with_null("-");
        let columns: Vec<(&str, ArrayFormatter<'_>)> = batch
            .schema_ref()
            .fields()
            .iter()
            .zip(batch.columns())
            .filter(|(field, _)| field.name() != columns::FINAL)
            .map(|(field, column)| (field.name().as_str(), ArrayFormatter::try_new(column, &options).unwrap()))
            .collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> =
                columns.iter().map(|(name, column)| format!("{name}={}", column.value(row))).collect();
            windows.insert(keys.value(row).to_owned(), cells.join(" "));
        }
        assert!(batch.column_by_name(columns::AGGREGATE).unwrap().as_string::<i32>().null_count() == 0);
    }
    windows
}

/// The rows of an answer over the results of one process.
pub(crate) fn asked(cluster: &Cluster, sql: &str) -> Vec<RecordBatch> {
    let source = ask::Source::Results(vec![cluster.path("results")]);
    store::query::block_on(async {
        let session = ask::open(&source, &store::QueryOptions::default()).await.unwrap();
        let mut answer = session.sql(sql).await.unwrap();
        let mut batches = Vec::new();
        while let Some(rows) = answer.next().await.unwrap() {
            batches.push(rows);
        }
        batches
    })
    .unwrap()
}
