//! Half of a stream's events have one key.

use std::{
    collections::HashMap,
    thread,
    time::{Duration, Instant},
};

use kafka::Step;
use rdkafka::message::{Message, OwnedMessage};
use servers::{free_port, http_get};
use stream::Topics;

use super::{
    LINES, TEN, expect_scored,
    offer::offer,
    rest, sample,
    watch::{Moment, Watch},
    written,
};
use crate::{bench::define, cluster::Cluster};

const SKEWED: &str = "skewed";
/// How long it may take until the key is named: a share is told every five seconds.
const NAMED_MAX: Duration = Duration::from_secs(60);

/// A key that half of the events have, and its partition.
struct Hot {
    key: String,
    partition: u32,
}

pub(super) fn measure(cluster: &Cluster, rate: u64, phase: Duration) {
    let connection = cluster.connection();
    let (hot, events) = skewed(sample(cluster));
    let file = define(cluster, SKEWED);
    println!(
        "half of the events have the key {}, which is in partition {}; {rate} events/s are offered",
        hot.key, hot.partition
    );
    let offered = || written(cluster, SKEWED);
    let mut watch = Watch::new(cluster, SKEWED, &offered);
    let address = format!("127.0.0.1:{}", free_port());
    // Two workers each, so that the partitions beside the hot one have another.
    for (name, service, more) in [
        ("enricher", "enricher", ["--threads", "2"]),
        ("detector", "anomaly-detector", ["--threads", "2"]),
        ("page", "dashboard", ["--page", address.as_str()]),
    ] {
        watch.add(name, cluster.service_of(&file, service, "skewed", &more));
    }
    watch.wait_until_ready();
    watch.wait_until_joined();
    thread::scope(|scope| {
        let sending = scope.spawn(|| offer(&connection, SKEWED, &events, rate, phase));
        watch.until("skewed", (phase / LINES).max(Duration::from_secs(1)), |_| sending.is_finished());
        say_lags(cluster, &hot);
        named(&watch, &hot, &address);
    });
    let (first, last) = watch.until("rest", TEN, Moment::is_done);
    println!("the lag was gone {:.0} s after the last event", (last.at - first.at).as_secs_f64());
    let expected = watch.finish();
    expect_scored(cluster, SKEWED, expected);
}

/// The events, each behind one of the key that is the most frequent.
fn skewed(sample: Vec<OwnedMessage>) -> (Hot, Vec<OwnedMessage>) {
    let mut counts: HashMap<Vec<u8>, usize> = HashMap::new();
    for message in &sample {
        *counts.entry(message.key().unwrap().to_vec()).or_default() += 1;
    }
    let (key, _) = counts.into_iter().max_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0))).unwrap();
    let (of_key, others): (Vec<_>, Vec<_>) =
        sample.into_iter().partition(|message| message.key() == Some(key.as_slice()));
    let hot = Hot { key: String::from_utf8(key).unwrap(), partition: of_key[0].partition() as u32 };
    (hot, of_key.iter().cycle().cloned().zip(others).flat_map(<[OwnedMessage; 2]>::from).collect())
}

/// Says how much waits of the hot partition, and of that among the others of which most waits.
fn say_lags(cluster: &Cluster, hot: &Hot) {
    let (offsets, topics) = (cluster.offsets(), Topics::of(SKEWED));
    for (step, topic) in [(Step::Enrich, &topics.raw), (Step::Detect, &topics.enriched)] {
        let lags = offsets.lag(&step.group(SKEWED), topic).unwrap();
        let others: Vec<u64> =
            lags.iter().filter(|(partition, _)| **partition != hot.partition).map(|(_, lag)| *lag).collect();
        println!(
            "{}: {} records wait in the hot partition, {} to {} in the others",
            step.name(),
            lags[&hot.partition],
            others.iter().min().unwrap(),
            others.iter().max().unwrap()
        );
    }
}

/// Sees that both steps and the page name the key, with its share.
fn named(watch: &Watch<'_>, hot: &Hot, page: &str) {
    let begun = Instant::now();
    let until_named = |url: &str, is_named: &dyn Fn(&str) -> Option<String>| loop {
        let (status, text) = http_get(url).unwrap();
        assert_eq!(status, 200, "{text}");
        if let Some(named) = is_named(&text) {
            break println!("{named}");
        }
        assert!(begun.elapsed() < NAMED_MAX, "{} is not named at {url}: {text}", hot.key);
        rest();
    };
    for name in ["enricher", "detector"] {
        let labels = format!("partition=\"{}\",key=\"{}\"}} ", hot.partition, hot.key);
        until_named(&format!("http://{}/metrics", watch.service(name).address), &|text| {
            let line =
                text.lines().find(|line| line.starts_with("beamline_hot_key_share{") && line.contains(&labels))?;
            assert!(line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap() > 0.5, "{line}");
            Some(line.to_owned())
        });
    }
    until_named(&format!("http://{page}/api/v1/streams/{SKEWED}/overview"), &|text| {
        let overview: serde_json::Value = serde_json::from_str(text).unwrap();
        let named = overview["hot_keys"].as_array().unwrap().first()?;
        assert_eq!((named["partition"].as_u64(), named["key"].as_str()), (Some(hot.partition.into()), Some(&*hot.key)));
        Some(format!("page: {named}"))
    });
}
