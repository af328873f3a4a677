//! All figures of one detector on one set of labelled events.

use serde::Serialize;

use crate::{Alarms, Delays, EvaluateError, Events, Judge, Ranking, Run, nab::NabScore, runs::runs};

/// All figures.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Events, good or bad.
    pub events: usize,
    /// Anomalies among them.
    pub anomalies: usize,
    /// Events without a score: they rank below all others.
    pub not_scored: usize,
    /// The share of ordinary events that may alarm, as the definition asks.
    pub asked_false_alarm_rate: Option<f64>,
    /// By judge.
    pub judges: Vec<Measures>,
    /// Those of simple detectors on the same events.
    pub simple: Vec<Measures>,
    /// By kind of anomaly.
    pub kinds: Vec<KindMeasures>,
    /// The benchmark's score by profile, for series with windows.
    pub nab: Vec<NabScore>,
    /// The same of each simple detector.
    pub simple_nab: Vec<(String, Vec<NabScore>)>,
}

/// The figures of a judge.
#[derive(Debug, Clone, Serialize)]
pub struct Measures {
    /// The judge.
    pub name: String,
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Average precision.
    pub average_precision: Option<f64>,
    /// Counts of its alarms.
    pub alarms: Alarms,
    /// The share of alarms that are anomalies.
    pub precision: Option<f64>,
    /// The share of anomalies that alarm.
    pub recall: Option<f64>,
    /// The share of ordinary events that alarm.
    pub false_alarm_rate: Option<f64>,
    /// How soon what lasts is found.
    pub delays: Delays,
}

/// The figures of a kind of anomaly, each against all ordinary events.
#[derive(Debug, Clone, Serialize)]
pub struct KindMeasures {
    /// The kind.
    pub name: String,
    /// Its events.
    pub events: usize,
    /// Area under the ROC curve of the first judge.
    pub auc: Option<f64>,
    /// How soon the first judge finds it.
    pub delays: Delays,
    /// The share of its events that alarm, by judge.
    pub recall: Vec<(String, Option<f64>)>,
}

/// Measures every judge of `events`. The benchmark's score is left empty.
///
/// # Errors
/// Where a column has another length than the labels.
pub fn evaluate(events: &Events, asked_false_alarm_rate: Option<f64>) -> Result<Evaluation, EvaluateError> {
    check(events)?;
    let found = runs(events);
    let measures = |judges: &[Judge]| judges.iter().map(|judge| measure(events, judge, &found)).collect();
    let scores = events.judges.first().and_then(|judge| judge.scores.as_ref());
    let numbers = 1..=events.kind_names.len() as u16;
    let kinds = numbers.zip(&events.kind_names).map(|(kind, name)| of_kind(events, kind, name, &found));
    Ok(Evaluation {
        events: events.kinds.len(),
        anomalies: events.kinds.iter().filter(|kind| **kind > 0).count(),
        not_scored: scores.map_or(0, |scores| scores.iter().filter(|score| score.is_nan()).count()),
        asked_false_alarm_rate,
        kinds: kinds.filter(|kind| kind.events > 0).collect(),
        judges: measures(&events.judges),
        simple: measures(&events.simple),
        nab: Vec::new(),
        simple_nab: Vec::new(),
    })
}

fn check(events: &Events) -> Result<(), EvaluateError> {
    let expected = events.kinds.len();
    let mut lengths = vec![("keys", events.keys.len()), ("times", events.times.len())];
    for judge in events.judges.iter().chain(&events.simple) {
        lengths.push((judge.name.as_str(), judge.alarms.len()));
        lengths.extend(judge.scores.as_ref().map(|scores| (judge.name.as_str(), scores.len())));
    }
    match lengths.into_iter().find(|(_, found)| *found != expected) {
        Some((name, found)) => Err(EvaluateError::Length { name: name.to_owned(), found, expected }),
        None => Ok(()),
    }
}

