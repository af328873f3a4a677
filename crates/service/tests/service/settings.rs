//! Flags before the environment before the file before defaults, and all mistakes at once.

use std::{ffi::OsString, fs, path::PathBuf};

use secrecy::ExposeSecret;
use service::{
    Failure,
    settings::{Asked, load},
};
use tempfile::TempDir;

use crate::dummy::Dummy;

const GOOD: [&str; 3] =
    ["--stream=streams/s.yaml", "--kafka-bootstrap=kafka:9092", "--registry-url=http://registry:8081"];

fn ask(flags: &[&str], environment: &[(&str, &str)]) -> Result<Asked<Dummy>, Failure> {
    let flags = flags.iter().map(OsString::from).collect();
    let lookup = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    load(flags, &lookup)
}

fn good(flags: &[&str], environment: &[(&str, &str)]) -> Dummy {
    match ask(&[&GOOD, flags].concat(), environment) {
        Ok(Asked::Run(settings)) => settings,
        other => panic!("{other:?}"),
    }
}

fn wrong(flags: &[&str], environment: &[(&str, &str)]) -> String {
    let failure = ask(flags, environment).unwrap_err();
    assert_eq!(failure.code(), 64);
    failure.to_string()
}

fn printed(flags: &[&str], environment: &[(&str, &str)]) -> String {
    match ask(flags, environment) {
        Ok(Asked::Print(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_flag_goes_before_the_environment_before_the_file_before_the_default() {
    let folder = TempDir::new().unwrap();
    let config = file(&folder, "c.yaml", "threads: 2\nfused: true\nlisten: 127.0.0.1:1\nkafka-property: {a.b: 1}\n");
    let config = format!("--config={}", config.display());
    let environment = [("BEAMLINE_THREADS", "3"), ("BEAMLINE_FUSED", "true"), ("BEAMLINE_SHUTDOWN_LIMIT", "")];
    let settings = good(&[&config, "--threads", "4"], &environment);
    assert_eq!(settings.threads, 4);
    assert_eq!(settings.common.process.listen, "127.0.0.1:1");
    assert_eq!(settings.common.process.shutdown_limit.as_secs(), 25, "an empty variable says nothing");
    assert_eq!(settings.common.connection().properties["a.b"], "1");
    assert!(settings.fused);
    assert_eq!(good(&[&config], &environment).threads, 3);
    assert_eq!(good(&[&config], &[]).threads, 2);
    assert_eq!(good(&[], &[]).threads, 1);
    assert!(!good(&[&config, "--fused=false"], &environment).fused);
    assert!(!good(&[&config], &[("BEAMLINE_FUSED", "0")]).fused);
}

#[test]
fn the_usual_variable_of_opentelemetry_is_heard_and_ours_goes_before_it() {
    let theirs = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    let endpoint = |environment: &[(&str, &str)]| good(&[], environment).common.process.otlp_endpoint;
    assert_eq!(endpoint(&[]), None);
    assert_eq!(endpoint(&[theirs]).as_deref(), Some("http://collector:4318"));
    assert_eq!(endpoint(&[theirs, ("BEAMLINE_OTLP_ENDPOINT", "http://o:1")]).as_deref(), Some("http://o:1"));
}

#[test]
fn all_mistakes_are_said_at_once() {
    let folder = TempDir::new().unwrap();
    let text = "\
# comment
kafka-securty: tls
threads: many
listen: [a, b]
print-config: true
kafka-password: hunter2
threads: 3
";
    let config = file(&folder, "c.yaml", text);
    let flags = [
        &format!("--config={}", config.display()),
        "--kafka-bootstap",
        "kafka:9092",
        "--commit",
        "--registry-password=hunter2",
        "hunter2",
        "--trace-ratio",
        "2",
        "--trace-ratio",
        "0.5",
        "--log-format=xml",
    ];
    let environment = [("BEAMLINE_SHUTDOWN_LIMIT", "soon"), ("BEAMLINE_FUSED", "perhaps")];
    let said = wrong(&flags, &environment).replace(&folder.path().display().to_string(), "");
    let expected = "\
there is no --kafka-bootstap; did you mean --kafka-bootstrap?
there is no --commit; --help lists what there is
--registry-password: a password does not belong here, where others can see it; name its file with registry-password-file, or set BEAMLINE_REGISTRY_PASSWORD
word 6 of the command line is not a flag; flags begin with --, --help lists them
--trace-ratio stands there twice
/c.yaml:2: there is no setting `kafka-securty`; did you mean `kafka-security`?
/c.yaml:4: `listen` takes one value, not several
/c.yaml:5: `print-config` belongs on the command line
/c.yaml:6: `kafka-password`: a password does not belong here, where others can see it; name its file with kafka-password-file, or set BEAMLINE_KAFKA_PASSWORD
/c.yaml:7: `threads` stands there a second time, the first is at /c.yaml:3
--stream is missing; give it as a flag, as BEAMLINE_STREAM or as `stream:` in the file
--kafka-bootstrap is missing; give it as a flag, as BEAMLINE_KAFKA_BOOTSTRAP or as `kafka-bootstrap:` in the file
--registry-url is missing; give it as a flag, as BEAMLINE_REGISTRY_URL or as `registry-url:` in the file
BEAMLINE_SHUTDOWN_LIMIT: `soon` does not fit: expected number at 0
--log-format: `xml` does not fit: it must be one of auto, text, json
/c.yaml:3: `threads` is `many`, which does not fit: invalid digit found in string
BEAMLINE_FUSED: `perhaps` does not fit: it must be true or false";
    assert_eq!(said, expected);
}

#[test]
fn what_fits_alone_is_checked_as_a_whole() {
    let flags = [
        "--stream=s.yaml",
        "--kafka-bootstrap=k:1",
        "--registry-url=http://ann:hunter2@registry",
        "--kafka-security=sasl-tls",
        "--kafka-cert-file=/nowhere/cert.pem",
        "--kafka-property=sasl.password=hunter2",
        "--otlp-endpoint=http://ann:hunter2@collector",
        "--trace-ratio=2",
        "--listen=nowhere",
    ];
    let said = wrong(&flags, &[]);
    for part in [
        "the URL of http://registry must hold no credentials",
        "sasl-tls needs --kafka-username",
        "sasl-tls needs --kafka-password-file, or BEAMLINE_KAFKA_PASSWORD",
        "--kafka-cert-file: cannot read /nowhere/cert.pem",
        "--kafka-cert-file and --kafka-key-file go together",
        "--kafka-property sasl.password: a secret does not belong there",
        "--otlp-endpoint must hold no credentials",
        "--trace-ratio: 2 is not between 0 and 1",
        "--listen: `nowhere` is not an address",
    ] {
        assert!(said.contains(part), "{part}\nis not in\n{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn files_that_are_no_settings_are_refused() {
    let folder = TempDir::new().unwrap();
    for (text, part) in [
        ("- a\n- b\n", "settings are written `name: value`"),
        ("just words\n", "settings are written `name: value`"),
        ("listen: {a: {b: c}}\n", "the value of `a` must be text"),
        ("listen: \"open\nthreads: 1\n", "this is not YAML"),
        ("[a]: 1\n", "the name of a setting must be plain text"),
    ] {
        let config = file(&folder, "c.yaml", text);
        let said = wrong(&[&GOOD[..], &[&format!("--config={}", config.display())]].concat(), &[]);
        assert!(said.contains(part), "{text}: {said}");
    }
    assert!(wrong(&[&GOOD[..], &["--config=/nowhere"]].concat(), &[]).contains("cannot read the settings in /nowhere"));
    for text in ["", "# nothing\n", "---\n", "threads: ~\n"] {
        let config = file(&folder, "c.yaml", text);
        assert_eq!(good(&[&format!("--config={}", config.display())], &[]).threads, 1, "{text:?}");
    }
}

#[test]
fn a_password_comes_from_a_file_or_the_environment() {
    let folder = TempDir::new().unwrap();
    let password = file(&folder, "password", "from the file\n");
    let flag = format!("--kafka-password-file={}", password.display());
    let sasl = ["--kafka-security=sasl-plaintext", "--kafka-username=ann"];
    let environment = [("BEAMLINE_KAFKA_PASSWORD", "from the environment")];
    let secret = |settings: Dummy| settings.common.connection().password.unwrap().expose_secret().to_owned();
    assert_eq!(secret(good(&[sasl[0], sasl[1], &flag], &environment)), "from the file");
    assert_eq!(secret(good(&sasl, &environment)), "from the environment");
    let named = [("BEAMLINE_KAFKA_PASSWORD_FILE", password.to_str().unwrap())];
    assert_eq!(secret(good(&sasl, &named)), "from the file");
    assert!(wrong(&[&GOOD[..], &sasl, &["--kafka-password-file=/nowhere"]].concat(), &[]).contains("/nowhere"));
}

#[test]
fn the_printed_settings_give_the_same_again_and_hide_secrets() {
    let folder = TempDir::new().unwrap();
    let flags = ["--print-config", "--kafka-security=sasl-tls", "--kafka-username=ann", "--kafka-property=a=b: c"];
    let environment = [("BEAMLINE_KAFKA_PASSWORD", "hunter2"), ("BEAMLINE_INSTANCE", "dummy-0")];
    let text = printed(&[&GOOD[..], &flags].concat(), &environment);
    assert!(!text.contains("hunter2"), "{text}");
    for line in [
        "kafka-security: sasl-tls  # --kafka-security",
        "shutdown-limit: 25s  # default",
        "instance: dummy-0  # BEAMLINE_INSTANCE",
        "kafka-property: [\"a=b: c\"]  # --kafka-property",
        "# kafka-ca-file: not set",
        "# kafka-password: set by BEAMLINE_KAFKA_PASSWORD, not shown",
        "# registry-password: not set",
    ] {
        assert!(text.lines().any(|printed| printed == line), "{line}\nis not in\n{text}");
    }
    let config = file(&folder, "c.yaml", &text);
    let again = printed(&["--print-config", &format!("--config={}", config.display())], &environment);
    let values =
        |text: &str| text.lines().map(|line| line.split("  # ").next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(values(&again), values(&text));
}

#[test]
fn help_says_what_there_is() {
    let text = printed(&["--help"], &[("BEAMLINE_KAFKA_USERNAME", "ann")]);
    for part in ["--kafka-bootstrap <HOSTS>", "[env: BEAMLINE_THREADS]", "BEAMLINE_KAFKA_PASSWORD", "--shutdown-limit"]
    {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
    assert!(printed(&["--version"], &[]).starts_with("dummy "));
}
