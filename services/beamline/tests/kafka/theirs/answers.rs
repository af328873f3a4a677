//! What `docs/your-topic.md` answers for topics that are not as one would like them.

use std::{
    collections::BTreeMap,
    fs, thread,
    time::{Duration, Instant},
};

use arrow::array::AsArray;
use broker::{Connection, Reports};
use futures::executor::block_on;
use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    producer::{BaseProducer, BaseRecord, Producer},
};

use super::{OWN, OWN_SCHEMA, create, each_batch, events, producer, wait_for_messages};
use crate::cluster::{Cluster, Service};

pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Writes the definition of a stream whose identity is a message's place, with this in place of its topics and format.
pub(super) fn define(cluster: &Cluster, name: &str, source: &str) -> String {
    fs::write(cluster.path("own.avsc"), OWN_SCHEMA).unwrap();
    let definition = OWN.replace("{ name: own }", &format!("{{ name: {name} }}")).replace("      START\n", "");
    let definition =
        definition.replace("      pattern: \"their\\\\..*\"\n      format: json\n", &format!("{source}\n"));
    assert!(definition.contains(source), "{definition}");
    let file = format!("{name}.yaml");
    fs::write(cluster.path(&file), definition).unwrap();
    cluster.beamline(&["topics", "apply", &file]);
    file
}

pub(super) fn generator(cluster: &Cluster, file: &str) -> Service {
    cluster.service_of(file, "generator", "g", &[])
}

pub(super) fn send(producer: &BaseProducer<Reports>, topic: &str, value: &[u8]) {
    let record: BaseRecord<'_, str, [u8]> = BaseRecord::to(topic).partition(0).payload(value);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
}

/// Waits until a generator says that it is not ready, and why.
pub(super) fn wait_until_unready(service: &Service, words: &str) {
    let begun = Instant::now();
    loop {
        let (status, text) = service.readiness();
        if status == 503 && text.contains(words) {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "{status} {text}\n{}", service.program.log());
        thread::sleep(Duration::from_millis(100));
    }
}

/// The dead letters of a stream as lines of CSV: where each was, and why.
pub(super) fn dead_letters(cluster: &Cluster, file: &str) -> Vec<String> {
    let hosts = cluster.kafka.bootstrap();
    let sql = r#"SELECT topic, "partition", "offset", reason FROM dead_letters ORDER BY topic, "partition", "offset""#;
    let rows = cluster.beamline(&["query", "--kafka", &hosts, "--stream", file, "--format", "csv", sql]);
    rows.lines().skip(1).map(str::to_owned).collect()
}

fn ledger(cluster: &Cluster, file: &str) -> String {
    cluster.beamline(&["topics", "ledger", file])
}

/// `init` looks at lines, and the definition that it writes runs as it is.
#[test]
fn lines_of_csv_become_events() {
    let cluster = Cluster::start();
    create(&cluster.connection(), "lines", 2, 1, &[]);
    let plain = producer(&cluster.connection(), "none");
    let line = |number: u32| {
        format!(
            "r{number};s{};2025-01-01T00:{:02}:{:02}Z;{}.5;\"a;b\"",
            number % 3,
            number / 60,
            number % 60,
            number % 7
        )
    };
    for number in 0..300 {
        // With and without the line end, as programs that write lines leave it.
        let text = if number % 2 == 0 { line(number) } else { format!("{}\r\n", line(number)) };
        let record: BaseRecord<'_, str, str> = BaseRecord::to("lines").partition((number % 2) as i32).payload(&text);
        plain.send(record).map_err(|(error, _)| error).unwrap();
    }
    plain.flush(Duration::from_secs(10)).unwrap();
    let said = cluster.beamline(&["init", "--kafka", &cluster.kafka.bootstrap(), "--topic", "lines"]);
    let definition = fs::read_to_string(cluster.path("lines-events.yaml")).unwrap();
    assert!(definition.contains("format: csv") && definition.contains("separator: \";\""), "{said}\n{definition}");
    cluster.beamline(&["topics", "apply", "lines-events.yaml"]);
    let service = generator(&cluster, "lines-events.yaml");
    for bad in
        ["r300;s0;2025-01-01T00:00:00Z", "r301;s0;yesterday;1.5;c", "two;2;2025-01-01T00:00:00Z;1;c\nlines;;;;", ""]
    {
        send(&plain, "lines", bad.as_bytes());
    }
    send(&plain, "lines", line(302).as_bytes());
    wait_for_messages(&cluster, "lines-events.yaml", 305, LIMIT, &[&service]);
    service.stop();
    let mut found = BTreeMap::new();
    each_batch(&cluster, "lines-events.yaml", |rows| {
        for id in rows["column_1"].as_string::<i32>().iter().flatten() {
            *found.entry(id.to_owned()).or_insert(0) += 1;
        }
    });
    let wanted: BTreeMap<String, i32> = (0..300).chain([302]).map(|number| (format!("r{number}"), 1)).collect();
    assert_eq!(found, wanted, "{definition}");
    let letters = dead_letters(&cluster, "lines-events.yaml");
    assert_eq!(letters.len(), 4, "{letters:?}");
    for (letter, words) in letters.iter().zip(["3 fields", "yesterday", "several lines", "empty"]) {
        assert!(letter.starts_with("lines,0,") && letter.contains(words), "{words}: {letter}");
    }
}

