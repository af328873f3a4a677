//! What a detector says of itself, and what it promises at the edges of its settings.

#![allow(clippy::unwrap_used)]

use detect::{Chains, DetectError, Detector, Event, KeyState, Layer, RowState, Scores, Settings, hashed, hashed_unit};

fn value(event: usize) -> f64 {
    f64::from((event * 7919 % 101) as u32) / 101.0
}

#[test]
fn an_event_without_a_time_is_scored_alike() {
    let detector = Detector::new(Settings::all(2)).unwrap();
    let (mut one, mut other) = (detector.fresh(b"key"), detector.fresh(b"key"));
    for event in 0..600 {
        let x = [value(event), value(3 * event)];
        let scores = detector.score(&mut one, &x);
        let observed = detector.observe(&mut other, &Event { features: &x, time: None }, None);
        assert_eq!(format!("{scores:?}"), format!("{observed:?}"));
    }
    assert_eq!(detector.snapshot(&one), detector.snapshot(&other));
    assert!(detector.score(&mut one, &[0.5, 0.5]).score(Layer::Ewma).is_some());
}

/// A snapshot has 20 bytes beside the words of the state.
#[test]
fn the_memory_of_a_state_is_that_of_its_words() {
    for features in [1, 6, 16] {
        let detector = Detector::new(Settings::all(features)).unwrap();
        let snapshot = detector.snapshot(&detector.fresh(b"key")).len();
        assert_eq!(detector.state_bytes() - size_of::<KeyState>(), snapshot - 20);
    }
}

#[test]
fn a_text_is_a_whole_number_or_one_below_one() {
    for text in ["", "a", "b", "GET"] {
        let (number, unit) = (hashed(text), hashed_unit(text));
        assert!(number.fract() == 0.0 && (0.0..4_503_599_627_370_496.0).contains(&number));
        assert_eq!(unit * 4_503_599_627_370_496.0, number);
    }
    assert_ne!(hashed("a"), hashed("b"));
}

#[test]
fn layers_and_states_have_names() {
    let names = Layer::ALL.map(Layer::name);
    assert_eq!(names, ["ewma", "mahalanobis", "chains", "rate", "stuck", "missing", "season", "burst", "frequency"]);
    let states = [RowState::Scored, RowState::WarmingUp, RowState::NotScored].map(RowState::name);
    assert_eq!(states, ["scored", "warming_up", "not_scored"]);
}

#[test]
fn what_a_partition_finds_joins_what_its_keys_find() {
    let nothing = Scores::default();
    assert!(!nothing.anomalous() && nothing.score(Layer::Ewma).is_none() && !nothing.alarmed(Layer::Ewma));
    let of = |rarity: f64, rate: f64, alarms: u32| {
        let mut scores = Scores { rarity, alarms, ..Scores::default() };
        (scores.scores[Layer::Rate as usize], scores.bits[Layer::Rate as usize]) = (rate, rate + 1.0);
        scores
    };
    let joined = |mut key: Scores, partition: Scores| {
        key.join(&partition);
        (key.rarity, key.alarms, key.score(Layer::Burst))
    };
    let burst = 1 << Layer::Burst as u32;
    let rate = 1 << Layer::Rate as u32;
    // The chance that the odder of two is as odd as that.
    let at_least = |bits: f64| bits - (2.0 - (-bits).exp2()).log2();
    let close = |found: (f64, u32, Option<f64>), bits: f64, alarms: u32, score: f64| {
        assert!((found.0 - bits).abs() < 1e-12 && found.1 == alarms && found.2 == Some(score), "{found:?}");
    };
    close(joined(of(3.0, 0.0, 1), of(5.0, 7.0, 0)), at_least(5.0), 1, 7.0);
    close(joined(of(6.0, 0.0, 1), of(5.0, 7.0, rate)), at_least(6.0), 1 | burst, 7.0);
    close(joined(of(f64::NAN, 0.0, 0), of(5.0, 7.0, rate)), at_least(5.0), burst, 7.0);
    let warming = joined(of(f64::NAN, 0.0, 0), of(5.0, 7.0, 0));
    assert!(warming.0.is_nan() && warming.1 == 0);
    let unknown = joined(of(3.0, 0.0, 0), of(f64::NAN, 7.0, 0));
    assert_eq!(unknown, (3.0, 0, Some(7.0)));
}

#[test]
fn no_alarm_comes_before_the_warm_up_is_over() {
    let detector = Detector::new(Settings { warm_up: 64, ..Settings::all(1) }).unwrap();
    for wild in [64, 65] {
        let mut state = detector.fresh(b"key");
        for event in 1..wild {
            assert_eq!(detector.score(&mut state, &[value(event)]).state, RowState::WarmingUp);
        }
        let scores = detector.score(&mut state, &[1e9]);
        assert_eq!((scores.anomalous(), scores.state == RowState::Scored), (wild > 64, wild > 64), "{wild}");
    }
}

