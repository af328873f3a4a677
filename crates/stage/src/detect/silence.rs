//! Keys that fall silent: alarms that are rows of their own.
//!
//! What is known of the keys' silence belongs to the partition and takes the rows in the order of their positions. What changed of it is
//! written down whenever any key's state is, together with the position that it covers: of rows that are read again from an
//! earlier horizon it takes none a second time, and all others as it took them at first.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray, UInt64Array, new_null_array},
    compute::cast,
    datatypes::{DataType, SchemaRef, TimeUnit},
    error::ArrowError,
    record_batch::RecordBatch,
};
use bytes::Bytes;
use detect::{DetectError, Episode, RowState, SILENCE_TOGETHER_ONE_IN, Silence, SilenceSettings, Silent};
use stream::{Stream, columns};
use twox_hash::xxhash3_128::Hasher;

use super::{found::Causes, words::number};
use crate::{Key, Rows, Traces};

/// The key of its snapshots, and what those of groups of keys begin with: no event has such keys.
const KEY: &str = "\u{0}silence";

/// Bytes of the position in front of the first part.
const POSITION_BYTES: usize = size_of::<u64>();

const MICROS_A_SECOND: f64 = 1e6;

/// The keys of a partition, and which of them are silent.
#[derive(Debug)]
pub(super) struct SilentKeys {
    silence: Silence,
    /// The position of the first row that it has not taken.
    next: u64,
    /// The columns of the rows that it makes, and what is in some of them.
    schema: SchemaRef,
    roles: Roles,
    episodes: bool,
}

/// The columns that identify, partition and date a row.
#[derive(Debug)]
struct Roles {
    id: String,
    key: String,
    time: String,
}

impl SilentKeys {
    /// `None` where silence is not looked for.
    pub(super) fn new(stream: &Stream) -> Option<Self> {
        let (detect, layer) = (stream.definition.spec.detect.as_ref()?, stream.silence()?);
        let settings = SilenceSettings {
            false_alarm_rate: detect.false_alarm_rate,
            warm_up: detect.warm_up,
            forget_after: i64::try_from(layer.forget_after.0.as_micros()).unwrap_or(i64::MAX),
        };
        let spec = &stream.definition.spec;
        Some(Self {
            silence: Silence::new(settings),
            next: 0,
            schema: stream.anomalies(),
            roles: Roles { id: spec.id.clone(), key: spec.key.clone(), time: spec.time.clone() },
            episodes: detect.episode_after.is_some(),
        })
    }

    /// Takes rows with their times; a row for each key, or for many at once, that is silent by them.
    pub(super) fn take(&mut self, rows: &Rows, times: &[Option<i64>]) -> Result<Option<Rows>, ArrowError> {
        let (mut silent, mut positions) = (Vec::new(), Vec::new());
        for ((key, time), position) in rows.keys.iter().zip(times).zip(rows.positions.values()) {
            if *position < self.next {
                continue;
            }
            self.next = position + 1;
            if let Some(time) = time {
                self.silence.take(key.unwrap_or_default(), *time, &mut silent);
                positions.resize(silent.len(), *position);
            }
        }
        if silent.is_empty() { Ok(None) } else { self.rows(&silent, positions).map(Some) }
    }

