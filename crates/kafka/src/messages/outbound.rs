//! Everything that a step sends, each to its topic.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, StringArray};
use bytes::Bytes;
use rdkafka::message::{Message, OwnedHeaders};
use stage::{Key, Outputs, Rows, TraceId};
use stream::{Stream, Topics};

use crate::{
    KafkaError, Step,
    cluster::{Cluster, Intake},
    messages::{
        dead_letters::{DeadLetterRecord, dead_letter_rows, dead_letters_schema},
        partials::{partial_rows, partials_schema},
        place::{self, Place},
        probe,
        schemas::Register,
        size::{STATE_BYTES_MAX, Sizes},
        snapshots::{snapshot_rows, snapshots_schema},
        target::{Target, TooLarge},
        times::Times,
        trace::Traced,
    },
};

/// Everything that a step sends.
pub(crate) struct Outbound {
    sizes: Sizes,
    rows: Option<Target>,
    anomalies: Option<Target>,
    dead_letters: Target,
    state: Option<Target>,
    late: Option<Target>,
    aggregates: Option<Target>,
    partials: Option<Target>,
    /// Where places go that are not kept with a state.
    places: Option<Target>,
}

impl Outbound {
    /// Registers the schemas of everything that `step` sends.
    pub(crate) fn new(
        step: Step,
        stream: &Stream,
        topics: &Topics,
        register: &Register<'_, impl Cluster>,
    ) -> Result<Self, KafkaError> {
        let sizes = Sizes::of(stream);
        let (event, large) = (sizes.event(), STATE_BYTES_MAX);
        // A column that may be null in one topic and not in the other takes a byte more there: no event of the one is too large.
        let anomaly = event + stream.scored.fields().len();
        let target = |topic: &str, schema, bytes| Target::new(topic, schema, register, bytes);
        let holding = |topic: &str, schema, bytes| target(topic, schema, bytes).map(Target::holding);
        let of = |is: bool, topic: &str, schema, bytes| is.then(|| target(topic, schema, bytes)).transpose();
        let windows = step == Step::Aggregate;
        Ok(Self {
            sizes,
            rows: step.rows(stream, topics)?.map(|(topic, schema)| holding(&topic, schema, event)).transpose()?,
            anomalies: of(step.detects(), &topics.anomalies, stream.anomalies_schema()?, anomaly)?.map(Target::holding),
            dead_letters: holding(&topics.dead_letters, dead_letters_schema()?, sizes.dead_letter())?,
            state: step.state(topics).map(|topic| target(topic, snapshots_schema()?, large)).transpose()?,
            late: of(windows, &topics.late, stream.late_schema()?, sizes.late())?.map(Target::holding),
            aggregates: of(step.aggregates(), &topics.aggregates, stream.aggregates_schema()?, large)?,
            partials: of(windows && stream.aggregates.are_merged(), &topics.partials, partials_schema()?, large)?,
            places: of(step.state(topics).is_none(), step.places(topics), snapshots_schema()?, large)?,
        })
    }

    /// Sends the rows that came out of a step, and gives those back that are too large.
    pub(crate) fn rows(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        rows: &Rows,
        times: &Times,
        traced: &Traced,
    ) -> Result<Vec<TooLarge>, KafkaError> {
        let Some(target) = &mut self.rows else { return Ok(Vec::new()) };
        let topic = target.topic.clone();
        let headers = |row: usize| traced.headers(rows.positions.value(row), row == 0, &topic, partition);
        send(target, producer, partition, rows, times, headers)
    }

    /// Sends the anomalies among them, and the alarms that are rows of their own.
    pub(crate) fn anomalies(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        rows: &Rows,
        times: &Times,
        traced: &Traced,
    ) -> Result<(), KafkaError> {
        let Some(target) = &mut self.anomalies else { return Ok(()) };
        // An alarm that is a row of its own belongs to no trace.
        let traces = rows.batch.column_by_name(stream::columns::TRACE_ID);
        let is_traced = |row: usize| traces.is_some_and(|traces| traces.is_valid(row));
        let headers = |row: usize| is_traced(row).then(|| traced.carried(rows.positions.value(row))).flatten();
        let too_large = send(target, producer, partition, rows, times, headers)?;
        target.all(too_large)
    }

    /// Passes probes on behind the rows of a partition that came out before them; a step that hands no rows on ends them.
    pub(crate) fn probes<M: Message>(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        probes: &[&M],
    ) -> Result<(), KafkaError> {
        let Some(target) = &mut self.rows else { return Ok(()) };
        for probe in probes.iter().copied() {
            let time = probe.timestamp().to_millis().unwrap_or_default();
            target.probe(producer, partition, probe::header(probe).unwrap_or_default(), time)?;
        }
        Ok(())
    }

    pub(crate) fn dead_letters(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        dead_letters: &[DeadLetterRecord],
        times: &Times,
    ) -> Result<(), KafkaError> {
        if dead_letters.is_empty() {
            return Ok(());
        }
        let time = |row: usize| times.of(dead_letters[row].dead_letter.position);
        let rows = dead_letter_rows(dead_letters, self.sizes)?;
        let too_large = self.dead_letters.send(producer, partition, &rows, |_| b"".as_slice(), time, |_| None)?;
        self.dead_letters.all(too_large)
    }