/// Deletes what a topic has before an offset, as retention does.
fn delete_before(connection: &Connection, topic: &str, offset: i64) {
    let admin: AdminClient<Reports> = connection.client(Reports::default(), |_| {}).unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
    block_on(admin.delete_records(&list, &AdminOptions::new())).unwrap();
}

#[test]
fn messages_that_are_deleted_before_they_were_read_are_counted() {
    let cluster = Cluster::start();
    create(&cluster.connection(), "short", 1, 1, &[]);
    let file = define(&cluster, "short-events", "      topic: short\n      format: json");
    let plain = producer(&cluster.connection(), "none");
    let write = |count: u32| (0..count).for_each(|x| send(&plain, "short", format!("{{\"x\": {x}}}").as_bytes()));
    write(10);
    let service = generator(&cluster, &file);
    wait_for_messages(&cluster, &file, 10, LIMIT, &[&service]);
    service.stop();
    // While no generator runs: offsets 10 to 14 of 10 to 29.
    write(20);
    delete_before(&cluster.connection(), "short", 15);
    let service = generator(&cluster, &file);
    wait_for_messages(&cluster, &file, 25, LIMIT, &[&service]);
    let log = service.program.log();
    assert!(log.contains("messages were deleted before they were read"), "{log}");
    // While it hangs: offsets 30 to 36 of 30 to 39.
    service.program.signal("STOP").unwrap();
    // What the broker has answered already has no message of these.
    thread::sleep(Duration::from_secs(1));
    write(10);
    delete_before(&cluster.connection(), "short", 37);
    service.program.signal("CONT").unwrap();
    wait_for_messages(&cluster, &file, 28, LIMIT, &[&service]);
    service.stop();
    let found = events(&cluster, &file);
    let wanted: Vec<String> = (0..10).chain(15..30).chain(37..40).map(|offset| format!("short-0-{offset}")).collect();
    assert_eq!(found.len(), wanted.len());
    assert!(wanted.iter().all(|id| found.get(id) == Some(&1)), "{found:?}");
    let ledger = ledger(&cluster, &file);
    assert!(
        ledger.contains("28 taken in = 28 sent") && ledger.contains("12 offsets of the source were deleted"),
        "{ledger}"
    );
}

