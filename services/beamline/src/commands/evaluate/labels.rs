//! Which events are anomalies, and of which kind: a column of theirs, or windows of time by series.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, StringArray},
    compute,
    datatypes::DataType,
};
use stream::Stream;

use super::read;
use crate::{Failure, cli::EvaluateArgs};

/// What a column says of an event that is ordinary.
const ORDINARY: [&str; 4] = ["", "none", "normal", "ordinary"];

/// Where the labels come from.
pub(super) enum Labels {
    /// A column that says whether, and one that says which kind.
    Columns { label: Option<String>, kind: Option<String> },
    /// Windows by series, in microseconds since 1970, both ends in it.
    Windows(BTreeMap<String, Vec<(i64, i64)>>),
}

impl Labels {
    pub(super) fn new(args: &EvaluateArgs, stream: &Stream) -> Result<Self, Failure> {
        if let Some(path) = &args.windows {
            let windows: BTreeMap<String, Vec<(String, String)>> = serde_json::from_slice(&read(path)?)
                .map_err(|error| Failure::configuration(format!("{}: {error}", path.display())))?;
            let parsed =
                windows.into_iter().map(|(name, windows)| Ok((series_name(&name).to_owned(), times(&windows)?)));
            return parsed.collect::<Result<_, Failure>>().map(Self::Windows);
        }
        let there = |name: &str| stream.scored.field_with_name(name).is_ok();
        let asked = [&args.label, &args.kind].into_iter().flatten();
        if let Some(name) = asked.clone().find(|name| !there(name)) {
            return Err(Failure::configuration(format!(
                "the stream has no column `{name}`, name one that has the labels"
            )));
        }
        let default = |name: &str| there(name).then(|| name.to_owned());
        let kind = args.kind.clone().or_else(|| default("anomaly_kind"));
        let label = args.label.clone().or_else(|| default("is_anomaly"));
        if label.is_none() && kind.is_none() {
            return Err(Failure::configuration("say which events are anomalies: --label COLUMN or --windows FILE"));
        }
        Ok(Self::Columns { label, kind })
    }

    pub(super) fn are_windows(&self) -> bool {
        matches!(self, Self::Windows(_))
    }

    /// The windows of the series that a key is.
    pub(super) fn windows_of(&self, key: &str) -> &[(i64, i64)] {
        match self {
            Self::Windows(windows) => windows.get(series_name(key)).map(Vec::as_slice).unwrap_or_default(),
            Self::Columns { .. } => &[],
        }
    }
}

/// Whether each event is an anomaly, by a column: true, not 0, or a text that does not say that it is ordinary.
pub(super) fn anomalous(values: &ArrayRef) -> Result<BooleanArray, Failure> {
    match values.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Ok(kinds(values)?.iter().map(|kind| Some(kind.is_some_and(|kind| !ORDINARY.contains(&kind)))).collect())
        }
        _ => {
            let truth = compute::cast(values, &DataType::Boolean).map_err(Failure::configuration)?;
            Ok(truth.as_boolean().iter().map(|label| Some(label == Some(true))).collect())
        }
    }
}

/// The kinds as text.
pub(super) fn kinds(values: &ArrayRef) -> Result<StringArray, Failure> {
    let text = compute::cast(values, &DataType::Utf8).map_err(Failure::configuration)?;
    Ok(text.as_string::<i32>().clone())
}

/// What a series is known by: the last part of a path, without its ending.
fn series_name(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.strip_suffix(".csv").unwrap_or(last)
}

fn times(windows: &[(String, String)]) -> Result<Vec<(i64, i64)>, Failure> {
    let parse = |texts: Vec<&str>| -> Result<Vec<i64>, Failure> {
        let texts: ArrayRef = std::sync::Arc::new(StringArray::from(texts));
        let times = stage::event_times(&texts).map_err(Failure::configuration)?;
        let valid = times.iter().collect::<Option<Vec<i64>>>();
        valid.ok_or_else(|| {
            Failure::configuration("a window has an end that is not a time, write it as 2014-04-10 07:15:00")
        })
    };
    let starts = parse(windows.iter().map(|(start, _)| start.as_str()).collect())?;
    let ends = parse(windows.iter().map(|(_, end)| end.as_str()).collect())?;
    Ok(starts.into_iter().zip(ends).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int64Array;

    use super::*;

    #[test]
    fn a_column_of_any_type_can_be_the_label() {
        let says = |values: ArrayRef| anomalous(&values).unwrap().iter().map(Option::unwrap).collect::<Vec<bool>>();
        assert_eq!(says(Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))), [true, false, false]);
        assert_eq!(says(Arc::new(Int64Array::from(vec![0, 1, -2]))), [false, true, true]);
        assert_eq!(says(Arc::new(StringArray::from(vec!["none", "stuck", ""]))), [false, true, false]);
    }

    #[test]
    fn a_series_is_found_by_the_last_part_of_its_name() {
        let windows = times(&[("2014-04-10 07:15:00.000000".into(), "2014-04-11 16:45:00".into())]).unwrap();
        assert_eq!(windows, [(1_397_114_100_000_000, 1_397_234_700_000_000)]);
        let labels = Labels::Windows([(series_name("real/a.csv").to_owned(), windows.clone())].into());
        assert_eq!(labels.windows_of("a"), windows);
        assert_eq!(labels.windows_of("other/a.csv"), windows);
        assert!(labels.windows_of("b").is_empty());
        assert!(times(&[("yesterday".into(), "today".into())]).is_err());
    }
}
