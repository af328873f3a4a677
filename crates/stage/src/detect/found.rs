//! What was found in the rows of a batch, as the detector's columns.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayBuilder, ArrayRef, BooleanArray, BooleanBuilder, Float64Array, Float64Builder, ListArray,
        StringArray, StringBuilder, StructArray,
    },
    buffer::{NullBuffer, OffsetBuffer},
    datatypes::DataType,
    error::ArrowError,
};
use detect::Cause;
use stream::columns;

use super::{
    row_scores::RowScores,
    traced::Traced,
    words::{Feature, Told, sentence},
};

/// What was found in each row of a batch.
pub(super) struct Found<'a> {
    /// The key of each row.
    pub(super) keys: &'a StringArray,
    pub(super) scores: RowScores,
    /// The causes of the alarms, and for each row that has some, the row and where its causes begin; in the order of the rows.
    pub(super) causes: Vec<Cause>,
    pub(super) causes_of: Vec<(u32, u32)>,
    /// For each rule, its name, its SQL, and the rows that it is true for.
    pub(super) rules: Vec<(&'a str, &'a str, BooleanArray)>,
    /// The episode of each alarm, where there are episodes.
    pub(super) episodes: Option<Vec<Option<u64>>>,
    pub(super) features: &'a [Feature],
    /// The features that a value is expected of.
    pub(super) expecting: &'a [usize],
    /// The texts of each feature that is one.
    pub(super) texts: &'a [Option<StringArray>],
    /// The score of a rule's alarm, where no layer says more.
    pub(super) alarm_bits: f64,
    pub(super) traced: Traced<'a>,
}

/// The columns that are put together row by row.
struct Columns {
    anomalous: BooleanBuilder,
    score: Float64Builder,
    reasons: StringBuilder,
    state: StringBuilder,
    words: StringBuilder,
    causes: Causes,
}

/// The list of causes.
#[derive(Default)]
pub(super) struct Causes {
    ends: Vec<i32>,
    valid: Vec<bool>,
    layers: StringBuilder,
    features: StringBuilder,
    numbers: [Float64Builder; 6],
}

impl Found<'_> {
    /// The detector's columns, in the order of the stream's scored schema.
    pub(super) fn columns(self) -> Result<Vec<ArrayRef>, ArrowError> {
        let rows = self.scores.len();
        let mut columns = Columns {
            anomalous: BooleanBuilder::with_capacity(rows),
            score: Float64Builder::with_capacity(rows),
            reasons: StringBuilder::with_capacity(rows, rows / 8),
            state: StringBuilder::with_capacity(rows, rows * 8),
            words: StringBuilder::new(),
            causes: Causes::default(),
        };
        let mut causes = self.causes_of.iter().copied().peekable();
        for row in 0..rows {
            let begin = causes.next_if(|(of, _)| *of as usize == row).map(|(_, begin)| begin as usize);
            let mut end = || causes.peek().map_or(self.causes.len(), |(_, next)| *next as usize);
            let of_row = begin.map(|begin| &self.causes[begin..end()]).unwrap_or_default();
            self.add(row, of_row, &mut columns);
        }
        let anomalous = columns.anomalous.finish();
        let traces = self.traced.column(&anomalous)?;
        let mut finished: Vec<ArrayRef> = vec![Arc::new(anomalous), Arc::new(columns.score.finish())];
        let (scores, expected) = self.scores.into_columns();
        finished.extend(scores);
        finished.push(Arc::new(columns.reasons.finish()));
        finished.push(Arc::new(columns.state.finish()));
        finished.push(Arc::new(columns.words.finish()));
        finished.push(Arc::new(columns.causes.finish()?));
        finished.push(Arc::new(traces));
        if let Some(episodes) = &self.episodes {
            let names = episodes.iter().map(|episode| episode.map(|number| format!("{number:016x}")));
            finished.push(Arc::new(names.collect::<StringArray>()));
        }
        for (feature, expected) in self.expecting.iter().zip(expected) {
            // Some functions make a number of what is none.
            let told = |expected: f64| (!expected.is_nan()).then(|| self.features[*feature].told(expected));
            let told = expected.into_iter().map(|expected| told(expected).filter(|value| value.is_finite()));
            finished.push(Arc::new(told.collect::<Float64Array>()));
        }
        Ok(finished)
    }

    fn add(&self, row: usize, causes: &[Cause], columns: &mut Columns) {
        let rules: Vec<(&str, &str)> = self
            .rules
            .iter()
            .filter(|(.., matches)| matches.value(row))
            .map(|(name, when, _)| (*name, *when))
            .collect();
        let anomalous = !rules.is_empty() || self.scores.is_anomalous(row);
        columns.anomalous.append_value(anomalous);
        columns.state.append_value(self.scores.state(row).name());
        // `max` takes the other where the rarity is NaN.
        let rarity = self.scores.rarity(row);
        let score = if rules.is_empty() { rarity } else { rarity.max(self.alarm_bits) };
        columns.score.append_option((!score.is_nan()).then_some(score));
        if !anomalous {
            columns.reasons.append_null();
            columns.words.append_null();
            columns.causes.none();
            return;
        }
        let alarms = self.scores.alarmed(row).map(|layer| layer.name());
        let reasons: Vec<&str> = rules.iter().map(|(name, _)| *name).chain(alarms).collect();
        columns.reasons.append_value(reasons.join(","));
        let text = |feature: usize| {
            let texts = self.texts[feature].as_ref()?;
            texts.is_valid(row).then(|| texts.value(row))
        };
        let told: Vec<Told> =
            causes.iter().map(|cause| Told::of(self.features, cause, cause.feature.and_then(text))).collect();
        columns.words.append_value(sentence(self.keys.value(row), &rules, self.features, &told));
        columns.causes.some(&rules, self.features, &told);
    }
}

