//! Everything that a step sends, each to its topic.

use std::collections::BTreeSet;

use arrow::{
    array::{AsArray, BooleanArray, StringArray},
    compute,
};
use bytes::Bytes;
use rdkafka::message::Message;
use stage::{Key, Outputs, Rows, TraceId};
use stream::{Stream, Topics};

use crate::{
    KafkaError, Step,
    cluster::{Cluster, Intake},
    messages::{
        letters::{Letter, letter_rows, letters_schema},
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

/// What came of sending a step's rows.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// How many of them went to the anomalies too.
    pub anomalies: u64,
    /// Those that were not sent.
    pub too_large: Vec<TooLarge>,
}

/// Everything that a step sends.
pub(crate) struct Outbound {
    sizes: Sizes,
    rows: Option<Target>,
    anomalies: Option<Target>,
    letters: Target,
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
        let target = |topic: &str, schema, bytes| Target::new(topic, schema, register, bytes);
        let holding = |topic: &str, schema, bytes| target(topic, schema, bytes).map(Target::holding);
        let of = |is: bool, topic: &str, schema, bytes| is.then(|| target(topic, schema, bytes)).transpose();
        let windows = step == Step::Aggregate;
        Ok(Self {
            sizes,
            rows: step.rows(stream, topics)?.map(|(topic, schema)| holding(&topic, schema, event)).transpose()?,
            anomalies: of(step.detects(), &topics.anomalies, stream.scored_schema()?, event)?.map(Target::holding),
            letters: holding(&topics.dead_letters, letters_schema()?, sizes.dead_letter())?,
            state: step.state(topics).map(|topic| target(topic, snapshots_schema()?, large)).transpose()?,
            late: of(windows, &topics.late, stream.late_schema()?, sizes.late())?.map(Target::holding),
            aggregates: of(step.aggregates(), &topics.aggregates, stream.aggregates_schema()?, large)?,
            partials: of(windows && stream.aggregates.are_merged(), &topics.partials, partials_schema()?, large)?,
            places: of(step.state(topics).is_none(), step.places(topics), snapshots_schema()?, large)?,
        })
    }

    /// Sends the rows that came out of a step, and the anomalous ones among them a second time.
    pub(crate) fn rows(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        rows: &Rows,
        times: &Times,
        traced: &Traced,
    ) -> Result<Sent, KafkaError> {
        let mut sent = Sent::default();
        let Some(target) = &mut self.rows else { return Ok(sent) };
        let topic = target.topic.clone();
        let headers = |row: usize| traced.headers(rows.positions.value(row), row == 0, &topic, partition);
        let time = |row: usize| times.of(rows.positions.value(row));
        sent.too_large = target.send(producer, partition, &rows.batch, |row| key(&rows.keys, row), time, headers)?;
        let Some(target) = &mut self.anomalies else { return Ok(sent) };
        let Some(anomalous) = anomalous(rows).filter(|anomalous| anomalous.true_count() > 0) else { return Ok(sent) };
        let selected: Vec<usize> = anomalous.values().set_indices().collect();
        let batch = compute::filter_record_batch(&rows.batch, anomalous)?;
        let headers = |row: usize| traced.carried(rows.positions.value(selected[row]));
        let time = |row: usize| times.of(rows.positions.value(selected[row]));
        // What is too large for one topic is too large for the other.
        let too_large =
            target.send(producer, partition, &batch, |row| key(&rows.keys, selected[row]), time, headers)?;
        sent.anomalies = (selected.len() - too_large.len()) as u64;
        Ok(sent)
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

    pub(crate) fn letters(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        letters: &[Letter],
        times: &Times,
    ) -> Result<(), KafkaError> {
        if letters.is_empty() {
            return Ok(());
        }
        let time = |row: usize| times.of(letters[row].letter.position);
        let rows = letter_rows(letters, self.sizes)?;
        let too_large = self.letters.send(producer, partition, &rows, |_| b"".as_slice(), time, |_| None)?;
        self.letters.all(too_large)
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
        let time = |row: usize| times.of(rows.positions.value(row));
        let too_large = target.send(producer, partition, &rows.batch, |row| key(&rows.keys, row), time, headers)?;
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
        let Self { rows, anomalies, letters, late, .. } = self;
        [rows.as_mut(), anomalies.as_mut(), Some(letters), late.as_mut()].into_iter().flatten()
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

/// Which rows are anomalous, of a step that says so.
fn anomalous(rows: &Rows) -> Option<&BooleanArray> {
    rows.batch.column_by_name(stream::columns::ANOMALOUS)?.as_boolean_opt()
}

/// The anomalies of a step that looks for them, by position: each with the trace that it is stored with.
pub(crate) fn traces(rows: &Rows) -> impl Iterator<Item = (u64, TraceId)> {
    let column = rows.batch.column_by_name(stream::columns::TRACE_ID).and_then(|column| column.as_string_opt::<i32>());
    let traces = column.into_iter().flat_map(|column| column.iter().zip(rows.positions.values()));
    traces.filter_map(|(trace, position)| Some((*position, TraceId::parse(trace?)?)))
}

fn key(keys: &StringArray, row: usize) -> &[u8] {
    keys.value(row).as_bytes()
}