    fn rows(&self, silent: &[Silent], positions: Vec<u64>) -> Result<Rows, ArrowError> {
        let keys = StringArray::from_iter_values(silent.iter().map(|silent| &silent.key));
        let watermarks: ArrayRef = Arc::new(silent.iter().map(|silent| Some(silent.watermark)).collect::<Int64Array>());
        let texts: ArrayRef = cast(&watermarks, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
        let texts = crate::key_text(&texts)?;
        let ids = silent.iter().zip(&texts).map(|(silent, text)| id(&silent.key, text.unwrap_or_default()));
        let ids: Vec<String> = ids.collect();
        let columns = self.schema.fields().iter().map(|field| {
            let (name, wanted) = (field.name(), field.data_type());
            let text = |of: &dyn Fn(&Silent) -> String| -> ArrayRef {
                Arc::new(StringArray::from_iter_values(silent.iter().map(of)))
            };
            let column: ArrayRef = match name.as_str() {
                _ if *name == self.roles.id => return ids_as(&ids, wanted),
                _ if *name == self.roles.key => return cast(&keys, wanted),
                _ if *name == self.roles.time => return time_as(&watermarks, &texts, wanted),
                columns::ANOMALOUS => Arc::new(BooleanArray::from(vec![true; silent.len()])),
                columns::ANOMALY_SCORE => {
                    Arc::new(silent.iter().map(|silent| Some(silent.bits)).collect::<Float64Array>())
                }
                columns::ANOMALY_REASONS => text(&|_| columns::SILENCE.to_owned()),
                columns::ANOMALY_STATE => text(&|_| RowState::Scored.name().to_owned()),
                columns::ANOMALY_WORDS => text(&words),
                columns::ANOMALY_CAUSES => Arc::new(self.causes(silent)?),
                columns::EPISODE if self.episodes => {
                    let episode = |silent: &Silent, id: &str| Episode::default().take(1, true, &silent.key, id);
                    let episodes = silent.iter().zip(&ids).map(|(silent, id)| episode(silent, id));
                    Arc::new(episodes.map(|episode| Some(format!("{:016x}", episode?))).collect::<StringArray>())
                }
                _ => new_null_array(wanted, silent.len()),
            };
            Ok(column)
        });
        Ok(Rows {
            batch: RecordBatch::try_new(self.schema.clone(), columns.collect::<Result<_, ArrowError>>()?)?,
            positions: UInt64Array::from(positions),
            keys,
            ingested: None,
            traces: Traces::default(),
        })
    }

    /// What was found as numbers: how long the key was silent for, and how many keys, where many are.
    fn causes(&self, silent: &[Silent]) -> Result<ListArray, ArrowError> {
        let threshold = self.silence.alarm_bits();
        let mut causes = Causes::default();
        for silent in silent {
            let ratio = |value: f64, high: f64| [silent.bits, threshold, value, 0.0, high, value / high];
            let seconds = [silent.waited, silent.expected].map(|micros| micros as f64 / MICROS_A_SECOND);
            let waited = ("seconds without an event", ratio(seconds[0], seconds[1]));
            let together = |all: usize| all as f64 / SILENCE_TOGETHER_ONE_IN as f64;
            let keys = silent.keys.map(|(keys, all)| ("silent keys", ratio(keys as f64, together(all))));
            causes.of_layer(columns::SILENCE, &keys.into_iter().chain([waited]).collect::<Vec<_>>());
        }
        causes.finish()
    }

    /// What has changed since the last call.
    pub(super) fn snapshots(&mut self) -> Vec<(Key, Bytes)> {
        let part = |(group, bytes): (Option<u32>, Vec<u8>)| match group {
            Some(group) => (key_of(group), bytes.into()),
            None => (KEY.into(), [&self.next.to_le_bytes()[..], &bytes].concat().into()),
        };
        self.silence.snapshots().into_iter().map(part).collect()
    }

    /// Whether a snapshot with this key is of it.
    pub(super) fn owns(key: &str) -> bool {
        key.starts_with(KEY)
    }

    /// Puts back what a snapshot has.
    pub(super) fn restore(&mut self, key: &str, snapshot: &[u8]) -> Result<(), DetectError> {
        let not_a_snapshot = || DetectError::NotASnapshot { length: snapshot.len() };
        if key != KEY {
            let group = key[KEY.len()..].trim_start().parse().map_err(|_| not_a_snapshot())?;
            return self.silence.restore(Some(group), snapshot);
        }
        let (next, head) = snapshot.split_first_chunk::<POSITION_BYTES>().ok_or_else(not_a_snapshot)?;
        self.next = u64::from_le_bytes(*next);
        self.silence.restore(None, head)
    }
}

fn key_of(group: u32) -> Key {
    format!("{KEY} {group}").into()
}

/// The id of an alarm: it follows from the key and the watermark, so that a replay gives the same.
fn id(key: &str, watermark: &str) -> String {
    format!("{key} silent at {watermark}")
}

/// Ids in the type of their column; numbers are below 0.
fn ids_as(ids: &[String], wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    if *wanted == DataType::Utf8 {
        return Ok(Arc::new(StringArray::from_iter_values(ids)));
    }
    let bits = 8 * wanted.primitive_width().unwrap_or(size_of::<i64>()) as u32;
    let number = |id: &String| !((Hasher::oneshot(id.as_bytes()) as u64 >> (u64::BITS - bits + 1)) as i64);
    cast(&Int64Array::from_iter_values(ids.iter().map(number)), wanted)
}

/// Times in the type of their column.
fn time_as(micros: &ArrayRef, texts: &StringArray, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    match wanted {
        DataType::Timestamp(_, zone) => {
            cast(&cast(micros, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?, wanted)
        }
        _ => cast(texts, wanted),
    }
}

fn words(silent: &Silent) -> String {
    let seconds = |micros: i64| number(micros as f64 / MICROS_A_SECOND);
    let (key, waited, expected) = (&silent.key, seconds(silent.waited), seconds(silent.expected));
    let one = format!("{key} silent for {waited} s, expected an event at least every {expected} s");
    match silent.keys {
        None => one,
        Some((keys, all)) => format!("{keys} of {all} keys silent, for longest {one}"),
    }
}
