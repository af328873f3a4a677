//! Everything that is shown of one stream, kept up to date batch by batch.

use std::{collections::BTreeMap, mem::size_of, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, StringArray, UInt64Array},
    compute,
    datatypes::{DataType, Float64Type},
};
use hashbrown::HashMap;
use stage::{HotKeys, Rows, Traces};
use stream::{Stream, columns};

use crate::{
    Anomaly, Bucket, Facts, Histogram, Latencies, Map, Recent, Series, TopKeys, anomalous_rows, describe,
    recent::{ANOMALIES_BYTES_MAX, ANOMALIES_MAX},
    top::{self, shortened},
};

/// Bytes of all keys' series at most.
const KEYED_BYTES_MAX: usize = 128 << 20;
/// How many keys have series at most; fewer where [`KEYED_BYTES_MAX`] says so.
const KEYS_MAX: usize = 256;
/// Columns of a key that have series: the first numeric ones.
const KEYED_COLUMNS_MAX: usize = 8;
/// Partitions of a stream at most.
const PARTITIONS_MAX: usize = 1024;
/// Hours of histograms: the present one, and back to the same hour of the day before.
pub(crate) const HOURS: usize = 25;

/// Everything that is shown of one stream.
#[derive(Debug)]
pub struct Board {
    pub(crate) stream: Arc<Stream>,
    pub(crate) numbers: Vec<String>,
    pub(crate) all: Vec<Series>,
    pub(crate) keys: HashMap<String, Vec<Series>>,
    pub(crate) keys_max: usize,
    /// By column and hour; the hour since 1970 beside it.
    pub(crate) histograms: Vec<Vec<(i64, Histogram)>>,
    pub(crate) top: TopKeys,
    /// By partition, which of its keys has more than its part.
    pub(crate) hot_keys: BTreeMap<u32, HotKeys>,
    pub(crate) map: Option<Map>,
    pub(crate) latencies: Latencies,
    /// Records and anomalies by time, exact: sums of what the counts grew by.
    pub(crate) records: Series,
    pub(crate) alarms: Series,
    pub(crate) recent: Recent,
    pub(crate) facts: Facts,
    pub(crate) drawn: u64,
    /// The version that what comes now will be part of.
    open: u64,
}

impl Board {
    /// Bytes that a board takes at most.
    pub const BYTES_MAX: usize = KEYED_BYTES_MAX
        + (describe::NUMBERS_MAX + 2) * Series::BYTES_MAX
        + describe::NUMBERS_MAX * 2 * HOURS * size_of::<(i64, Histogram)>()
        + top::KEYS_MAX * 4 * top::KEY_BYTES_MAX
        + KEYS_MAX * 2 * top::KEY_BYTES_MAX
        + PARTITIONS_MAX * HotKeys::BYTES_MAX
        + ANOMALIES_BYTES_MAX
        + (1 << 20);

    /// An empty board of a stream.
    pub fn new(stream: Arc<Stream>) -> Self {
        let numbers = describe::numbers(&stream);
        let keyed = numbers.len().clamp(1, KEYED_COLUMNS_MAX);
        Self {
            all: vec![Series::default(); numbers.len()],
            keys: HashMap::new(),
            keys_max: KEYS_MAX.min(KEYED_BYTES_MAX / (keyed * Series::BYTES_MAX)),
            histograms: vec![Vec::new(); numbers.len()],
            top: TopKeys::default(),
            hot_keys: BTreeMap::new(),
            map: describe::map(&stream).map(Map::new),
            latencies: Latencies::default(),
            records: Series::default(),
            alarms: Series::default(),
            recent: Recent::default(),
            facts: Facts::default(),
            drawn: 0,
            open: 1,
            numbers,
            stream,
        }
    }

    /// Takes how long `rows` rows took from being read to being scored, in microseconds.
    pub fn take_latency(&mut self, micros: u64, rows: u64, now_ms: i64) {
        self.latencies.add(now_ms, micros, rows);
    }

    /// Takes scored rows and the anomalies among them. Many batches of a few rows are put together first (`together`): a batch costs more than a row.
    pub fn take(&mut self, rows: &Rows, now_ms: i64) {
        self.take_values(rows, now_ms);
        self.take_anomalies(rows, now_ms, false);
    }