fn measure(events: &Events, judge: &Judge, found: &(Vec<Run>, Vec<usize>)) -> Measures {
    let labels = || events.kinds.iter().map(|kind| *kind > 0);
    let ranking = judge.scores.as_ref().map(|scores| Ranking::new(scores.iter().copied().zip(labels())));
    let alarms = Alarms::of(judge.alarms.iter().copied().zip(labels()));
    Measures {
        name: judge.name.clone(),
        auc: ranking.as_ref().and_then(Ranking::auc),
        average_precision: ranking.as_ref().and_then(Ranking::average_precision),
        precision: alarms.precision(),
        recall: alarms.recall(),
        false_alarm_rate: alarms.false_alarm_rate(),
        alarms,
        delays: Delays::of(found, &events.times, &judge.alarms, |_| true),
    }
}

fn of_kind(events: &Events, kind: u16, name: &str, found: &(Vec<Run>, Vec<usize>)) -> KindMeasures {
    let recall = |judge: &Judge| {
        let of_kind = judge.alarms.iter().zip(&events.kinds).filter(|(_, other)| **other == kind);
        (judge.name.clone(), Alarms::of(of_kind.map(|(alarm, _)| (*alarm, true))).recall())
    };
    let first = events.judges.first();
    let scores = first.and_then(|judge| judge.scores.as_ref());
    let auc = scores.and_then(|scores| {
        let against = scores.iter().zip(&events.kinds).filter(|(_, other)| **other == 0 || **other == kind);
        Ranking::new(against.map(|(score, other)| (*score, *other == kind))).auc()
    });
    let alarms = first.map(|judge| judge.alarms.as_slice()).unwrap_or_default();
    KindMeasures {
        name: name.to_owned(),
        events: events.kinds.iter().filter(|other| **other == kind).count(),
        auc,
        delays: Delays::of(found, &events.times, alarms, |run| run.kind == kind && !alarms.is_empty()),
        recall: events.judges.iter().map(recall).collect(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Ten ordinary events, two anomalies of kind a, one of kind b, of which the score finds a and the rule b.
    pub(crate) fn events() -> Events {
        let mut kinds = vec![0; 10];
        kinds.extend([1, 1, 2]);
        let mut scores: Vec<f64> = (0..10).map(f64::from).collect();
        scores.extend([20.0, 8.5, f64::NAN]);
        let alarms = |wanted: &[usize]| (0..13).map(|row| wanted.contains(&row)).collect::<Vec<bool>>();
        Events {
            keys: vec![0; 13],
            kinds,
            times: (0..13).map(|second| second * 1_000_000).collect(),
            kind_names: vec!["a".into(), "b".into(), "never".into()],
            judges: vec![
                Judge { name: "all".into(), scores: Some(scores), alarms: alarms(&[9, 10, 12]) },
                Judge { name: "rule".into(), scores: None, alarms: alarms(&[12]) },
            ],
            simple: vec![Judge { name: "step".into(), scores: Some(vec![0.0; 13]), alarms: alarms(&[]) }],
        }
    }

    #[test]
    fn each_judge_and_each_kind_has_its_figures() {
        let found = evaluate(&events(), Some(1e-3)).unwrap();
        assert_eq!((found.events, found.anomalies, found.not_scored), (13, 3, 1));
        // Of 30 pairs the first anomaly wins 10, the second 9, the one without a score none.
        assert!((found.judges[0].auc.unwrap() - 19.0 / 30.0).abs() < 1e-12);
        assert_eq!((found.judges[0].precision, found.judges[0].recall), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(found.judges[0].false_alarm_rate, Some(0.1));
        assert_eq!((found.judges[1].auc, found.judges[1].recall), (None, Some(1.0 / 3.0)));
        assert_eq!((found.simple[0].auc, found.simple[0].recall), (Some(0.5), Some(0.0)));
        let names: Vec<&str> = found.kinds.iter().map(|kind| kind.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!((found.kinds[0].auc, found.kinds[1].auc), (Some(0.95), Some(0.0)));
        assert_eq!(found.kinds[0].recall, [("all".to_owned(), Some(0.5)), ("rule".to_owned(), Some(0.0))]);
        assert_eq!((found.kinds[0].delays.runs, found.kinds[0].delays.events), (1, Some(0.0)));
    }

    #[test]
    fn columns_of_another_length_are_refused() {
        let mut short = events();
        short.judges[1].alarms.pop();
        let error = evaluate(&short, None).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "rule has 12 values for 13 events: give one for each");
    }
}
