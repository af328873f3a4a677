//! What a page asks of a board: series, histograms, keys and the map, ready to be sent.

use serde::Serialize;
use stream::PageAxis;
use utoipa::ToSchema;

use crate::{BINS, Board, Bucket, Column, Histogram, LiveError, board::HOURS, column_of, map::SIDE};

/// Buckets of one column.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SeriesView {
    /// The key; null for all keys together.
    pub key: Option<String>,
    /// The column.
    pub column: String,
    /// The unit of its values.
    pub unit: Option<String>,
    /// Seconds of a bucket.
    pub step_s: u32,
    /// When the first bucket begins, in seconds since 1970.
    pub start_s: i64,
    /// Values in each bucket.
    pub count: Vec<u64>,
    /// The first value of each; null where there is none.
    pub first: Vec<Option<f64>>,
    /// The smallest.
    pub min: Vec<Option<f64>>,
    /// The largest.
    pub max: Vec<Option<f64>>,
    /// The last.
    pub last: Vec<Option<f64>>,
    /// The mean.
    pub mean: Vec<Option<f64>>,
}

/// Histograms of columns.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Histograms {
    /// One a column.
    pub histograms: Vec<HistogramView>,
}

/// A histogram of the present hour.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HistogramView {
    /// The column.
    pub column: String,
    /// The unit of its values.
    pub unit: Option<String>,
    /// When the hour began, in seconds since 1970.
    pub from_s: i64,
    /// Where the first bin begins.
    pub low: f64,
    /// The width of a bin.
    pub width: f64,
    /// Values in each of 128 bins.
    pub counts: Vec<u64>,
    /// Values that were null or not finite.
    pub missing: u64,
    /// All values that were counted.
    pub total: u64,
    /// The same hour of the day before, where it is known.
    pub ghost: Option<Ghost>,
}

/// The histogram of an earlier hour, with bins of its own.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Ghost {
    /// When the hour began, in seconds since 1970.
    pub from_s: i64,
    /// When it ended.
    pub to_s: i64,
    /// Where the first bin begins.
    pub low: f64,
    /// The width of a bin.
    pub width: f64,
    /// Values in each of 128 bins.
    pub counts: Vec<u64>,
    /// All values that were counted.
    pub total: u64,
}

/// The most frequent keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Keys {
    /// The keys, the most frequent first.
    pub keys: Vec<KeyView>,
    /// All others.
    pub others: Others,
    /// How many keys have series.
    pub limit: usize,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyView {
    /// The key.
    pub key: String,
    /// Its rows, or more.
    pub count: u64,
    /// By how much the count may be too high.
    pub error: u64,
    /// Its anomalies.
    pub anomalies: u64,
    /// When its last row came, in milliseconds since 1970.
    pub last_ms: i64,
    /// Whether it has series.
    pub series: bool,
}

/// The keys that are not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Others {
    /// Their rows, or fewer.
    pub count: u64,
}

/// A map of two columns.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MapView {
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// Cells of a side.
    pub size: usize,
    /// Rows by cell, row by row from below.
    pub counts: Vec<u64>,
    /// Anomalous rows by cell.
    pub anomalies: Vec<u64>,
    /// Rows that have no cell.
    pub outside: u64,
}

/// An axis of the map.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Axis {
    /// The column.
    pub column: String,
    /// The unit of its values.
    pub unit: Option<String>,
    /// Where it begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