    /// Takes scored rows, and leaves their anomalies to whoever has all of them ([`Board::take_committed`]).
    pub fn take_values(&mut self, rows: &Rows, now_ms: i64) {
        if rows.is_empty() {
            return;
        }
        let second = now_ms.div_euclid(1000);
        let count = rows.len() as u64;
        self.drawn += count;
        let anomalous = rows.batch.column_by_name(columns::ANOMALOUS).and_then(|column| column.as_boolean_opt());
        let values: Vec<Option<Float64Array>> = self.numbers.iter().map(|name| doubles(rows, name)).collect();
        for ((column, series), hours) in values.iter().zip(&mut self.all).zip(&mut self.histograms) {
            let Some(column) = column else { continue };
            series.add(second, &column.iter().flatten().fold(Bucket::default(), added));
            let histogram = this_hour(hours, second);
            for value in column {
                match value {
                    Some(value) => histogram.add(value),
                    None => histogram.add_missing(),
                }
            }
        }
        self.take_keys(rows, &values, anomalous, now_ms);
        self.take_map(rows, anomalous);
    }

    /// Takes the keys of a partition's rows, which are at these positions: all that is known of which key has more than its part.
    pub fn take_partition(&mut self, partition: u32, keys: &StringArray, positions: &UInt64Array) {
        if self.hot_keys.len() < PARTITIONS_MAX || self.hot_keys.contains_key(&partition) {
            self.hot_keys.entry(partition).or_default().take(keys, positions);
        }
    }

    /// Takes what is known exactly, at `now_ms`.
    pub fn observe(&mut self, facts: Facts, now_ms: i64) {
        let second = now_ms.div_euclid(1000);
        let (before, now) = (self.facts.counts, facts.counts);
        let grown = |now: u64, before: u64| added(Bucket::default(), now.saturating_sub(before) as f64);
        self.records.add(second, &grown(now.records, before.records));
        self.alarms.add(second, &grown(now.anomalies, before.anomalies));
        self.recent.miss(facts.missed.saturating_sub(self.facts.missed));
        if facts.position != self.facts.position {
            self.recent.commit(facts.position);
        }
        self.facts = facts;
    }

    /// Ends a version and gives its number: what comes from now on is part of the next one.
    pub fn close_version(&mut self) -> u64 {
        self.open += 1;
        self.recent.begin_version();
        self.open - 1
    }

    /// About how many bytes the board takes.
    pub fn bytes(&self) -> usize {
        let series = self.all.iter().chain(self.keys.values().flatten()).chain([&self.records, &self.alarms]);
        let hours = self.histograms.iter().map(|hours| hours.capacity() * size_of::<(i64, Histogram)>());
        let keys = self.keys.keys().map(|key| size_of::<(String, Vec<Series>)>() + key.len());
        series.map(Series::bytes).sum::<usize>()
            + hours.sum::<usize>()
            + keys.sum::<usize>()
            + self.top.bytes()
            + self.hot_keys.len() * HotKeys::BYTES_MAX
            + self.recent.bytes()
    }

    /// The version that what comes now will be part of.
    pub fn open_version(&self) -> u64 {
        self.open
    }

