//! `beamline check-config --connect` on real servers: with everything there, and with each thing missing.

use std::{fs, path::Path};

use servers::{Cassandra, S3, free_port};

use crate::cluster::{Cluster, write_definition};

/// The lines of a check with these arguments, and its exit code; nothing of the environment but what is given.
fn check(folder: &Path, arguments: &[&str], environment: &[(&str, String)]) -> (Option<i32>, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_beamline"))
        .args(["check-config", "stream.yaml", "--connect"])
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (*name, value.as_str())))
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// Whether a line says this of this.
fn says(text: &str, verdict: &str, what: &str, part: &str) -> bool {
    let begin = format!("{verdict:<8} {what:<9} ");
    text.lines().any(|line| line.starts_with(&begin) && line.contains(part))
}

#[test]
fn everything_that_a_run_needs_is_checked_and_each_missing_thing_is_a_line() {
    let cluster = Cluster::start();
    let cassandra = Cassandra::start().unwrap();
    let (kafka, registry, store) = (cluster.kafka.bootstrap(), cluster.apicurio.url(), cassandra.contact_point());
    let all = ["--kafka", &kafka, "--registry", &registry, "--cql", &store, "--replication", "1"];

    // Nothing has been made yet.
    let (code, text) = check(cluster.folder.path(), &all, &[]);
    assert_eq!(code, Some(1), "{text}");
    for (what, part) in
        [("kafka", "answers"), ("registry", "answers"), ("store", "answers"), ("clock", "the store agree")]
    {
        assert!(says(&text, "ok", what, part), "{what}: {text}");
    }
    assert!(
        says(&text, "wrong", "topics", "`particles` is missing; `beamline topics apply stream.yaml` does that"),
        "{text}"
    );
    assert!(says(&text, "wrong", "tables", "`beamline store apply stream.yaml` does that"), "{text}");
    // A check changes nothing.
    assert_eq!(check(cluster.folder.path(), &all, &[]), (code, text));

    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    cluster.beamline(&["store", "apply", "stream.yaml", "--cql", &store, "--replication", "1"]);
    let (code, text) = check(cluster.folder.path(), &all, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("wrong") && !text.contains("skipped") && !text.contains("differs"), "{text}");
    assert!(says(&text, "ok", "rights", "`particles.detector-state` may be read and written"), "{text}");
    assert!(says(&text, "ok", "schemas", "particles"), "{text}");
    // What is tried leaves nothing behind.
    for topic in ["particles", "particles.detector-state"] {
        assert_eq!(cluster.offsets().range(topic, 0).unwrap(), (0, 0), "{topic}");
    }

    // By the environment, as a service has it.
    let environment = [("BEAMLINE_KAFKA_BOOTSTRAP", kafka.clone()), ("BEAMLINE_REGISTRY_URL", registry.clone())];
    let (code, text) = check(cluster.folder.path(), &[], &environment);
    assert_eq!(code, Some(0), "{text}");
    assert!(says(&text, "skipped", "store", "BEAMLINE_CQL"), "{text}");

    // Each server away, and all else still checked.
    let nobody = format!("127.0.0.1:{}", free_port());
    let url = format!("http://{nobody}");
    for (place, address, what, other) in
        [(1, &nobody, "kafka", "store"), (3, &url, "registry", "store"), (5, &nobody, "store", "kafka")]
    {
        let mut arguments = all;
        arguments[place] = address;
        let (code, text) = check(cluster.folder.path(), &arguments, &[]);
        assert_eq!(code, Some(1), "{text}");
        assert!(says(&text, "wrong", what, &nobody) && says(&text, "ok", other, "answers"), "{what}: {text}");
    }

    // Other partitions, another schema, a table of another shape: of a definition that was changed.
    let path = cluster.path("stream.yaml");
    let changed = fs::read_to_string(&path).unwrap().replace("partitions: 8", "partitions: 4");
    let changed = changed.replace("pt: \"transverse_momentum(momentum_x, momentum_y)\"", "pt: \"detector_id\"");
    fs::write(&path, changed.replace("\"ln(pt)\", ", "")).unwrap();
    let (code, text) = check(cluster.folder.path(), &all, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        says(&text, "wrong", "topics", "`particles` has 8 partitions, and should have 4; write its number into"),
        "{text}"
    );
    assert!(says(&text, "wrong", "tables", "has column pt as double, and the stream as text"), "{text}");
}

