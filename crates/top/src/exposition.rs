//! Prometheus' text format, version 0.0.4: as much of it as services of Beamline write.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use crate::error::TopError;

/// Metrics of one answer.
const SAMPLES_MAX: usize = 50_000;
/// Characters of a line that a message shows.
const SHOWN: usize = 60;

/// A value and what it is of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Sample {
    /// The value of a label; empty where there is none.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value)
    }
}

/// The samples of a text, in their order.
///
/// # Errors
/// The first line that is neither a sample nor a comment, and more than [`SAMPLES_MAX`] samples.
pub(crate) fn parse(text: &str) -> Result<Vec<Sample>, TopError> {
    let mut samples = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let shown = || line.chars().take(SHOWN).collect();
        samples.push(sample(line).ok_or_else(|| TopError::Exposition { line: index + 1, text: shown() })?);
        if samples.len() > SAMPLES_MAX {
            return Err(TopError::TooMany(SAMPLES_MAX));
        }
    }
    Ok(samples)
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, mut rest) = line.split_at(end);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner.trim_start();
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once('=')?;
            let (value, after) = quoted(after.trim_start())?;
            labels.push((label.trim().to_owned(), value));
            rest = after.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        rest = &rest[1..];
    }
    // A time may stand behind the value.
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// A quoted text with `\\`, `\"` and `\n`, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.strip_prefix('"')?.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[index + 2..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn samples_have_names_labels_and_values() {
        let text = "# HELP a what\n# TYPE a counter\na 3\n\nb{x=\"1\",y=\"a \\\"b\\\\\\n}\",} +Inf 17\n";
        let samples = parse(text).unwrap();
        assert_eq!(samples[0], Sample { name: "a".into(), labels: vec![], value: 3.0 });
        assert_eq!(samples[1].label("y"), "a \"b\\\n}");
        assert_eq!((samples[1].label("x"), samples[1].label("z"), samples[1].value), ("1", "", f64::INFINITY));
    }

    #[test]
    fn what_is_no_metric_is_shown_with_its_line() {
        for wrong in ["<html>", "a", "a{x} 1", "a{x=\"1\" 1", "a b", "a{x=\"1"] {
            let error = parse(&format!("ok 1\n{wrong}\n")).unwrap_err().to_string();
            assert_eq!(error, format!("line 2 is not a metric: {wrong}"));
        }
        let many = "a 1\n".repeat(SAMPLES_MAX + 1);
        assert!(matches!(parse(&many), Err(TopError::TooMany(SAMPLES_MAX))));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*(\n\\PC*){0,3}") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_written_is_read(value in "\\PC{0,20}", number in any::<f64>().prop_filter("a number", |n| !n.is_nan())) {
            let written = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let samples = parse(&format!("m{{l=\"{written}\"}} {number}")).unwrap();
            prop_assert_eq!(samples[0].label("l"), value.as_str());
            prop_assert_eq!(samples[0].value, number);
        }
    }
}