/// The chains are judged after twice the events that other layers are, even where their window is shorter.
#[test]
fn chains_are_judged_when_they_are_settled() {
    let chains = Some(Chains { window: 64, ..Chains::default() });
    let detector = Detector::new(Settings { chains, warm_up: 1_024, ..Settings::with_features(1) }).unwrap();
    let mut state = detector.fresh(b"key");
    let scores: Vec<Scores> = (0..600).map(|event| detector.score(&mut state, &[value(event)])).collect();
    let first = |layer: Layer| scores.iter().position(|scores| !scores.bits[layer as usize].is_nan());
    assert_eq!((first(Layer::Ewma), first(Layer::Chains)), (Some(256), Some(512)));
}

#[test]
fn a_rare_texts_cause_has_its_share() {
    let settings = Settings { frequencies: vec![0], ..Settings::with_features(1) };
    let detector = Detector::new(settings).unwrap();
    let mut state = detector.fresh(b"key");
    let mut take = |text: &str| {
        let mut causes = Vec::new();
        detector.observe(&mut state, &Event { features: &[hashed(text)], time: None }, Some(&mut causes));
        causes
    };
    for event in 0..8_000 {
        take(if event < 2 { "DELETE" } else { ["GET", "POST"][event % 2] });
    }
    let cause = take("DELETE").remove(0);
    assert_eq!(cause.seen.map(|seen| (seen.times, seen.of)), Some((2, 8_000)));
    assert_eq!(cause.value, 2.0 / 8_000.0);
}

#[test]
fn each_setting_has_its_range() {
    let check = |change: &dyn Fn(&mut Settings)| {
        let mut settings = Settings::all(2);
        change(&mut settings);
        match Detector::new(settings) {
            Ok(_) => "fine".to_owned(),
            Err(DetectError::Setting { name, .. }) => name.to_owned(),
            Err(other) => other.to_string(),
        }
    };
    assert_eq!(check(&|settings| settings.features = 0), "features");
    assert_eq!(check(&|settings| settings.features = 17), "features");
    assert_eq!(check(&|settings| settings.features = 3), "features", "the season takes two");
    assert_eq!(check(&|settings| (settings.features, settings.frequencies) = (3, vec![1])), "fine");
    assert_eq!(check(&|settings| settings.frequencies = vec![2]), "frequencies");
    assert_eq!(check(&|settings| settings.frequencies = vec![0, 1]), "fine");
    for (rate, found) in [(1e-8, "false_alarm_rate"), (1e-7, "fine"), (0.1, "fine"), (0.2, "false_alarm_rate")] {
        assert_eq!(check(&|settings| settings.false_alarm_rate = rate), found, "{rate}");
    }
    for (count, found) in [(15, "warm_up"), (16, "fine"), (1_000_000, "fine"), (1_000_001, "warm_up")] {
        assert_eq!(check(&|settings| settings.warm_up = count), found, "{count}");
    }
    for (count, found) in [(99, "adapt_after"), (100, "fine"), (10_000_000, "fine"), (10_000_001, "adapt_after")] {
        assert_eq!(check(&|settings| settings.adapt_after = count), found, "{count}");
    }
    for (alpha, fits) in [(1e-7, false), (1e-6, true), (0.5, true), (0.6, false)] {
        let named = |name: &str| if fits { "fine".to_owned() } else { name.to_owned() };
        assert_eq!(check(&|settings| settings.ewma.as_mut().unwrap().alpha = alpha), named("ewma.alpha"));
        assert_eq!(check(&|settings| settings.mahalanobis.as_mut().unwrap().alpha = alpha), named("mahalanobis.alpha"));
    }
    let chains = |change: &dyn Fn(&mut Chains)| check(&|settings| change(settings.chains.as_mut().unwrap()));
    assert_eq!(
        [0, 1, 64, 65].map(|count| chains(&|chains| chains.chains = count) == "fine"),
        [false, true, true, false]
    );
    assert_eq!(
        [0, 1, 16, 17].map(|count| chains(&|chains| chains.depth = count) == "fine"),
        [false, true, true, false]
    );
    assert_eq!(
        [15, 16, 4_096, 4_097].map(|count| chains(&|chains| chains.width = count) == "fine"),
        [false, true, true, false]
    );
    assert_eq!([63, 64, 1_000_000].map(|count| chains(&|chains| chains.window = count) == "fine"), [false, true, true]);
}

#[test]
fn the_layers_that_are_on_follow_from_the_settings() {
    let layers = |settings: Settings| {
        (settings.any_layer(), Detector::new(settings).map(|found| found.layers().len()).unwrap_or(0))
    };
    let all = Layer::COUNT;
    assert_eq!(layers(Settings { frequencies: vec![0], ..Settings::all(2) }), (true, all));
    assert_eq!(layers(Settings::all(2)), (true, all - 1), "no texts");
    assert_eq!(layers(Settings::all(3)), (true, all - 2), "nor the time of day");
    // Of texts alone no layer looks at numbers.
    assert_eq!(layers(Settings { frequencies: vec![0, 1], ..Settings::with_features(2) }), (true, 1));
    let off = Settings { ewma: None, mahalanobis: None, chains: None, ..Settings::with_features(2) };
    assert_eq!(layers(off), (false, 0));
    let rates =
        |settings: Settings| Detector::new(settings).unwrap().of_partition().map(|found| found.layers().to_vec());
    assert_eq!(rates(Settings::all(2)), Some(vec![Layer::Rate]));
    assert_eq!(rates(Settings::with_features(2)), None);
}
