//! A topic that a Spark job writes comes back as the source of another stream: each of its rows is one event.

use std::fs;

use servers::Spark;

use super::{ask, rows, submit};
use crate::{cluster::Cluster, theirs::create};

/// Which events the job picks: those with the energies that most have.
const PICKED: &str = "energy_gev > 5";

/// The schema of what the job writes.
pub(super) const AVRO: &str = r#"{ "type": "record", "name": "Fast", "namespace": "org.theirs", "fields": [
  { "name": "event_id", "type": "string" },
  { "name": "timestamp", "type": { "type": "long", "logicalType": "timestamp-micros" } },
  { "name": "detector_id", "type": "string" },
  { "name": "energy_gev", "type": "double" },
  { "name": "score", "type": ["null", "double"], "default": null } ] }"#;

pub(super) fn comes_back(spark: &Spark, cluster: &Cluster, lake: &str, schema: Option<&str>) {
    let topic = if schema.is_some() { "fast-avro" } else { "fast" };
    let (hosts, registry) = (cluster.kafka.bootstrap(), cluster.apicurio.url());
    let path = |name: &str| cluster.path(name).display().to_string();
    create(&cluster.connection(), topic, 3, 1, &[]);
    let (checkpoint, avsc) = (path(&format!("{topic}.checkpoint")), path("fast.avsc"));
    let mut arguments = vec!["--where", PICKED, "--to", topic, "--checkpoint", &checkpoint, "--once"];
    let mut init = vec!["init", "--kafka", &hosts, "--topic", topic];
    if let Some(schema) = schema {
        fs::write(&avsc, schema).unwrap();
        arguments.extend(["--schema", &avsc]);
        init.extend(["--registry", &registry]);
    }
    submit(spark, cluster, "topic_job.py", &arguments);

    let said = cluster.beamline(&init);
    for guess in ["id: event_id", "key: detector_id", "time: timestamp"] {
        assert!(said.contains(guess), "{said}");
    }
    let file = format!("{topic}-events.yaml");
    let picked = format!("FROM processed_data WHERE {PICKED}");
    let wanted = ask(cluster, lake, &format!("SELECT {COLUMNS}, anomaly_score {picked} ORDER BY 1"));
    let said = cluster.beamline(&["run", &file, "--kafka", &hosts, "--for", "15s"]);
    let count = wanted.len();
    assert!(said.contains(&format!("{count} taken in = {count} sent + 0 dead letters")), "{said}");
    assert!(said.contains("the ledger balances"), "{said}");
    let sql = format!("SELECT {COLUMNS}, score FROM processed_data ORDER BY 1");
    let query = ["query", "--format", "csv", "--limit", "0", "--kafka", &hosts, "--stream", &file, &sql];
    assert!(rows(&cluster.beamline(&query)) == wanted, "{topic}: rows differ");
    println!("{topic}: {count} rows that a Spark job wrote, each one event, every value as it was");
}

/// What both streams have, times in microseconds.
const COLUMNS: &str = "event_id, detector_id, energy_gev, \
                       arrow_cast(arrow_cast(timestamp, 'Timestamp(Microsecond, Some(\"UTC\"))'), 'Int64')";