    /// The newest anomalies.
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// What is known exactly.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    fn take_keys(
        &mut self,
        rows: &Rows,
        values: &[Option<Float64Array>],
        anomalous: Option<&BooleanArray>,
        now_ms: i64,
    ) {
        let mut of_key: HashMap<&str, Vec<usize>> = HashMap::new();
        for (row, key) in rows.keys.iter().enumerate() {
            of_key.entry(key.unwrap_or_default()).or_default().push(row);
        }
        for (key, rows) in of_key {
            let alarms = anomalous.map_or(0, |flags| rows.iter().filter(|row| flags.value(**row)).count());
            self.top.add(key, rows.len() as u64, alarms as u64, now_ms);
            let key = shortened(key);
            if !self.keys.contains_key(key) && self.keys.len() >= self.keys_max {
                continue;
            }
            let keyed = values.len().min(KEYED_COLUMNS_MAX);
            let series = self.keys.entry_ref(key).or_insert_with(|| vec![Series::default(); keyed]);
            for (series, column) in series.iter_mut().zip(values) {
                let Some(column) = column else { continue };
                let valid = rows.iter().filter(|row| column.is_valid(**row)).map(|row| column.value(*row));
                series.add(now_ms.div_euclid(1000), &valid.fold(Bucket::default(), added));
            }
        }
    }

    fn take_map(&mut self, rows: &Rows, anomalous: Option<&BooleanArray>) {
        let Some(map) = &mut self.map else { return };
        let (x, y) = map.axes();
        let (Some(x), Some(y)) = (doubles(rows, &x.column), doubles(rows, &y.column)) else { return };
        for (row, (x, y)) in x.iter().zip(&y).enumerate() {
            let alarm = anomalous.is_some_and(|flags| flags.value(row));
            map.add(x.unwrap_or(f64::NAN), y.unwrap_or(f64::NAN), alarm);
        }
    }

    /// Counts anomalies that came at `now_ms`, where the counts of the facts do not.
    pub fn count_anomalies(&mut self, count: u64, now_ms: i64) {
        self.alarms.add(now_ms.div_euclid(1000), &added(Bucket::default(), count as f64));
    }

    /// Takes the anomalous ones of scored rows: the newest of them, as many as the open version may list. The others are counted
    /// as missed.
    fn take_anomalies(&mut self, rows: &Rows, now_ms: i64, committed: bool) {
        let found = anomalous_rows(&rows.batch);
        let listed = self.recent.allow(found.len());
        self.list(rows, &found, listed, now_ms, committed);
    }

    /// Takes anomalies that are committed, read where they are stored, as [`Board::take`] does. Their positions are not kept: they
    /// are those of another topic.
    pub fn take_committed(&mut self, rows: &Rows, now_ms: i64) {
        self.take_anomalies(rows, now_ms, true);
    }

    /// Takes anomalies from before this process: as many as are kept.
    pub fn take_past(&mut self, rows: &Rows, at_ms: i64) {
        let found = anomalous_rows(&rows.batch);
        self.list(rows, &found, found.len().min(ANOMALIES_MAX), at_ms, true);
    }

    /// Lists the newest `listed` of the rows that were `found`.
    fn list(&mut self, rows: &Rows, found: &[usize], listed: usize, now_ms: i64, committed: bool) {
        let passed_over = found.len() - listed;
        self.recent.miss(passed_over as u64);
        for row in &found[passed_over..] {
            let mut anomaly = Anomaly::of(&self.stream, &rows.batch, *row);
            let position = rows.positions.value(*row);
            anomaly.position = (!committed).then_some(position);
            anomaly.committed = committed || position < self.facts.position;
            anomaly.seen_ms = Some(now_ms);
            self.recent.add(self.open, anomaly);
        }
    }
}

/// Batches as one, in their order; `None` where there are none, or they have different columns.
pub fn together(batches: &[Rows]) -> Option<Rows> {
    let first = batches.first()?;
    if batches.len() == 1 {
        return Some(first.clone());
    }
    let column = |of: fn(&Rows) -> &dyn Array| -> Option<ArrayRef> {
        let arrays: Vec<&dyn Array> = batches.iter().map(of).collect();
        compute::concat(&arrays).ok()
    };
    Some(Rows {
        batch: compute::concat_batches(&first.batch.schema(), batches.iter().map(|rows| &rows.batch)).ok()?,
        positions: UInt64Array::from(column(|rows| &rows.positions)?.to_data()),
        keys: StringArray::from(column(|rows| &rows.keys)?.to_data()),
        ingested: None,
        traces: Traces::default(),
    })
}

fn added(mut bucket: Bucket, value: f64) -> Bucket {
    bucket.add(value);
    bucket
}

/// A column's values; `None` where the rows have no such column, or it has no numbers.
fn doubles(rows: &Rows, name: &str) -> Option<Float64Array> {
    let column = rows.batch.column_by_name(name)?;
    let column = compute::cast(column, &DataType::Float64).ok()?;
    Some(column.as_primitive::<Float64Type>().clone())
}

/// The histogram of the hour that `second` lies in; the newest where that hour is past.
fn this_hour(hours: &mut Vec<(i64, Histogram)>, second: i64) -> &mut Histogram {
    let hour = second.div_euclid(3600);
    if hours.last().is_none_or(|(newest, _)| *newest < hour) {
        hours.retain(|(number, _)| hour - number < HOURS as i64);
        hours.push((hour, Histogram::default()));
    }
    let newest = hours.len() - 1;
    &mut hours[newest].1
}