    /// Sends rows that an aggregate left out.
    pub(crate) fn late(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        rows: &Rows,
        times: &Times,
        traced: &Traced,
    ) -> Result<(), KafkaError> {
        let Some(target) = &mut self.late else { return Ok(()) };
        let headers = |row: usize| traced.carried(rows.positions.value(row));
        let too_large = send(target, producer, partition, rows, times, headers)?;
        target.all(too_large)
    }

    /// Sends what a flush gave: results, each where its key belongs, and parts for the merge.
    pub(crate) fn flushed(
        &mut self,
        producer: &impl Intake,
        stream: &Stream,
        partition: u32,
        flushed: &Outputs,
        now: i64,
    ) -> Result<(), KafkaError> {
        // Final results come behind those that they take the place of.
        for results in flushed.changed.iter().chain(&flushed.closed).filter(|results| results.num_rows() > 0) {
            let Some(target) = &mut self.aggregates else { continue };
            let keys = stage::result_keys(&stream.aggregates, results)?;
            let place = |row: usize| stage::partition_of(key(&keys, row), stream.definition.spec.partitions);
            let too_large = target.spread(producer, place, results, |row| key(&keys, row), |_| now, |_| None)?;
            target.all(too_large)?;
        }
        let Some(target) = &mut self.partials else { return Ok(()) };
        let parts = partial_rows(partition, &flushed.partials, flushed.clock)?;
        let keys = parts.column(1).as_string::<i32>();
        let too_large = target.send(producer, 0, &parts, |row| key(keys, row), |_| now, |_| None)?;
        target.all(too_large)
    }

    /// Ends what goes to the outputs of a partition: the last record of each carries the place that goes with it, if any.
    pub(crate) fn release(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        place: Option<&Place>,
    ) -> Result<(), KafkaError> {
        let text = place.map(Place::text);
        let header = text.as_deref().map(|text| (place::HEADER, text));
        for target in self.holding() {
            target.release(producer, partition, header)?;
        }
        Ok(())
    }

    /// Ends what goes to all outputs, where no places are kept.
    pub(crate) fn release_all(&mut self, producer: &impl Intake) -> Result<(), KafkaError> {
        let held: BTreeSet<u32> = self.holding().flat_map(|target| target.held()).collect();
        held.into_iter().try_for_each(|partition| self.release(producer, partition, None))
    }

    /// Forgets what is kept back: its transaction was given up.
    pub(crate) fn forget(&mut self) {
        self.holding().for_each(Target::forget);
    }

    fn holding(&mut self) -> impl Iterator<Item = &mut Target> {
        let Self { rows, anomalies, dead_letters, late, .. } = self;
        [rows.as_mut(), anomalies.as_mut(), Some(dead_letters), late.as_mut()].into_iter().flatten()
    }

    /// Keeps a place in the compacted topic.
    pub(crate) fn place(&mut self, producer: &impl Intake, place: &Place, now: i64) -> Result<(), KafkaError> {
        let Some(target) = self.state.as_mut().or(self.places.as_mut()) else { return Ok(()) };
        place::keep(target, producer, place.partition, &place.group, (place.next, place.text()), now)
    }

    /// Sends snapshots of the state, which covers the input before `position`.
    pub(crate) fn snapshots(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        of: &str,
        position: i64,
        snapshots: Vec<(Key, Bytes)>,
        now: i64,
    ) -> Result<(), KafkaError> {
        let Some(target) = self.state.as_mut().filter(|_| !snapshots.is_empty()) else { return Ok(()) };
        let (gone, kept): (Vec<_>, Vec<_>) = snapshots.into_iter().partition(|(_, state)| state.is_empty());
        for (key, _) in gone {
            target.delete(producer, partition, &key, now)?;
        }
        let rows = snapshot_rows(of, position, &kept)?;
        let too_large = target.send(producer, partition, &rows, |row| kept[row].0.as_bytes(), |_| now, |_| None)?;
        target.all(too_large)
    }
}

/// The anomalies of a step that looks for them, by position: each with the trace that it is stored with.
pub(crate) fn traces(rows: &Rows) -> impl Iterator<Item = (u64, TraceId)> {
    let column = rows.batch.column_by_name(stream::columns::TRACE_ID).and_then(|column| column.as_string_opt::<i32>());
    let traces = column.into_iter().flat_map(|column| column.iter().zip(rows.positions.values()));
    traces.filter_map(|(trace, position)| Some((*position, TraceId::parse(trace?)?)))
}

/// Sends rows of a stage, each at the time at which its message was taken in; gives those back that are too large.
fn send(
    target: &mut Target,
    producer: &impl Intake,
    partition: u32,
    rows: &Rows,
    times: &Times,
    headers: impl Fn(usize) -> Option<OwnedHeaders>,
) -> Result<Vec<TooLarge>, KafkaError> {
    let time = |row: usize| times.of(rows.positions.value(row));
    target.send(producer, partition, &rows.batch, |row| key(&rows.keys, row), time, headers)
}

fn key(keys: &StringArray, row: usize) -> &[u8] {
    keys.value(row).as_bytes()
}
