//! A cluster that demands TLS and passwords: services work on it, whoever is refused is told why, and no log has a secret.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use kafka::Step;
use servers::{Cassandra, Program};

use crate::{
    cluster::{Cluster, Service, binary},
    input,
    raw::{self, Event},
};

const EVENTS: u64 = 5_000;
/// Not the password.
const WRONG: &str = "a-wrong-password-for-tests";

/// Settings as a process has them.
type Settings<'a> = Vec<(&'a str, String)>;

#[test]
fn services_work_behind_tls_and_passwords_and_whoever_is_refused_is_told_why() {
    let cluster = Cluster::start_secured();
    let kafka = &cluster.kafka;
    input::write(&cluster.path("input.jsonl"), EVENTS);
    let password_file = cluster.path("password");
    fs::write(&password_file, kafka.password()).unwrap();
    let text = |path: std::path::PathBuf| path.display().to_string();
    let tls = |bootstrap: String| -> Settings<'static> {
        vec![("BEAMLINE_KAFKA_BOOTSTRAP", bootstrap), ("BEAMLINE_KAFKA_CA_FILE", text(kafka.ca_file()))]
    };
    let user = |name: &str, mechanism: &str| -> Settings<'static> {
        let mut settings = tls(kafka.bootstrap_sasl());
        settings.push(("BEAMLINE_KAFKA_SECURITY", "sasl-tls".to_owned()));
        settings.push(("BEAMLINE_KAFKA_MECHANISM", mechanism.to_owned()));
        settings.push(("BEAMLINE_KAFKA_USERNAME", name.to_owned()));
        settings
    };
    let with = |mut settings: Settings<'static>, name: &'static str, value: String| {
        settings.retain(|(other, _)| *other != name);
        settings.push((name, value));
        settings
    };
    let by_file = with(user("beamline", "SCRAM-SHA-512"), "BEAMLINE_KAFKA_PASSWORD_FILE", text(password_file));
    let by_environment =
        with(user("beamline", "SCRAM-SHA-256"), "BEAMLINE_KAFKA_PASSWORD", kafka.password().to_owned());
    let plain = with(user("beamline", "PLAIN"), "BEAMLINE_KAFKA_PASSWORD", kafka.password().to_owned());
    let certificate = with(
        with(
            with(tls(kafka.bootstrap_tls()), "BEAMLINE_KAFKA_SECURITY", "tls".to_owned()),
            "BEAMLINE_KAFKA_CERT_FILE",
            text(kafka.client_cert_file()),
        ),
        "BEAMLINE_KAFKA_KEY_FILE",
        text(kafka.client_key_file()),
    );

    let cassandra = Cassandra::start_secured().unwrap();
    let store_password_file = cluster.path("store-password");
    fs::write(&store_password_file, cassandra.password()).unwrap();
    let store: Settings<'static> = vec![
        ("BEAMLINE_CQL", cassandra.contact_point()),
        ("BEAMLINE_CQL_USERNAME", cassandra.username().to_owned()),
        ("BEAMLINE_CQL_PASSWORD_FILE", text(store_password_file)),
        ("BEAMLINE_CQL_CA_FILE", text(cassandra.ca_file())),
    ];

    let (code, said) = beamline(&cluster, &["topics", "apply", "stream.yaml"], &plain);
    assert_eq!(code, Some(0), "{said}");
    let mut logs = vec![said];
    let (code, said) = beamline(&cluster, &["store", "apply", "stream.yaml", "--replication", "1"], &store);
    assert_eq!(code, Some(0), "{said}");
    logs.push(said);
    let generator = start(&cluster, "generator", &by_file, &["--once"]);
    let enricher = start(&cluster, "enricher", &by_environment, &[]);
    let detector = start(&cluster, "anomaly-detector", &certificate, &[]);
    let writer = start(&cluster, "writer", &[by_file.clone(), store.clone()].concat(), &[]);
    let ended = generator.wait(Duration::from_secs(60));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.log());
    let (_, detected) = cluster.wait_until_done(cluster.sent().sent, Duration::from_secs(60), &[]);
    assert!(detected.balances() && detected.out > EVENTS / 2, "{detected:?}");
    let count = ["query", "--full-scan", "--format", "csv", "SELECT count(*) FROM processed_data"];
    // The answer comes before what the log says.
    let stored = || beamline(&cluster, &count, &store).1.lines().nth(1).map(str::to_owned);
    let begun = Instant::now();
    while stored() != Some(detected.out.to_string()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?} of {} stored", stored(), detected.out);
        thread::sleep(Duration::from_millis(500));
    }
    for service in [&enricher, &detector, &writer] {
        service.signal("TERM").unwrap();
        service.wait(Duration::from_secs(30));
    }
    logs.extend([&generator, &enricher, &detector, &writer].map(Program::log));

    let wrong_password = with(user("beamline", "SCRAM-SHA-512"), "BEAMLINE_KAFKA_PASSWORD", WRONG.to_owned());
    let store_refused = [
        (with(store.clone(), "BEAMLINE_CQL_CA_FILE", text(cassandra.other_ca_file())), "check the certificates"),
        (with_password(&store, WRONG), "the login"),
    ];
    for (settings, reason) in store_refused {
        let (code, said) = beamline(&cluster, &["store", "check", "stream.yaml"], &settings);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(reason), "{reason}: {said}");
        logs.push(said);
    }
    let other_ca = with(certificate.clone(), "BEAMLINE_KAFKA_CA_FILE", text(kafka.other_ca_file()));
    let expired = with(certificate, "BEAMLINE_KAFKA_BOOTSTRAP", kafka.bootstrap_expired());
    let refused = [
        (wrong_password, "refuses the credentials"),
        (other_ca, "check the certificates"),
        (expired, "check the certificates"),
    ];
    for (settings, reason) in refused {
        let (code, said) = beamline(&cluster, &["topics", "check", "stream.yaml"], &settings);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(reason), "{reason}: {said}");
        logs.push(said);
    }
    // May read, and may not write in transactions.
    let reader = with(user("reader", "PLAIN"), "BEAMLINE_KAFKA_PASSWORD", kafka.password().to_owned());
    let enricher = start(&cluster, "enricher", &reader, &[]);
    let ended = enricher.wait(Duration::from_secs(60));
    assert_eq!(ended.and_then(|status| status.code()), Some(1), "{}", enricher.log());
    assert!(enricher.log().contains("an administrator has to grant it"), "{}", enricher.log());
    logs.push(enricher.log());
    for log in &logs {
        assert!(!log.contains(kafka.password()) && !log.contains(WRONG), "a password in: {log}");
    }
}

