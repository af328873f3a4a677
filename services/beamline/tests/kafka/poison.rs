//! Bad messages of each kind among good ones, one in five: every good event comes through, and every bad one is accounted
//! for. How fast is printed, not asserted: the machine is shared.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use kafka::Step;
use stage::Ledger;

use crate::{
    cluster::Cluster,
    raw::{self, Event},
};

const MESSAGES: usize = 150_000;
/// One message in so many is bad.
const BAD: usize = 5;
/// Bytes of an event of these streams, so that one above the limit is quickly sent.
const LIMIT: usize = 2048;
/// Schemas that the registry knows, and that are not of events.
const FOREIGN: usize = 200;
/// How long a stream may take: a request to the registry for each bad message takes longer.
const TIME_MAX: Duration = Duration::from_secs(45);

/// A bad message, made from its number.
type Bad<'a> = Box<dyn Fn(usize) -> Vec<u8> + 'a>;

#[test]
fn bad_messages_of_no_kind_hold_up_the_good_ones() {
    let cluster = Cluster::start();
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let definition =
        definition.replace("  partitions: 8\n", &format!("  partitions: 1\n  limits: {{ event_bytes: {LIMIT} }}\n"));
    let foreign: Vec<u32> = (0..FOREIGN).map(|number| foreign(&cluster, number)).collect();
    let schema = raw::schema(&cluster);
    let event = |energy: f64| Event::new("bad", energy, "D0").framed(schema);
    let framed = |id: u32| [&[0], &id.to_be_bytes()[..], b"\x02a"].concat();
    let kinds: Vec<(&str, Bad<'_>)> = vec![
        ("good", Box::new(|_| event(2.0))),
        ("junk", Box::new(|_| b"junk".to_vec())),
        ("empty", Box::new(|_| Vec::new())),
        ("torn", Box::new(|_| event(2.0)[..20].to_vec())),
        ("quality", Box::new(|_| event(-1.0))),
        ("expression", Box::new(|_| event(77.2))),
        ("size", Box::new(|_| vec![b'x'; LIMIT + 1])),
        ("one-unknown-id", Box::new(|_| framed(0x7fff_fff0))),
        ("unknown-ids", Box::new(|number| framed(0x4000_0000 + number as u32))),
        ("foreign-ids", Box::new(|number| framed(foreign[number % FOREIGN]))),
    ];
    let mut clean = None;
    for (kind, bad) in kinds {
        let name = format!("poison-{kind}");
        let file = format!("{name}.yaml");
        fs::write(cluster.path(&file), definition.replace("name: particles", &format!("name: {name}"))).unwrap();
        cluster.beamline(&["topics", "apply", &file]);
        let good = |number: usize| Event::new(format!("event-{number}"), 2.0, "D0").framed(schema);
        let message = |number: usize| if number.is_multiple_of(BAD) { bad(number) } else { good(number) };
        raw::send(&cluster, &name, (0..MESSAGES).map(|number| (0, "D0", message(number))));
        let (ledger, rate) = through(&cluster, &file, &name);
        let wanted = if kind == "good" { 0 } else { MESSAGES / BAD } as u64;
        assert_eq!((ledger.dead_lettered, ledger.out), (wanted, MESSAGES as u64 - wanted), "{kind}: {ledger:?}");
        assert!(ledger.balances(), "{kind}: {ledger:?}");
        // Good events are fewer among bad ones: what counts is how fast messages are taken.
        let clean = *clean.get_or_insert(rate);
        println!("{kind:<16} {rate:>9.0} messages/s, {:>3.0} % of the clean rate", 100.0 * rate / clean);
    }
}

/// Takes a stream through the enricher; gives its account, and messages a second.
fn through(cluster: &Cluster, file: &str, name: &str) -> (Ledger, f64) {
    let enricher = cluster.service_of(file, "enricher", name, &["--commit-records", "10000"]);
    let (begun, mut first) = (Instant::now(), None);
    let ledger = loop {
        let ledger = cluster.ledger_of(name, 1, Step::Enrich);
        if ledger.records > 0 {
            first.get_or_insert((Instant::now(), ledger.records));
        }
        if ledger.records >= MESSAGES as u64 {
            break ledger;
        }
        assert!(begun.elapsed() < TIME_MAX, "{name}: {ledger:?}\n{}", enricher.program.log());
        thread::sleep(Duration::from_millis(20));
    };
    let (since, at) = first.unwrap_or((begun, 0));
    let seconds = since.elapsed().as_secs_f64().max(0.02);
    enricher.stop();
    let rate = (ledger.records - at).max(1) as f64 / seconds;
    (ledger, rate)
}

/// The id of a schema that the registry knows and that no event has.
fn foreign(cluster: &Cluster, number: usize) -> u32 {
    let avro =
        format!(r#"{{ "type": "record", "name": "Other{number}", "fields": [{{ "name": "a", "type": "string" }}] }}"#);
    cluster.registry().register(&format!("other-{number}-value"), &avro).unwrap()
}
