//! What changes a fingerprint, and what does not.

use stream::Stream;

use crate::fixture::{Files, GOOD, PARTICLES, SCHEMA, load, with};

fn fingerprint(text: &str) -> String {
    load(text).unwrap_or_else(|errors| panic!("{errors}")).fingerprints.definition
}

#[test]
fn it_stays_where_no_result_can_change() {
    let original = fingerprint(GOOD);
    assert_eq!(original.len(), 32);
    let source = GOOD.find("  source:\n").unwrap()..GOOD.find("  quality:\n").unwrap();
    let same = [
        ("the source", GOOD.replace(&GOOD[source], "")),
        ("the store", GOOD[..GOOD.find("  store:\n").unwrap()].to_owned()),
        ("a label", with("calorimeter", "tracker")),
        (
            "the order of fields",
            with("name: high_energy, when: \"energy_gev > 900\"", "when: \"energy_gev > 900\", name: high_energy"),
        ),
        ("the spelling of a number", with("false_alarm_rate: 1e-3", "false_alarm_rate: 0.001")),
        ("a default written out", with("layers:\n", "warm_up: 256\n    layers:\n")),
        ("another default written out", with("layers:\n", "adapt_after: 10000\n    layers:\n")),
        ("a layer's default written out", with("chains: false", "chains: false\n      mahalanobis: { alpha: 0.001 }")),
        ("a layer that is off", with("chains: false", "chains: false\n      rate: false")),
        ("another that is off", with("chains: false", "chains: false\n      silence: false")),
        ("what the page is told", with("  store:\n", "  page: { columns: { pt: { unit: GeV } } }\n  store:\n")),
        ("a comment", format!("# A comment.\n{GOOD}")),
    ];
    for (what, text) in same {
        assert_eq!(fingerprint(&text), original, "{what}");
    }
}

#[test]
fn it_changes_with_everything_that_can_change_a_result() {
    let mut seen = vec![fingerprint(GOOD)];
    let changes = [
        ("ln(pt)", "ln(pt + 1)"),
        ("energy_gev > 0\"", "energy_gev > 1\""),
        ("energy_gev >= 0.5", "energy_gev >= 0.6"),
        ("energy_gev > 900", "energy_gev > 901"),
        ("alpha: 0.01", "alpha: 0.02"),
        ("chains: false", "chains: true"),
        ("chains: false", "chains: false\n      rate: true"),
        ("chains: false", "chains: false\n      burst: true"),
        ("chains: false", "chains: false\n      silence: true"),
        ("chains: false", "chains: false\n      silence: { forget_after: 2h }"),
        ("key: detector_id", "key: particle_type"),
        ("columns: [mass_gev]", "columns: [mass_gev, charge]"),
        ("false_alarm_rate: 1e-3", "false_alarm_rate: 2e-3"),
        ("false_alarm_rate: 1e-3", "false_alarm_rate: 1e-3\n    adapt_after: 500"),
        ("false_alarm_rate: 1e-3", "false_alarm_rate: 1e-3\n    episode_after: 100"),
        ("\"ln(energy_gev)\"", "frequency(particle_type)"),
    ];
    for (from, to) in changes {
        let changed = fingerprint(&with(from, to));
        assert!(!seen.contains(&changed), "{from} -> {to}");
        seen.push(changed);
    }
    for (name, bytes) in
        [("particles.csv", PARTICLES.replace("0.10566", "0.10567")), ("hit.avsc", SCHEMA.replace("counts", "hits"))]
    {
        let mut files = Files::new();
        files.0.insert(name, bytes.into());
        let changed = Stream::load("stream.yaml", GOOD, &files).unwrap().fingerprints.definition;
        assert!(!seen.contains(&changed), "{name}");
        seen.push(changed);
    }
}

