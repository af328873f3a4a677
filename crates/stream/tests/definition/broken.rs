//! Definitions that are wrong, each with everything that is said about it.
//!
//! The answers are kept in `snapshots/`; `INSTA_UPDATE=always` writes them anew.

use std::fmt::Write;

use stream::Stream;

use crate::fixture::{Files, GOOD, SCHEMA, errors, with};

/// Compares with the snapshot of this name.
fn check(name: &str, answers: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots" }, {
        insta::assert_snapshot!(name, answers);
    });
}

/// Each case with its answers.
fn table<S: AsRef<str>>(cases: impl IntoIterator<Item = (S, String)>) -> String {
    let mut table = String::new();
    for (name, errors) in cases {
        assert!(!errors.is_empty(), "nothing is said about {}", name.as_ref());
        writeln!(table, "{}\n  {}\n", name.as_ref(), errors.replace('\n', "\n  ")).unwrap();
    }
    table
}

/// The good definition with one part replaced: what the answers are.
fn replaced(cases: &[(&str, &str)]) -> String {
    table(cases.iter().map(|(from, to)| (format!("{from} -> {to}"), errors(&with(from, to)))))
}

#[test]
fn syntax() {
    let deep = format!("{}x{}", "[".repeat(200), "]".repeat(200));
    let bomb = (0..12).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        format!("{text}a{}: &a{} [*a{level}, *a{level}, *a{level}]\n", level + 1, level + 1)
    });
    let cases = [
        ("empty", String::new()),
        ("comments only", "# nothing\n\n".to_owned()),
        ("no mapping", "- a\n- b\n".to_owned()),
        ("a tab", GOOD.replace("  name: particle-events", "\tname: particle-events")),
        ("a tab deeper down", GOOD.replace("      profile: uniform", "    \tprofile: uniform")),
        ("an open bracket", GOOD.replace("columns: [mass_gev]", "columns: [mass_gev")),
        ("an open quote", GOOD.replace("\"energy_gev > 0\"", "\"energy_gev > 0")),
        ("a colon in plain text", GOOD.replace("id: event_id", "id: event: id")),
        ("wrong indentation", GOOD.replace("  id: event_id", " id: event_id")),
        ("two documents", format!("{GOOD}---\n{GOOD}")),
        ("a field twice", GOOD.replace("  partitions: 4\n", "  partitions: 4\n  id: event_id\n  partitions: five\n")),
        ("a list as a name", GOOD.replace("  partitions: 4\n", "  [a, b]: 4\n")),
        ("an alias of nothing", GOOD.replace("id: event_id", "id: *nothing")),
        ("an alias within itself", GOOD.replace("columns: [mass_gev]", "columns: &c [mass_gev, *c]")),
        ("deep nesting", format!("a: {deep}\n")),
        ("aliases that explode", bomb),
        ("too long", format!("{GOOD}{}", "# filling\n".repeat(30_000))),
    ];
    check("syntax", &table(cases.map(|(name, text)| (name, errors(&text)))));
}

#[test]
fn structure() {
    let answers = replaced(&[
        ("beamline.dev/v1", "beamline.dev/v2"),
        ("kind: Stream\n", ""),
        ("name: particle-events", "name: Particle Events"),
        ("{ team: \"calorimeter\" }", "{ team: 5 }"),
        ("  id: event_id", "  idd: event_id"),
        ("  id: event_id\n", ""),
        ("  partitions: 4", "  partitions: 0"),
        ("  partitions: 4", "  partitions: four"),
        ("  partitions: 4", "  partitions: \"4\""),
        ("  partitions: 4", "  partitions: 4.5"),
        ("  partitions: 4", "  partitions:"),
        ("  partitions: 4", "  partitions: 4\n  aggregates: []"),
        ("    synthetic:", "    synthetc:"),
        ("      profile: uniform", "      profile: unifrom"),
        ("      profile: uniform", "      profile: particles"),
        ("      profile: uniform", "      profile: 5"),
        ("rate: 1e3", "rate: -1"),
        ("rate: 1e3", "rate: .inf"),
        ("anomalies: 0.01", "anomalies: 1.5"),
        ("anomalies: 0.01", "anomalies: \"0.01\""),
        ("seed: 18446744073709551615", "seed: 18446744073709551616"),
        ("seed: 18446744073709551615", "seed: -1"),
        ("[0.1, 1000]", "[0.1]"),
        ("[0.1, 1000]", "[0.1, high]"),
        ("  quality:\n    - {", "  quality: {"),
        ("name: positive_energy, check", "name: positive energy, chek"),
        ("on: particle_type", "on: 5"),
        ("on: particle_type", "on: { particle_type: particle_type, detector_id: charge }"),
        ("columns: [mass_gev]", "columns: mass_gev"),
        ("log_pt: ln(pt)", "log_pt: ln(pt)\n      log-pt: ln(pt)"),
        ("log_pt: ln(pt)", "log_pt: ln(pt)\n      one: 1"),
        ("filter: \"energy_gev >= 0.5 AND mass_gev IS NOT NULL\"", "filter: true"),
        ("features: [log_pt, \"ln(energy_gev)\"]", "features: log_pt"),
        ("ewma: { alpha: 0.01 }", "ewma: { alpha: 5, beta: 1 }"),
        ("ewma: { alpha: 0.01 }", "ewma: on"),
        ("chains: false", "chain: false"),
        ("false_alarm_rate: 1e-3", "false_alarm_rate: 1e-3\n    treshold: 4"),
        ("format: parquet", "format: parqet"),
        ("partition_by: hour", "partition_by: month"),
        ("high_energy_events:", "\"../high\":"),
        ("statistics: 10s", "statistics: 10"),
        ("statistics: 10s", "statistics: often"),
        ("final_csv: true", "final_csv: yes"),
    ]);
    check("structure", &answers);
}