#[test]
fn topics_come_and_go_and_transactions_are_heeded() {
    let cluster = Cluster::start();
    let connection = cluster.connection();
    let source = "      topics: [first, second]\n      format: json\n      tombstones: skip";
    let file = define(&cluster, "come-and-go", source);
    let service = generator(&cluster, &file);
    wait_until_unready(&service, "first");
    let large = ("max.message.bytes", "4000000");
    create(&connection, "first", 1, 1, &[large]);
    wait_until_unready(&service, "second");
    create(&connection, "second", 1, 1, &[]);
    service.wait_until_ready();

    let transactional: BaseProducer<Reports> = connection
        .client(Reports::default(), |config| {
            config.set("transactional.id", "theirs");
        })
        .unwrap();
    transactional.init_transactions(LIMIT).unwrap();
    for (count, commits) in [(3, true), (2, false), (1, true)] {
        transactional.begin_transaction().unwrap();
        (0..count).for_each(|_| send(&transactional, "first", b"{\"x\": 1}"));
        match commits {
            true => transactional.commit_transaction(LIMIT).unwrap(),
            false => transactional.abort_transaction(LIMIT).unwrap(),
        }
    }
    wait_for_messages(&cluster, &file, 4, LIMIT, &[&service]);
    let writer: BaseProducer<Reports> = connection
        .client(Reports::default(), |config| {
            config.set("message.max.bytes", "4000000");
        })
        .unwrap();
    let tombstone: BaseRecord<'_, str, str> = BaseRecord::to("second").partition(0).key("k");
    writer.send(tombstone).map_err(|(error, _)| error).unwrap();
    send(&writer, "second", b"{\"x\": 2}");
    // Larger than an event may be.
    let long = format!("{{\"x\": 1, \"note\": \"{}\"}}", "long ".repeat(400_000));
    send(&writer, "first", long.as_bytes());
    wait_for_messages(&cluster, &file, 7, LIMIT, &[&service]);

    let admin = broker::Admin::connect(&connection).unwrap();
    admin.delete(&["second"]).unwrap();
    thread::sleep(Duration::from_secs(2));
    send(&writer, "first", b"{\"x\": 3}");
    wait_for_messages(&cluster, &file, 8, LIMIT, &[&service]);
    service.stop();
    let found = events(&cluster, &file);
    let first = found.keys().filter(|id| id.starts_with("first-0-")).count();
    assert_eq!((first, found.values().sum::<u64>(), found.get("second-0-1")), (5, 6, Some(&1)), "{found:?}");
    let letters = dead_letters(&cluster, &file);
    assert!(letters.len() == 1 && letters[0].starts_with("first,0,") && letters[0].contains("bytes"), "{letters:?}");
    let ledger = ledger(&cluster, &file);
    assert!(ledger.contains("8 taken in = 6 sent + 1 dead letters + 1 without a value"), "{ledger}");
}

/// `latest` and a time count for the first start; what comes later is read from its beginning.
#[test]
fn a_first_start_begins_where_the_definition_says() {
    let cluster = Cluster::start();
    let connection = cluster.connection();
    create(&connection, "old", 1, 1, &[("retention.ms", "-1")]);
    let plain = producer(&connection, "none");
    let write = |partition: i32, minutes: std::ops::Range<i64>, producer: &BaseProducer<Reports>| {
        for minute in minutes {
            let value = format!("{{\"x\": {minute}}}");
            let record: BaseRecord<'_, str, str> = BaseRecord::to("old").partition(partition).payload(value.as_str());
            // 2025-01-01 and so many minutes.
            let record = record.timestamp(1_735_689_600_000 + minute * 60_000);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(Duration::from_secs(10)).unwrap();
    };
    write(0, 0..10, &plain);
    let from = |start: &str| format!("      topic: old\n      format: json\n      start: {start}");
    let files = [
        define(&cluster, "latest-events", &from("latest")),
        define(&cluster, "time-events", &from("\"2025-01-01T00:07:00Z\"")),
    ];
    let services = files.each_ref().map(|file| generator(&cluster, file));
    wait_for_messages(&cluster, &files[1], 3, LIMIT, &[&services[1]]);
    // Where `latest` begins is noted with the first commit, which comes by itself.
    let begun = Instant::now();
    while cluster
        .offsets()
        .committed("beamline.latest-events.generator", "latest-events", &[0, 1, 2, 3])
        .unwrap()
        .is_empty()
    {
        assert!(begun.elapsed() < LIMIT, "{}", services[0].program.log());
        thread::sleep(Duration::from_millis(100));
    }
    services.iter().for_each(Service::stop);
    write(0, 10..15, &plain);
    broker::Admin::connect(&connection).unwrap().add_partitions("old", 2).unwrap();
    thread::sleep(Duration::from_secs(1));
    write(1, 0..4, &producer(&connection, "none"));
    let services = files.each_ref().map(|file| generator(&cluster, file));
    for ((file, service), (first, count)) in files.iter().zip(&services).zip([(10, 9), (7, 12)]) {
        wait_for_messages(&cluster, file, count, LIMIT, &[service]);
        service.stop();
        let found = events(&cluster, file);
        let old = (first..15).map(|offset| format!("old-0-{offset}"));
        let wanted: Vec<String> = old.chain((0..4).map(|offset| format!("old-1-{offset}"))).collect();
        assert_eq!((found.len(), wanted.iter().all(|id| found.get(id) == Some(&1))), (wanted.len(), true), "{found:?}");
    }
}