#[test]
fn it_ignores_where_files_are_and_how_a_schema_is_laid_out() {
    let mut files = Files::new();
    files.0.insert("elsewhere/hit.avsc", SCHEMA.replace("\n", " ").into());
    files.0.insert("elsewhere/particles.csv", PARTICLES.into());
    let text = GOOD.replace("hit.avsc", "elsewhere/hit.avsc").replace("particles.csv", "elsewhere/particles.csv");
    assert_eq!(Stream::load("stream.yaml", &text, &files).unwrap().fingerprints.definition, fingerprint(GOOD));
}

#[test]
fn state_is_gone_on_from_unless_what_it_follows_from_changes() {
    let windowed = with(
        "  store:\n",
        "  aggregate:\n    - { name: rates, window: 1m, group_by: [detector_id], select: { n: count(*), m: avg(log_pt) } }\n  store:\n",
    );
    let of = |text: &str| load(text).unwrap_or_else(|errors| panic!("{errors}")).fingerprints;
    let before = of(&windowed);
    // What changes; whether the detector's state is the same, and whether the windows' is.
    let changes = [
        ("      log_pt: ln(pt)\n", "      log_pt: ln(pt)\n      more: pt + 1\n", true, true),
        ("energy_gev >= 0.5", "energy_gev >= 0.6", true, true),
        ("energy_gev > 0\"", "energy_gev > 1\"", true, true),
        ("energy_gev > 900", "energy_gev > 901", true, true),
        ("false_alarm_rate: 1e-3", "false_alarm_rate: 1e-3\n    episode_after: 100", true, true),
        ("columns: [mass_gev]", "columns: [mass_gev, charge]", true, true),
        ("alpha: 0.01", "alpha: 0.02", false, true),
        ("\"ln(energy_gev)\"", "\"ln(energy_gev + 1)\"", false, true),
        ("false_alarm_rate: 1e-3", "false_alarm_rate: 2e-3", false, true),
        ("momentum_y * momentum_y)", "momentum_y * momentum_y + 1)", false, false),
        ("key: detector_id", "key: particle_type", false, false),
        ("window: 1m", "window: 2m", true, false),
        ("m: avg(log_pt)", "m: avg(log_pt + mass_gev)", true, false),
        ("m: avg(log_pt)", "m: max(anomaly_score)", true, false),
    ];
    for (from, to, detector, windows) in changes {
        assert!(windowed.contains(from), "{from}");
        let after = of(&windowed.replacen(from, to, 1));
        assert_ne!(after.definition, before.definition, "{from} -> {to}");
        assert_eq!(after.detector == before.detector, detector, "detector: {from} -> {to}");
        assert_eq!(after.windows == before.windows, windows, "windows: {from} -> {to}");
    }
    // What keys share is part of what is learned.
    let sharing = windowed.replace("\"ln(energy_gev)\"", "frequency(particle_type)");
    let every = |events: u32| sharing.replace("    layers:\n", &format!("    share_every: {events}\n    layers:\n"));
    assert_ne!(of(&sharing).detector, of(&every(4096)).detector);
    assert_ne!(of(&every(4096)).detector, of(&every(8192)).detector);
    // What is over the detector's columns follows from the detector.
    let scores = windowed.replace("m: avg(log_pt)", "m: max(anomaly_score)");
    assert_ne!(of(&scores).windows, of(&scores.replace("energy_gev > 900", "energy_gev > 901")).windows);
}

/// Golden: state is kept from one version of Beamline to the next only while these stay. A change of the second one empties
/// what every detector has learned, and goes with another `SCORES_VERSION`; one of the third all windows.
#[test]
fn a_definition_has_the_fingerprints_that_it_had() {
    let windowed = with(
        "  store:\n",
        "  aggregate:\n    - { name: rates, window: 1m, group_by: [detector_id], select: { n: count(*) } }\n  store:\n",
    );
    let found = load(&windowed).unwrap_or_else(|errors| panic!("{errors}")).fingerprints;
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots" }, {
        insta::assert_debug_snapshot!("fingerprints", found);
    });
}