#[test]
fn sources() {
    let source = &GOOD[GOOD.find("    synthetic:\n").unwrap()..GOOD.find("  quality:\n").unwrap()];
    let cases = [
        "    {}\n",
        "    files: {}\n",
        "    files: { paths: [] }\n",
        "    files: { paths: a.csv, format: jsn, speed: 0 }\n",
        "    files: { paths: [a.csv], derive: { event_id: \"concat(x, \", energy: \"lnn(e)\", momentum_x: \"px * 2\" } }\n",
        "    http: { listen: 8080, body_bytes_max: 0 }\n",
        "    http: { listen: localhost }\n",
        "    http:\n",
        "    stdin: { format: parquet }\n",
        "    http: {}\n    stdin: {}\n",
        "    mqtt: {}\n",
        "    synthetic: { profile: sensors }\n",
        "    synthetic: { profile: physical, fields: { energy_gev: [0, 1] } }\n",
        "    synthetic: { profile: uniform, fields: { energy: [5, 1], energy_gev: [5, 1] }, start: yesterday }\n",
    ];
    check("sources", &table(cases.map(|case| (case.trim_end(), errors(&GOOD.replace(source, case))))));
}

#[test]
fn meaning() {
    let answers = replaced(&[
        ("schema: hit.avsc", "schema: hits.avsc"),
        ("id: event_id", "id: evnt_id"),
        ("key: detector_id", "key: energy_gev"),
        ("key: detector_id", "key: is_anomaly"),
        ("time: timestamp", "time: counts"),
        ("check: \"energy_gev > 0\"", "check: \"enrgy_gev > 0\""),
        ("check: \"energy_gev > 0\"", "check: \"pt > 0\""),
        ("check: \"energy_gev > 0\"", "check: energy_gev"),
        ("check: \"energy_gev > 0\"", "check: \"energy_gev >\""),
        (
            "check: \"energy_gev > 0\" }",
            "check: \"energy_gev > 0\" }\n    - { name: positive_energy, check: \"true\" }",
        ),
        ("table: particles.csv", "table: particle.csv"),
        ("table: particles.csv", "table: hit.avsc"),
        ("on: particle_type", "on: particle_typ"),
        ("on: particle_type", "on: { particle_type: particle }"),
        ("on: particle_type", "on: energy_gev"),
        ("columns: [mass_gev]", "columns: [mass_gev, mas_gev, counts, anomalous]"),
        ("log_pt: ln(pt)", "log_pt: ln(eta)\n      eta: \"pt + 1\""),
        ("log_pt: ln(pt)", "log_pt: log_pt + 1"),
        ("log_pt: ln(pt)", "log_pt: \"timestamp - timestamp\""),
        (
            "log_pt: ln(pt)",
            "energy_gev: ln(pt)\n      mass_gev: \"1.0\"\n      anomaly_score: \"2.0\"\n      log_pt: ln(pt)",
        ),
        ("log_pt: ln(pt)", "log_pt: sum(pt)"),
        ("log_pt: ln(pt)", "log_pt: random() * pt"),
        ("log_pt: ln(pt)", "log_pt: lnn(pt)"),
        ("sqrt(momentum_x", "sqrt(particle_type"),
        ("sqrt(momentum_x", "sqrt(momentum_w"),
        ("\"ln(energy_gev)\"", "particle_type"),
        ("\"ln(energy_gev)\"", "frequency(energy_gev)"),
        ("\"ln(energy_gev)\"", "frequency(particle_typ)"),
        ("\"ln(energy_gev)\"", "ln(frequency(particle_type))"),
        ("name: high_energy", "name: ewma"),
        ("when: \"energy_gev > 900\"", "when: \"anomaly_score > 1\""),
        ("OR anomalous", "OR score_chains > 1"),
        ("  enrich:", "  enrch:"),
        ("  detect:", "  detct:"),
        ("    columns:\n", "    colums:\n"),
        ("columns: [mass_gev]", "colums: [mass_gev]"),
    ]);
    check("meaning", &answers);
}