impl Causes {
    fn none(&mut self) {
        self.ends.push(self.layers.len() as i32);
        self.valid.push(false);
    }

    fn some(&mut self, rules: &[(&str, &str)], features: &[Feature], causes: &[Told]) {
        for (name, _) in rules {
            self.layers.append_value(name);
            self.features.append_null();
            self.numbers.iter_mut().for_each(Float64Builder::append_null);
        }
        for cause in causes {
            self.layers.append_value(cause.layer.name());
            self.features.append_value(cause.name(features));
            let (low, high) = cause.expected.unwrap_or((f64::NAN, f64::NAN));
            let values = [cause.score, cause.threshold, cause.value, low, high, cause.deviation];
            for (numbers, value) in self.numbers.iter_mut().zip(values) {
                numbers.append_option(value.is_finite().then_some(value));
            }
        }
        self.ends.push(self.layers.len() as i32);
        self.valid.push(true);
    }

    /// Causes of a layer that looks at no event: what each is about, and its numbers in the order of the columns.
    pub(super) fn of_layer(&mut self, layer: &str, causes: &[(&str, [f64; 6])]) {
        for (about, values) in causes {
            self.layers.append_value(layer);
            self.features.append_value(about);
            self.numbers.iter_mut().zip(values).for_each(|(numbers, value)| numbers.append_value(*value));
        }
        self.ends.push(self.layers.len() as i32);
        self.valid.push(true);
    }

    pub(super) fn finish(mut self) -> Result<ListArray, ArrowError> {
        let item = columns::cause();
        let DataType::Struct(fields) = item.data_type().clone() else {
            return Err(ArrowError::SchemaError("a cause is a struct".to_owned()));
        };
        let numbers = self.numbers.each_mut().map(|numbers| Arc::new(numbers.finish()) as ArrayRef);
        let [score, threshold, value, low, high, deviation] = numbers;
        let (layers, features) = (Arc::new(self.layers.finish()), Arc::new(self.features.finish()));
        let of_cause: Vec<ArrayRef> = vec![layers, score, threshold, features, value, low, high, deviation];
        let causes = StructArray::try_new(fields, of_cause, None)?;
        let offsets = OffsetBuffer::new(std::iter::once(0).chain(self.ends).collect());
        ListArray::try_new(item, offsets, Arc::new(causes), Some(NullBuffer::from(self.valid)))
    }
}
