//! Events made up from a seed: the same seed and position give the same event, however it is asked for.
//!
//! Event time is `start + position / rate` (a rate of 0 spaces events by 1 ms), so that it does not depend on the
//! clock. Every profile fills `is_anomaly` and `anomaly_kind` where the schema has them, and the stream's id, key and
//! time columns under whatever name. The profiles' own columns:
//!
//! | profile | key | columns |
//! |---|---|---|
//! | `uniform` | `detector_id` | `event_number`, `particle_type`, `charge`, `mass_gev`, `energy_gev`, `momentum_x`, `_y`, `_z`, and those in `fields` |
//! | `physical` | `detector_id` | `event_number`, `particle_type`, `charge`, `mass_gev`, `energy_gev`, `momentum_x`, `_y`, `_z` |
//! | `sensors` | `sensor_id` | `temperature`, `humidity`, `pressure`, `battery` |
//! | `logs` | `host` | `method`, `path`, `status`, `latency_ms`, `bytes`, `level`, `message` |
//! | `prices` | `symbol` | `price`, `volume`, `side` |
//! | `clicks` | `user_id` | `session_id`, `event_type`, `product_id`, `category`, `price`, `quantity` |
//! | `logins` | `user_id` | `country`, `device`, `success`, `duration_ms` |
//! | `payments` | `card_id` | `amount`, `category`, `country` |
//!
//! A column that the schema has and the profile has not is null where it may be, else an error.

mod block;
mod clicks;
mod columns;
mod decay;
mod logins;
mod logs;
mod particles;
mod payments;
mod physical;
mod prices;
mod random;
mod sensors;
mod uniform;
mod windows;

use std::sync::Arc;

use ::arrow::{
    array::{RecordBatch, UInt64Array},
    compute,
};
use stream::Stream;

pub use self::particles::PARTICLES;
use self::{
    block::{BLOCK_EVENTS, Place, Profile},
    columns::Filler,
    random::Random,
};
use crate::{Cursor, Next, Options, Progress, RECORDS_MAX, Records, Source, SourceError, Unit};

/// Microseconds between two events of a stream without a rate.
const SPACING_MICROS: f64 = 1000.0;

/// Events made up from a seed.
pub(crate) struct Synthetic {
    profile: Box<dyn Profile>,
    filler: Filler,
    seed: u64,
    /// Event time of the first event in microseconds.
    start: i64,
    /// Microseconds between two events.
    spacing: f64,
    events: Option<u64>,
    position: u64,
    /// The last block made, and its number.
    held: Option<(u64, RecordBatch)>,
}

impl Synthetic {
    /// Checks that the profile fills the schema.
    pub(crate) fn open(
        definition: &stream::Synthetic,
        stream: &Arc<Stream>,
        options: &Options,
    ) -> Result<Self, SourceError> {
        if let Some((name, [low, high])) =
            definition.fields.iter().find(|(_, [low, high])| low.is_nan() || high.is_nan() || low > high)
        {
            return Err(SourceError::input(format!(
                "synthetic: the bounds of `{name}`, [{low}, {high}], are the wrong way round"
            )));
        }
        let start = match &definition.start {
            None => options.started,
            Some(start) => times::parse(start.trim().as_bytes())
                .and_then(|moment| moment.in_units(1_000_000))
                .ok_or_else(|| SourceError::input(format!("synthetic: start {start:?} is not an ISO 8601 time")))?,
        };
        let profile: Box<dyn Profile> = match definition.profile {
            stream::Profile::Uniform => Box::new(uniform::Uniform::new(definition)),
            stream::Profile::Physical => Box::new(physical::Physical::new(definition)),
            stream::Profile::Sensors => Box::new(sensors::Sensors::new(definition)),
            stream::Profile::Logs => Box::new(logs::Logs::new(definition)),
            stream::Profile::Prices => Box::new(prices::Prices::new(definition)),
            stream::Profile::Clicks => Box::new(clicks::Clicks::new(definition)),
            stream::Profile::Logins => Box::new(logins::Logins::new(definition)),
            stream::Profile::Payments => Box::new(payments::Payments::new(definition)),
        };
        let filler = Filler::new(stream, profile.as_ref())?;
        let spacing = if definition.rate > 0.0 { 1e6 / definition.rate } else { SPACING_MICROS };
        let (seed, events) = (definition.seed, definition.events);
        Ok(Self { profile, filler, seed, start, spacing, events, position: 0, held: None })
    }

    fn block(&mut self, number: u64) -> Result<&RecordBatch, SourceError> {
        if self.held.as_ref().is_none_or(|(held, _)| *held != number) {
            let first = number * BLOCK_EVENTS as u64;
            let time = |index: u64| self.start.saturating_add(((first + index) as f64 * self.spacing).round() as i64);
            let place = Place { first, times: (0..BLOCK_EVENTS as u64).map(time).collect() };
            let block = self.profile.block(&mut Random::new(self.seed, number), place);
            self.held = Some((number, self.filler.fill(first, block)?));
        }
        match &self.held {
            Some((_, rows)) => Ok(rows),
            None => Err(SourceError::input("no block of events was made")),
        }
    }
}

impl Source for Synthetic {
    fn next(&mut self, rows_max: usize) -> Result<Next, SourceError> {
        let left = self.events.map_or(u64::MAX, |events| events.saturating_sub(self.position));
        if left == 0 {
            return Ok(Next::End);
        }
        let count = left.min(rows_max.clamp(1, RECORDS_MAX) as u64);
        let (mut position, end) = (self.position, self.position + count);
        let mut pieces = Vec::new();
        while position < end {
            let within = position % BLOCK_EVENTS as u64;
            let length = (BLOCK_EVENTS as u64 - within).min(end - position);
            let block = self.block(position / BLOCK_EVENTS as u64)?;
            pieces.push(block.slice(within as usize, length as usize));
            position += length;
        }
        let rows = match pieces.len() {
            1 => pieces.swap_remove(0),
            _ => compute::concat_batches(self.filler.schema(), &pieces)?,
        };
        let positions = UInt64Array::from_iter_values(self.position..end);
        self.position = end;
        Ok(Next::Records(Records { rows, positions, rejected: Vec::new() }))
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        self.position = cursor.position;
        Ok(())
    }

    fn cursor(&self) -> Cursor {
        Cursor { position: self.position, ..Cursor::default() }
    }

    fn progress(&self) -> Progress {
        Progress { done: self.position, total: self.events, unit: Unit::Records }
    }
}