#[test]
fn a_right_that_is_taken_away_makes_a_worker_unready_until_it_is_back() {
    let cluster = Cluster::start_secured();
    let kafka = &cluster.kafka;
    let settings: Settings<'static> = vec![
        ("BEAMLINE_KAFKA_BOOTSTRAP", kafka.bootstrap_sasl()),
        ("BEAMLINE_KAFKA_CA_FILE", kafka.ca_file().display().to_string()),
        ("BEAMLINE_KAFKA_SECURITY", "sasl-tls".to_owned()),
        ("BEAMLINE_KAFKA_MECHANISM", "PLAIN".to_owned()),
        ("BEAMLINE_KAFKA_USERNAME", "beamline".to_owned()),
        ("BEAMLINE_KAFKA_PASSWORD", kafka.password().to_owned()),
    ];
    let (code, said) = beamline(&cluster, &["topics", "apply", "stream.yaml"], &settings);
    assert_eq!(code, Some(0), "{said}");
    let address = format!("127.0.0.1:{}", servers::free_port());
    let stream = cluster.path("stream.yaml").display().to_string();
    let mut environment = settings.clone();
    environment.push(("BEAMLINE_REGISTRY_URL", cluster.apicurio.url()));
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let program =
        Program::start(binary("enricher"), &["--stream", &stream, "--listen", &address], &environment).unwrap();
    let enricher = Service { program, address };
    enricher.wait_until_ready();
    let schema = raw::schema(&cluster);
    let send = |range: std::ops::Range<usize>| {
        let event = |number: usize| {
            (((number % 8) as u32), "D", Event::new(format!("event-{number}"), 2.0, "D0").framed(schema))
        };
        raw::send(&cluster, "particles", range.map(event));
    };
    send(0..100);
    wait_for(&cluster, &enricher, "its first events", |cluster, _| cluster.ledger(Step::Enrich).records == 100);

    kafka.forbid_reading("beamline", "particles", true).unwrap();
    send(100..200);
    wait_for(&cluster, &enricher, "not to be ready", |_, enricher| enricher.readiness().0 == 503);
    let (_, text) = enricher.readiness();
    assert!(text.contains("Kafka does not allow reading") && text.contains("(ACL)"), "{text}");
    let log = enricher.program.log();
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains("reading is not allowed")), "{log}");
    // It stays so for as long as the right is missing.
    for _ in 0..30 {
        assert_eq!(enricher.readiness().0, 503, "{}", enricher.program.log());
        thread::sleep(Duration::from_millis(500));
    }

    kafka.forbid_reading("beamline", "particles", false).unwrap();
    wait_for(&cluster, &enricher, "to go on", |cluster, enricher| {
        cluster.ledger(Step::Enrich).records == 200 && enricher.readiness().0 == 200
    });
    enricher.stop();
}

fn wait_for(cluster: &Cluster, service: &Service, what: &str, is: impl Fn(&Cluster, &Service) -> bool) {
    let begun = Instant::now();
    while !is(cluster, service) {
        let readiness = service.readiness();
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "waiting for it {what}: {readiness:?}\n{}",
            service.program.log()
        );
        thread::sleep(Duration::from_millis(200));
    }
}

/// The same login with another password.
fn with_password(store: &Settings<'static>, password: &str) -> Settings<'static> {
    let mut settings = store.clone();
    settings.retain(|(name, _)| *name != "BEAMLINE_CQL_PASSWORD_FILE");
    settings.push(("BEAMLINE_CQL_PASSWORD", password.to_owned()));
    settings
}

fn environment<'a>(cluster: &Cluster, settings: &Settings<'a>) -> Settings<'a> {
    let mut all = settings.clone();
    all.push(("BEAMLINE_REGISTRY_URL", cluster.apicurio.url()));
    // All that a log may say.
    all.push(("RUST_LOG", "debug".to_owned()));
    all
}

fn beamline(cluster: &Cluster, arguments: &[&str], settings: &Settings<'_>) -> (Option<i32>, String) {
    let output = Command::new(binary("beamline"))
        .args(arguments)
        .envs(environment(cluster, settings))
        .current_dir(cluster.folder.path())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn start(cluster: &Cluster, name: &str, settings: &Settings<'_>, more: &[&str]) -> Program {
    let stream = cluster.path("stream.yaml").display().to_string();
    let address = format!("127.0.0.1:{}", servers::free_port());
    let arguments = [&["--stream", &stream, "--listen", &address], more].concat();
    let environment = environment(cluster, settings);
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Program::start(binary(name), &arguments, &environment).unwrap()
}
