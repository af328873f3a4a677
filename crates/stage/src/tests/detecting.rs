//! Rules and learned layers.

use super::*;
use crate::{Detect, StateSize};

fn detector(stream: &Arc<Stream>) -> Detect {
    Detect::new(stream.clone()).unwrap().unwrap()
}

/// The columns of the detector.
fn found(out: &Outputs) -> RecordBatch {
    let batch = batch(out);
    let first = batch.schema_ref().index_of("anomalous").unwrap();
    batch.project(&(first..batch.num_columns()).collect::<Vec<_>>()).unwrap()
}

#[test]
fn a_rule_alone_scores_as_an_alarm_of_the_asked_rate() {
    let stream = stream(
        "  detect: { rules: [{ name: high, when: \"value > 9\" }], false_alarm_rate: 0.0625, episode_after: 2 }",
    );
    let mut stage = detector(&stream);
    let out = taken(&mut stage, timed(&stream, "a", &[(0, 10.0), (1, 1.0)]));
    assert_eq!(numbers(&batch(&out), "anomaly_score"), [Some(4.0), None]);
    assert_eq!(texts(&batch(&out), "anomaly_reasons"), [Some("high".to_owned()), None]);
    assert_eq!(texts(&batch(&out), "anomaly_words"), [Some("high: value > 9".to_owned()), None]);
    assert_eq!(stage.state(), StateSize { keys: 1, ..StateSize::default() }, "an episode, and nothing learned");
    assert!(Detect::new(self::stream("")).unwrap().is_none(), "nothing is to be detected");
}

#[test]
fn rules_without_features_learn_nothing_whatever_layers_are_on() {
    let stream =
        stream("  detect: { rules: [{ name: high, when: \"value > 9\" }], layers: { rate: true, stuck: true } }");
    let mut stage = detector(&stream);
    let out = taken(&mut stage, timed(&stream, "a", &[(0, 10.0)]));
    assert_eq!((out.rows[0].len(), stage.state()), (1, StateSize::default()));
}

#[test]
fn features_without_a_layer_keep_no_state() {
    let stream = stream("  detect: { features: [value], layers: { ewma: false, mahalanobis: false, chains: false } }");
    let mut stage = detector(&stream);
    let out = taken(&mut stage, timed(&stream, "a", &[(0, 10.0), (1, 1.0)]));
    assert_eq!((out.rows[0].len(), stage.state(), stage.horizon()), (2, StateSize::default(), None));
}

#[test]
fn what_is_expected_of_each_number_is_a_column_in_the_units_of_the_words() {
    let stream =
        stream("  detect: { features: [value, \"frequency(sensor)\", \"sqrt(value)\"], layers: { season: true } }");
    let events: Vec<(i64, f64)> = (0..100).map(|n| (n * 600 * SECOND, 100.0 + (n % 3) as f64)).collect();
    let out = taken(&mut detector(&stream), timed(&stream, "a", &events));
    for name in ["expected", "expected_2"] {
        let expected = numbers(&batch(&out), name);
        assert_eq!(expected.iter().position(Option::is_some), Some(32), "{name}");
        assert!(
            expected[32..].iter().all(|value| value.is_some_and(|value| (99.0..103.0).contains(&value))),
            "{expected:?}"
        );
    }
    let without = self::stream("  detect: { features: [value], layers: { rate: true } }");
    assert!(
        taken(&mut detector(&without), timed(&without, "a", &events)).rows[0]
            .batch
            .column_by_name("expected")
            .is_none()
    );
}

/// The same values at other times: a layer that looks at times finds something else.
#[test]
fn rate_season_and_burst_each_look_at_times() {
    for layer in ["rate", "season", "burst"] {
        let stream = stream(&format!(
            "  detect: {{ features: [value], layers: {{ ewma: false, mahalanobis: false, chains: false, {layer}: true }}, warm_up: 16 }}"
        ));
        let of = |step: i64| {
            let events: Vec<(i64, f64)> = (0..3_000)
                .map(|n| {
                    let at = if n < 2_900 { n * 600 * SECOND } else { 2_900 * 600 * SECOND + (n - 2_900) * step };
                    (at, (n % 144) as f64 + (n % 7) as f64 / 10.0)
                })
                .collect();
            found(&taken(&mut detector(&stream), timed(&stream, "a", &events)))
        };
        let (steady, hurried) = (of(600 * SECOND), of(SECOND / 100));
        assert_ne!(steady, hurried, "{layer}");
        assert_eq!(steady, of(600 * SECOND), "{layer}");
    }
}