#[test]
fn page() {
    let section = |section: &str| errors(&with("  store:\n", &format!("  page:\n{section}  store:\n")));
    let axis = |x: &str| format!("    map: {{ x: {x}, y: {{ column: log_pt, min: -2, max: 6 }} }}\n");
    let cases = [
        "    columns: { pt: { unit: GeV }, momentum_w: { unit: GeV } }\n".to_owned(),
        "    columns: { pt: { unit: \"\" } }\n".to_owned(),
        "    columns: { pt: { units: GeV } }\n".to_owned(),
        "    columns: { pt: GeV }\n".to_owned(),
        "    map: [pt, log_pt]\n".to_owned(),
        "    map: { x: { column: pt, min: 0, max: 1 } }\n".to_owned(),
        axis("{ column: pT, min: 0, max: 100 }"),
        axis("{ column: particle_type, min: 0, max: 100 }"),
        axis("{ column: pt, min: 100, max: 100 }"),
        axis("{ column: pt, min: -1e308, max: 1e308 }"),
    ];
    check("page", &table(cases.map(|case| (case.trim().to_owned(), section(&case)))));
}

#[test]
fn schemas() {
    let cases = [
        ("no JSON", "record Hit".to_owned()),
        ("no record", "\"string\"".to_owned()),
        ("an unknown type", SCHEMA.replace("\"boolean\"", "\"bool\"")),
        ("a column of the detector's", SCHEMA.replace("counts", "anomalous")),
        (
            "a column that the profile cannot fill",
            SCHEMA.replace("[\"null\", \"long\"], \"default\": null", "\"long\""),
        ),
        (
            "a column of the profile of another type",
            SCHEMA.replace("\"momentum_x\", \"type\": \"double\"", "\"momentum_x\", \"type\": \"string\""),
        ),
    ];
    let load = |schema: String| {
        let mut files = Files::new();
        files.0.insert("hit.avsc", schema.into());
        Stream::load("stream.yaml", GOOD, &files).err().map(|errors| errors.to_string()).unwrap_or_default()
    };
    check("schemas", &table(cases.map(|(name, schema)| (name, load(schema)))));
}

/// Only where episodes are asked for the detector has a column of that name.
#[test]
fn a_column_called_episode_is_refused_where_there_are_episodes() {
    let text = with("log_pt: ln(pt)", "log_pt: ln(pt)\n      episode: pt");
    assert_eq!(errors(&text), "");
    let found = errors(&text.replace("    layers:\n", "    episode_after: 9\n    layers:\n"));
    assert!(found.contains("there is a column `episode` already, which the detector would add"), "{found}");
    assert_eq!(found.lines().count(), 1, "{found}");
}

/// Only where values in time are looked at the detector has columns of these names.
#[test]
fn a_column_called_expected_is_refused_where_values_are_expected() {
    let text = with("log_pt: ln(pt)", "log_pt: ln(pt)\n      expected_2: pt");
    assert_eq!(errors(&text), "");
    let found = errors(&text.replace("    layers:\n", "    layers:\n      season: true\n"));
    assert!(found.contains("there is a column `expected_2` already, which the detector would add"), "{found}");
    assert_eq!(found.lines().count(), 1, "{found}");
}

/// Keys share what they learn.
#[test]
fn keys_that_share_and_learn_nothing_are_refused() {
    let text = with("    layers:\n", "    share_every: 4096\n    layers:\n");
    assert_eq!(errors(&text), "");
    assert_eq!(errors(&text.replace("\"ln(energy_gev)\"", "frequency(particle_type)")), "");
    let found = errors(&with("    features: [log_pt, \"ln(energy_gev)\"]\n", "    share_every: 4096\n"));
    assert!(found.contains("there are no `features`"), "{found}");
    assert_eq!(found.lines().count(), 1, "{found}");
    let found = errors(&text.replace("4096", "3"));
    assert!(found.contains("share_every"), "{found}");
}

