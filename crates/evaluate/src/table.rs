//! The figures as text for a terminal.

use std::fmt::Write;

use crate::{Delays, Evaluation};

/// The figures as lines of text, columns aligned.
#[must_use]
pub fn table(evaluation: &Evaluation) -> String {
    let Evaluation { events, anomalies, not_scored, asked_false_alarm_rate: asked, .. } = evaluation;
    let mut text = format!("{events} events, {anomalies} of them labelled; {not_scored} have no score\n");
    if let Some(asked) = asked {
        let realised = evaluation.judges.first().and_then(|judge| judge.false_alarm_rate);
        let _ = writeln!(
            text,
            "false alarms in 1,000 ordinary events: asked {}, realised {}",
            per_mille(Some(*asked)),
            per_mille(realised)
        );
    }
    let mut rows = vec![
        ["", "AUC", "AP", "precision", "recall", "false in 1,000", "runs found", "delay, events", "delay, s"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let simple = evaluation.simple.iter().map(|judge| (format!("beside: {}", judge.name), judge));
    for (name, judge) in evaluation.judges.iter().map(|judge| (judge.name.clone(), judge)).chain(simple) {
        let mut row = vec![name, figure(judge.auc), figure(judge.average_precision)];
        row.extend([figure(judge.precision), figure(judge.recall), per_mille(judge.false_alarm_rate)]);
        row.extend(delays(&judge.delays));
        rows.push(row);
    }
    lay_out(&rows, &mut text);
    if !evaluation.kinds.is_empty() {
        let judges = evaluation.judges.iter().map(|judge| format!("recall {}", judge.name));
        let head = ["kind", "events", "AUC"].map(str::to_owned).into_iter().chain(judges);
        let mut rows = vec![head.chain(["runs found", "delay, events", "delay, s"].map(str::to_owned)).collect()];
        for kind in &evaluation.kinds {
            let mut row = vec![kind.name.clone(), kind.events.to_string(), figure(kind.auc)];
            row.extend(kind.recall.iter().map(|(_, recall)| figure(*recall)));
            row.extend(delays(&kind.delays));
            rows.push(row);
        }
        text.push('\n');
        lay_out(&rows, &mut text);
    }
    if !evaluation.nab.is_empty() {
        let head = ["NAB", "score", "threshold", "windows found", "false alarms"].map(str::to_owned);
        let mut rows = vec![head.to_vec()];
        let simple = evaluation.simple_nab.iter().flat_map(|(name, scores)| {
            scores.iter().map(move |score| (format!("{}, beside: {name}", score.profile), score))
        });
        for (name, score) in evaluation.nab.iter().map(|score| (score.profile.to_owned(), score)).chain(simple) {
            let threshold = score.threshold.map_or_else(|| "never".to_owned(), |threshold| format!("{threshold:.3}"));
            let windows = format!("{} of {}", score.found, score.windows);
            rows.push(vec![name, format!("{:.1}", score.score), threshold, windows, score.false_alarms.to_string()]);
        }
        text.push('\n');
        lay_out(&rows, &mut text);
    }
    text
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

fn per_mille(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.2}", 1000.0 * value))
}

fn delays(delays: &Delays) -> [String; 3] {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    [format!("{} of {}", delays.found, delays.runs), number(delays.events), number(delays.seconds)]
}

/// The first column to the left, the others to the right.
fn lay_out(rows: &[Vec<String>], text: &mut String) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(line, "{cell:<width$}"),
                _ => write!(line, "  {cell:>width$}"),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evaluate, evaluation::tests::events, nab};

    #[test]
    fn the_table_has_every_part() {
        let mut evaluation = evaluate(&events(), Some(1e-3)).unwrap();
        let series = nab::Series { scores: vec![f64::NAN; 20], windows: vec![(10, 12)] };
        evaluation.nab = vec![nab::score(&[series], &nab::PROFILES[0])];
        evaluation.simple_nab = vec![("step".to_owned(), evaluation.nab.clone())];
        let expected = "\
13 events, 3 of them labelled; 1 have no score
false alarms in 1,000 ordinary events: asked 1.00, realised 100.00
                AUC     AP  precision  recall  false in 1,000  runs found  delay, events  delay, s
all           0.633  0.632      0.667   0.667          100.00      2 of 2            0.0       0.0
rule              -      -      1.000   0.333            0.00      1 of 2            0.0       0.0
beside: step  0.500  0.231          -   0.000            0.00      0 of 2              -         -

kind  events    AUC  recall all  recall rule  runs found  delay, events  delay, s
a          2  0.950       0.500        0.000      1 of 1            0.0       0.0
b          1  0.000       1.000        1.000      1 of 1            0.0       0.0

NAB                     score  threshold  windows found  false alarms
standard                  0.0      never         0 of 1             0
standard, beside: step    0.0      never         0 of 1             0
";
        assert_eq!(table(&evaluation), expected);
    }
}