#[test]
fn a_missing_right_is_a_line_with_what_an_administrator_has_to_grant() {
    let cluster = Cluster::start_secured();
    let kafka = &cluster.kafka;
    let as_user = |name: &str| {
        [
            ("BEAMLINE_KAFKA_BOOTSTRAP", kafka.bootstrap_sasl()),
            ("BEAMLINE_KAFKA_CA_FILE", kafka.ca_file().display().to_string()),
            ("BEAMLINE_KAFKA_SECURITY", "sasl-tls".to_owned()),
            ("BEAMLINE_KAFKA_MECHANISM", "PLAIN".to_owned()),
            ("BEAMLINE_KAFKA_USERNAME", name.to_owned()),
            ("BEAMLINE_KAFKA_PASSWORD", kafka.password().to_owned()),
            ("BEAMLINE_REGISTRY_URL", cluster.apicurio.url()),
        ]
    };
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let (code, text) = check(cluster.folder.path(), &[], &as_user("beamline"));
    assert_eq!(code, Some(0), "{text}");

    // May read, and neither write nor make transactions.
    let (code, text) = check(cluster.folder.path(), &[], &as_user("reader"));
    assert_eq!(code, Some(1), "{text}");
    for what in [
        "writing to topic `particles`",
        "writing to topic `particles.detector-state`",
        "transactions with ids such as `beamline.particles.",
    ] {
        assert!(says(&text, "wrong", "rights", &format!("Kafka does not allow {what}")), "{what}: {text}");
    }
    assert!(!text.contains("reading topic") && text.contains("an administrator has to grant it (ACL)"), "{text}");

    kafka.forbid_reading("beamline", "particles.scored", true).unwrap();
    let (code, text) = check(cluster.folder.path(), &[], &as_user("beamline"));
    assert_eq!(code, Some(1), "{text}");
    let wrong: Vec<&str> = text.lines().filter(|line| line.starts_with("wrong")).collect();
    assert!(says(&text, "wrong", "rights", "Kafka does not allow reading topic `particles.scored`"), "{text}");
    assert_eq!(wrong.len(), 1, "{text}");

    // The wrong password is a line of Kafka, and the registry is checked all the same.
    let mut login = as_user("beamline");
    login[5].1 = "a-wrong-password-for-tests".to_owned();
    let (code, text) = check(cluster.folder.path(), &[], &login);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        says(&text, "wrong", "kafka", "refuses the credentials") && says(&text, "ok", "registry", "answers"),
        "{text}"
    );
    assert!(!text.contains("a-wrong-password"), "{text}");
}

#[test]
fn a_lake_is_checked_as_its_writer_would_find_it() {
    let folder = tempfile::tempdir().unwrap();
    write_definition(folder.path());
    let s3 = S3::start().unwrap();
    let at = |url: &str| {
        let credentials = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name, "test".to_owned()));
        let place = [("AWS_ENDPOINT", url.to_owned()), ("AWS_REGION", "eu-west-1".to_owned())];
        [credentials, place].concat().into_iter().chain([("AWS_ALLOW_HTTP", "true".to_owned())]).collect::<Vec<_>>()
    };
    let lake = ["--lake", "s3://events/particles"];

    let (code, text) = check(folder.path(), &lake, &at(&s3.url()));
    assert_eq!(code, Some(1), "{text}");
    assert!(says(&text, "wrong", "store", "make the bucket first, or name another"), "{text}");
    assert!(says(&text, "skipped", "tables", "not checked"), "{text}");

    s3.create_bucket("events").unwrap();
    for _ in 0..2 {
        // A check leaves nothing: the second finds what the first found.
        let (code, text) = check(folder.path(), &lake, &at(&s3.url()));
        assert_eq!(code, Some(0), "{text}");
        assert!(says(&text, "ok", "store", "s3://events/particles/ may be written and deleted"), "{text}");
        assert!(says(&text, "ok", "tables", "holds no lake yet"), "{text}");
        assert!(says(&text, "ok", "clock", "the object store agree"), "{text}");
    }

    // Nobody answers there. The client alone would try for minutes.
    let begun = std::time::Instant::now();
    let (code, text) = check(folder.path(), &lake, &at(&format!("http://127.0.0.1:{}", free_port())));
    assert_eq!(code, Some(1), "{text}");
    assert!(says(&text, "wrong", "store", "AWS_ENDPOINT") && begun.elapsed().as_secs() < 60, "{text}");
}