/// A key that is silent is told in a row of its own, which needs an id.
#[test]
fn what_silence_cannot_have_is_refused() {
    let on = |value: &str| with("    layers:\n", &format!("    layers:\n      silence: {value}\n"));
    for good in ["true", "false", "{ forget_after: 2h }"] {
        assert_eq!(errors(&on(good)), "", "{good}");
    }
    for (bad, reason) in [
        ("{ forget_after: 0s }", "`forget_after` must be longer than 0"),
        ("{ forget_after: 2y }", "`forget_after` must be no longer than a year"),
        ("{ forget: 2h }", "unknown field `forget`"),
    ] {
        let found = errors(&on(bad));
        assert!(found.contains(reason) && found.lines().count() == 1, "{bad}: {found}");
    }
    let found = errors(&on("true").replace("name: high_energy", "name: silence"));
    assert!(found.contains("a rule cannot be called `silence`"), "{found}");
    let by_type = on("true").replace("id: event_id", "id: particle_type");
    let schema = SCHEMA.replace(
        "\"name\": \"particle_type\", \"type\": \"string\"",
        "\"name\": \"particle_type\", \"type\": { \"type\": \"enum\", \"name\": \"Kind\", \"symbols\": [\"e\"] }",
    );
    assert_ne!(schema, SCHEMA);
    let mut files = Files::new();
    files.0.insert("hit.avsc", schema.into());
    let found = Stream::load("stream.yaml", &by_type, &files).unwrap_err().to_string();
    assert!(found.contains("which the enum of the column `particle_type` does not have"), "{found}");
}

/// Ten errors of every kind in one file: each is reported, none twice, and nothing that follows from them.
#[test]
fn ten_errors_at_once() {
    let changes = [
        ("  name: particle-events", "  name: Particles"),
        ("  id: event_id", "  id: evnt_id"),
        ("  partitions: 4", "  partitions: many"),
        ("      profile: uniform", "      profile: unifrm"),
        ("energy_gev > 0\"", "energy_gev > \""),
        ("columns: [mass_gev]", "columns: [mass]"),
        ("sqrt(momentum_x * momentum_x", "sqrt(momentum_w * momentum_x"),
        ("ln(energy_gev)", "ln(enrgy_gev)"),
        ("false_alarm_rate: 1e-3", "false_alarm_rat: 1e-3"),
        ("energy_gev > 500 OR anomalous", "energy_gev + 500"),
    ];
    let text = changes.iter().fold(GOOD.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let errors = errors(&text);
    assert_eq!(errors.lines().count(), changes.len(), "{errors}");
    check("ten_errors_at_once", &errors);
}

#[test]
fn numbers_and_addresses_are_taken_up_to_their_bounds() {
    let source = |source: &str| {
        let (begin, end) = (GOOD.find("  source:").unwrap(), GOOD.find("  quality:").unwrap());
        errors(&format!("{}  source: {source}\n{}", &GOOD[..begin], &GOOD[end..]))
    };
    for good in ["{ http: { listen: \"127.0.0.1:8080\" } }", "{ stdin: { format: csv, csv: { separator: \";\" } } }"] {
        assert_eq!(source(good), "", "{good}");
    }
    for (wrong, said) in [
        ("{ http: { listen: \":8080\" } }", "`listen` cannot be `:8080`"),
        ("{ http: { listen: \"host:port\" } }", "`listen` cannot be `host:port`"),
        ("{ http: { listen: host } }", "`listen` cannot be `host`"),
        ("{ stdin: { format: csv, csv: { separator: \"é\" } } }", "one character of ASCII"),
        ("{ stdin: { format: csv, csv: { separator: \",\", decimal_comma: true } } }", "numbers have commas"),
    ] {
        assert!(source(wrong).contains(said), "{wrong}: {}", source(wrong));
    }
    let ttl = |ttl: &str| errors(&with("ttl: 30d", &format!("ttl: {ttl}")));
    assert_eq!(ttl("7300d"), "");
    assert!(ttl("7301d").contains("`ttl` must be at most 7300 days"), "{}", ttl("7301d"));
    assert!(ttl("1500ms").contains("whole seconds"));
}