impl Board {
    /// Buckets of `step` seconds of a column, of one key or of all, from the one with second `from` to the one with `to`.
    ///
    /// # Errors
    /// Where there are none of that column, key or width.
    pub fn series(
        &self,
        key: Option<&str>,
        name: &str,
        step: u32,
        from: i64,
        to: i64,
    ) -> Result<SeriesView, LiveError> {
        let missing = || LiveError::NoColumn { column: name.to_owned(), known: self.numbers.join(", ") };
        let index = self.numbers.iter().position(|number| number == name).ok_or_else(missing)?;
        let series = match key {
            None => self.all.get(index),
            Some(key) => {
                let no_key = || LiveError::NoKey { key: key.to_owned(), limit: self.keys_max };
                self.keys.get(key).ok_or_else(no_key)?.get(index)
            }
        };
        let ring = series.ok_or_else(missing)?.ring(step).ok_or(LiveError::NoStep { step })?;
        let (start_s, buckets) = ring.range(from, to);
        let pick = |of: fn(&Bucket) -> f64| buckets.iter().map(|b| (b.count > 0).then(|| of(b))).collect();
        Ok(SeriesView {
            key: key.map(str::to_owned),
            column: name.to_owned(),
            unit: self.column(name).and_then(|column| column.unit),
            step_s: step,
            start_s,
            count: buckets.iter().map(|bucket| bucket.count).collect(),
            first: pick(|bucket| bucket.first),
            min: pick(|bucket| bucket.min),
            max: pick(|bucket| bucket.max),
            last: pick(|bucket| bucket.last),
            mean: pick(|bucket| bucket.mean().unwrap_or_default()),
        })
    }

    /// The histogram of the present hour of one column, or of all.
    ///
    /// # Errors
    /// Where there is none of that column.
    pub fn histograms(&self, name: Option<&str>, now_s: i64) -> Result<Histograms, LiveError> {
        if let Some(name) = name.filter(|name| !self.numbers.iter().any(|number| number == name)) {
            return Err(LiveError::NoColumn { column: name.to_owned(), known: self.numbers.join(", ") });
        }
        let wanted = self.numbers.iter().enumerate().filter(|(_, number)| name.is_none_or(|name| name == *number));
        Ok(Histograms { histograms: wanted.map(|(index, number)| self.histogram(index, number, now_s)).collect() })
    }

    fn histogram(&self, index: usize, name: &str, now_s: i64) -> HistogramView {
        let hour = now_s.div_euclid(3600);
        let of = |hour: i64| self.histograms[index].iter().find(|(number, _)| *number == hour).map(|(_, found)| found);
        let empty = Histogram::default();
        let present = of(hour).unwrap_or(&empty);
        let before = hour - HOURS as i64 + 1;
        let ghost = of(before).map(|histogram| Ghost {
            from_s: before * 3600,
            to_s: (before + 1) * 3600,
            low: histogram.low(),
            width: histogram.width(),
            counts: histogram.counts().to_vec(),
            total: histogram.total(),
        });
        HistogramView {
            column: name.to_owned(),
            unit: self.column(name).and_then(|column| column.unit),
            from_s: hour * 3600,
            low: present.low(),
            width: present.width(),
            counts: if present.total() > 0 { present.counts().to_vec() } else { vec![0; BINS] },
            missing: present.missing(),
            total: present.total(),
            ghost,
        }
    }

    /// The most frequent keys.
    pub fn keys(&self) -> Keys {
        let keys: Vec<KeyView> = self
            .top
            .sorted()
            .into_iter()
            .map(|counter| KeyView {
                key: counter.key.to_string(),
                count: counter.count,
                error: counter.error,
                anomalies: counter.anomalies,
                last_ms: counter.last_ms,
                series: self.keys.contains_key(&*counter.key),
            })
            .collect();
        let listed: u64 = keys.iter().map(|key| key.count).sum();
        Keys { keys, others: Others { count: self.top.total().saturating_sub(listed) }, limit: self.keys_max }
    }

    /// The map, where the stream has one.
    pub fn map(&self) -> Option<MapView> {
        let map = self.map.as_ref()?;
        let (x, y) = map.axes();
        let axis = |axis: &PageAxis| Axis {
            column: axis.column.clone(),
            unit: self.column(&axis.column).and_then(|column| column.unit),
            low: axis.min,
            high: axis.max,
        };
        Some(MapView {
            x: axis(x),
            y: axis(y),
            size: SIDE,
            counts: map.counts().to_vec(),
            anomalies: map.anomalies().to_vec(),
            outside: map.outside(),
        })
    }

    fn column(&self, name: &str) -> Option<Column> {
        self.stream.scored.field_with_name(name).ok().map(|field| column_of(&self.stream, field))
    }
}