#[test]
fn a_burst_of_all_keys_is_an_alarm_with_its_causes() {
    let stream = stream(
        "  detect: { features: [value], layers: { ewma: false, mahalanobis: false, chains: false, burst: true }, warm_up: 16 }",
    );
    let mut events: Vec<(i64, f64)> = (0..1_000).map(|n| (n * SECOND, 1.0)).collect();
    events.extend((0..200).map(|n| (1_000 * SECOND + n, 1.0)));
    let out = taken(&mut detector(&stream), timed(&stream, "a", &events));
    let words: Vec<String> = texts(&batch(&out), "anomaly_words").into_iter().flatten().collect();
    assert!(
        !words.is_empty() && words.iter().all(|words| words.starts_with("events a second of all keys ")),
        "{words:?}"
    );
    let causes = batch(&out)["anomaly_causes"].as_list::<i32>().clone();
    let rows = (0..causes.len()).filter(|row| causes.is_valid(*row));
    assert!(rows.clone().count() == words.len() && rows.clone().all(|row| causes.value_length(row) == 1));
}

#[test]
fn keys_beyond_the_limit_pass_the_rules_only_and_are_counted() {
    let stream = stream(
        "  detect: { features: [value], layers: { mahalanobis: false, chains: false }, rules: [{ name: high, when: \"value > 9\" }] }",
    );
    let names: Vec<String> = (0..65_538).map(|key| key.to_string()).collect();
    let readings: Vec<Reading<'_>> = names.iter().map(|key| (Some(key.as_str()), Some("0"), Some(10.0))).collect();
    let mut stage = detector(&stream);
    let out = taken(&mut stage, rows(&stream, &readings));
    assert_eq!((out.unscored, stage.state().keys), (2, 65_536));
    let reasons = texts(&batch(&out), "anomaly_reasons");
    assert!(reasons.len() == 65_538 && reasons.iter().all(|reason| reason.as_deref() == Some("high")));
}

#[test]
fn a_budget_counts_the_bytes_of_keys_and_of_states() {
    let stream = stream("  detect: { features: [value], layers: { mahalanobis: false, chains: false } }");
    let mut stage = detector(&stream);
    let names = ["a-rather-long-name", "b-rather-long-name", "c-rather-long-name"];
    let readings = names.map(|key| (Some(key), Some("0"), Some(1.0)));
    taken(&mut stage, rows(&stream, &readings));
    let first = stage.snapshots(1).unwrap();
    let size = first[0].0.len() + first[0].1.len();
    assert_eq!(first.len(), 1);
    taken(&mut stage, rows(&stream, &readings[..1]));
    assert_eq!(stage.snapshots(size + 1).unwrap().len(), 2, "a second one begins within the budget");
    assert_eq!(stage.snapshots(size).unwrap().len(), 1);
    assert_eq!(stage.horizon(), None);
}

#[test]
fn a_row_whose_rule_or_feature_fails_is_a_dead_letter_and_the_others_are_scored() {
    let stream = stream(
        "  detect: { features: [\"10 / cast(value as bigint)\"], rules: [{ name: odd, when: \"10 / (cast(value as bigint) - 5) > 3\" }] }",
    );
    let out = taken(&mut detector(&stream), timed(&stream, "a", &[(0, 0.0), (1, 7.0), (2, 5.0), (3, 20.0)]));
    let found: Vec<_> = out
        .dead_letters
        .iter()
        .map(|dead_letter| (dead_letter.position, dead_letter.kind.name(), dead_letter.rule.as_str()))
        .collect();
    assert_eq!(found, [(10, "expression", "10 / cast(value as bigint)"), (30, "expression", "odd")]);
    assert_eq!(texts(&batch(&out), "anomaly_reasons"), [Some("odd".to_owned()), None]);
    let none = taken(&mut detector(&stream), timed(&stream, "a", &[(0, 0.0)]));
    assert_eq!((none.rows.len(), none.dead_letters.len()), (0, 1));
}

#[test]
fn a_feature_that_is_a_text_is_said_as_it_is() {
    let stream = stream(
        "  detect: { features: [\"frequency(sensor)\", \"hash(sensor)\", value], warm_up: 16, false_alarm_rate: 0.01 }",
    );
    let mut readings: Vec<Reading<'_>> =
        (0..2_000).map(|n| (Some("often"), Some("0"), Some(f64::from(n % 5)))).collect();
    readings.push((Some("seldom"), Some("0"), Some(1.0)));
    let mut given = rows(&stream, &readings);
    given.keys = StringArray::from(vec!["one key"; readings.len()]);
    let out = taken(&mut detector(&stream), given);
    let words = texts(&batch(&out), "anomaly_words").pop().unwrap().unwrap();
    assert!(words.starts_with("sensor seldom, ") && words.ends_with(" for one key"), "{words}");
    let values = numbers(&batch(&out), "anomaly_score");
    assert!(values.last().unwrap().unwrap() > 6.6, "{:?}", values.last());
}
