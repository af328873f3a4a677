//! A worker's state between two polls: its partitions, its producer and the open transaction.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
    time::{Instant, SystemTime},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::BaseConsumer,
    error::{KafkaError as ClientError, RDKafkaErrorCode},
    message::{BorrowedMessage, Message},
};
use stage::{DeadLetter, Ledger, Outputs, Rows};

use crate::{
    KafkaError, Note, Options, Step,
    group::Group,
    inbound::Inbound,
    letters::Letter,
    meters::Meters,
    outbound::{Outbound, Times, anomalous},
    partition::Partition,
    restore::Restorer,
    runtime::now_millis,
    size::Sizes,
    target::TooLarge,
    trace::Traced,
    transaction::TransactionalProducer,
};

/// About how many records a worker that takes partitions reads again to bring their state up to date: two seconds' worth.
const REPLAY_RECORDS: usize = 500_000;

/// A worker's state between two polls.
pub(crate) struct Core {
    options: Arc<Options>,
    sizes: Sizes,
    stop: Arc<AtomicBool>,
    producer: TransactionalProducer,
    inbound: Inbound,
    outbound: Outbound,
    restorer: Option<Restorer>,
    partitions: BTreeMap<u32, Partition>,
    /// When the open transaction began.
    open: Option<Instant>,
    /// Rows of the open transaction, dropped ones included.
    rows: usize,
    meters: Meters,
}

impl Core {
    /// Connects the producer, which fences what an earlier worker of this name left behind.
    pub(crate) fn new(options: &Arc<Options>, number: usize, stop: &Arc<AtomicBool>) -> Result<Self, KafkaError> {
        let (step, topics, registry) = (options.step, &options.topics, &options.registry);
        let stream = &options.stream;
        let sizes = Sizes::of(stream);
        let outbound = Outbound::new(step, stream, topics, registry)?;
        let restorer = match step.state(topics) {
            Some(topic) => {
                let (connection, group) = (&options.connection, &options.group);
                Some(Restorer::new(connection, registry, topic, group)?)
            }
            None => None,
        };
        let producer = options.producer(number)?;
        Ok(Self {
            inbound: Inbound::of_values(step.input_schema(stream)?, registry.clone(), sizes.input(step))?
                .of_topic(step.input(topics)),
            meters: Meters::new(stream.name(), step.name()),
            sizes,
            options: options.clone(),
            stop: stop.clone(),
            producer,
            outbound,
            restorer,
            partitions: BTreeMap::new(),
            open: None,
            rows: 0,
        })
    }

    pub(crate) fn input(&self) -> &str {
        self.options.step.input(&self.options.topics)
    }

    pub(crate) fn rebalanced(&mut self) {
        self.meters.rebalanced(self.partitions.len());
    }

    /// Notes how much waits in each partition that is ours.
    pub(crate) fn lags(&mut self, lags: BTreeMap<(&str, u32), u64>) {
        for ((_, number), lag) in lags {
            if let Some(partition) = self.partitions.get_mut(&number) {
                self.meters.lag(number, lag);
                partition.waits(lag);
            }
        }
    }

    /// Which partition stands still although records wait in it, as a sentence.
    pub(crate) fn standstill(&self) -> Option<String> {
        self.partitions.iter().find_map(|(number, partition)| {
            let (records, since) = partition.standstill()?;
            let (topic, seconds) = (self.input(), since.as_secs());
            Some(format!(
                "partition {number} of `{topic}` stands still: {records} records wait, and none came for {seconds} s"
            ))
        })
    }

    /// The partitions that are ours.
    pub(crate) fn owned(&self) -> Vec<u32> {
        self.partitions.keys().copied().collect()
    }

    /// Takes partitions: what was committed, and the state that goes with it. Says where to begin to read each.
    pub(crate) fn load(
        &mut self,
        consumer: &BaseConsumer<Group>,
        numbers: &[u32],
    ) -> Result<Vec<(u32, i64)>, KafkaError> {
        let (topic, group) = (self.input().to_owned(), self.options.group.clone());
        let committed = broker::committed(consumer, &group, &topic, numbers)?;
        let mut starts = Vec::with_capacity(numbers.len());
        for number in numbers {
            let (first, _) = broker::range(consumer, &topic, *number)?;
            let (offset, note) = match committed.get(number) {
                None => (first, None),
                Some(committed) => {
                    let note = Note::parse(&committed.metadata).map_err(|reason| KafkaError::Note {
                        group: group.clone(),
                        partition: *number,
                        reason,
                    })?;
                    (committed.offset, Some(note))
                }
            };
            let partition = self.load_one(*number, first, offset, note)?;
            starts.push((*number, partition.next));
            self.partitions.insert(*number, partition);
        }
        Ok(starts)
    }

    fn load_one(&mut self, number: u32, first: i64, offset: i64, note: Option<Note>) -> Result<Partition, KafkaError> {
        let stage = self.options.step.stage(&self.options.stream)?;
        let ledger = note.as_ref().map(Note::ledger).unwrap_or_default();
        let of = self.options.step.state_of(&self.options.stream);
        let same = note.as_ref().filter(|note| note.state.rsplit_once('@').is_some_and(|(other, _)| other == of));
        let Some((restorer, note)) = self.restorer.as_mut().zip(same) else {
            if note.is_some() && self.restorer.is_some() {
                tracing::info!(partition = number, offset, "the definition has changed: the state begins anew here");
            }
            if offset < first {
                return Err(horizon_lost(self.input(), number, offset, first));
            }
            return Ok(Partition::new(stage, format!("{of}@{offset}"), offset, offset, ledger));
        };
        let horizon = note.horizon.min(offset);
        if horizon < first {
            return Err(horizon_lost(self.input(), number, horizon, first));
        }
        let mut partition = Partition::new(stage, note.state.clone(), horizon, offset, ledger);
        restorer.restore(number, &mut partition, &self.stop)?;
        tracing::info!(
            partition = number,
            committed = offset,
            horizon,
            keys = partition.restored_keys(),
            "state put back; the input is read again from the horizon"
        );
        Ok(partition)
    }

    /// Gives partitions up.
    pub(crate) fn forget(&mut self, numbers: &[u32]) {
        for number in numbers {
            self.partitions.remove(number);
            // Its next owner says how much waits.
            self.meters.lag(*number, 0);
        }
    }

    /// Processes messages, which may be of several partitions, each partition's in order.
    pub(crate) fn process(&mut self, messages: &[BorrowedMessage<'_>]) -> Result<(), KafkaError> {
        let mut of: BTreeMap<u32, Vec<&BorrowedMessage<'_>>> = BTreeMap::new();
        for message in messages {
            of.entry(message.partition() as u32).or_default().push(message);
        }
        for (number, messages) in of {
            self.process_partition(number, &messages)?;
        }
        self.producer.poll();
        Ok(())
    }

    fn process_partition(&mut self, number: u32, messages: &[&BorrowedMessage<'_>]) -> Result<(), KafkaError> {
        let Some(partition) = self.partitions.get_mut(&number) else { return Ok(()) };
        let (begun, next) = (SystemTime::now(), partition.next);
        let messages = &messages[messages.partition_point(|message| message.offset() < next)..];
        let Some(last) = messages.last() else { return Ok(()) };
        if self.options.traced_as.is_some() {
            partition.hops.see(messages);
        }
        let payloads: Vec<&[u8]> = messages.iter().map(|message| message.payload().unwrap_or_default()).collect();
        // What is above the limit is not looked into.
        let refused = |payload: &[u8]| self.sizes.refuse(payload.len()).filter(|_| self.options.step != Step::Merge);
        let readable: Vec<&[u8]> =
            payloads.iter().map(|payload| if refused(payload).is_some() { &[] } else { *payload }).collect();
        let decoded = self.inbound.decode(&readable)?;
        let key = decoded.rows.schema().index_of(self.options.step.key(&self.options.stream))?;
        let rows = Rows {
            keys: stage::key_text(decoded.rows.column(key))?,
            positions: decoded.messages.iter().map(|message| messages[*message].offset() as u64).collect(),
            batch: decoded.rows,
            ingested: Some(decoded.messages.iter().map(|message| taken_in(messages[*message])).collect()),
        };
        partition.next = last.offset() + 1;
        let live = messages.partition_point(|message| message.offset() < partition.committed);
        let mut outputs = partition.process(rows)?;
        self.meters.restored(partition.restored());
        if live == messages.len() {
            return Ok(());
        }
        partition.touched = true;
        let rejected = decoded.rejected.into_iter().filter(|(message, _)| *message >= live);
        outputs.dead_letters.extend(rejected.map(|(message, reason)| {
            let (offset, payload) = (messages[message].offset() as u64, payloads[message]);
            match refused(payload) {
                Some(reason) => DeadLetter::oversized(offset, payload.to_vec().into(), reason),
                None => DeadLetter::undecodable(offset, payload.to_vec().into(), reason),
            }
        }));
        self.send(number, &messages[live..], outputs, begun)
    }

    /// Sends what came of messages, whose processing began at `begun`, in the open transaction.
    fn send(
        &mut self,
        number: u32,
        messages: &[&BorrowedMessage<'_>],
        mut outputs: Outputs,
        begun: SystemTime,
    ) -> Result<(), KafkaError> {
        self.begin()?;
        let Some(partition) = self.partitions.get_mut(&number) else { return Ok(()) };
        let (step, topics) = (self.options.step, &self.options.topics);
        let time = |message: &&BorrowedMessage<'_>| message.timestamp().to_millis().unwrap_or_default();
        let times = Times(messages.iter().map(|message| (message.offset() as u64, time(message))).collect());
        let mut traced = Traced::of(messages, &self.options, number);
        if let (true, Some(by), Some(first)) = (step.tells_hops(), &self.options.traced_as, messages.first()) {
            traced.tell(partition.hops.processed(first.offset() as u64, by, begun));
        }
        let mut ledger = Ledger {
            records: messages.len() as u64,
            filtered: outputs.filtered,
            unscored: outputs.unscored,
            late: outputs.late_events,
            ..Ledger::default()
        };
        let raw = self.options.stream.input.arrow().fields().len();
        for rows in &outputs.rows {
            if let Some(anomalous) = anomalous(rows) {
                let positions = anomalous.values().set_indices().map(|row| rows.positions.value(row));
                let input = step.input(topics);
                traced.begin_for(positions, (&times, &partition.hops, begun), (&topics.raw, input));
            }
            let sent = self.outbound.rows(self.producer.client(), number, rows, &times, &traced)?;
            ledger.out += (rows.len() - sent.too_large.len()) as u64;
            ledger.anomalies += sent.anomalies;
            self.meters.alarms(rows);
            for TooLarge { row, reason } in sent.too_large {
                let letter = DeadLetter::oversized(rows.positions.value(row), rows.json(row, raw)?, reason);
                outputs.dead_letters.push(letter);
            }
        }
        outputs.dead_letters.sort_by_key(|letter| letter.position);
        ledger.dead_lettered = outputs.dead_letters.len() as u64;
        if step.aggregates() {
            ledger.out = ledger.records - ledger.dead_lettered - ledger.late;
        }
        for rows in &outputs.late {
            self.outbound.late(self.producer.client(), number, rows, &times, &traced)?;
        }
        let place = (step, step.input(topics), number);
        let letter = |letter: DeadLetter| {
            let trace_id = traced.trace_id(letter.position);
            Letter::on(letter, place, messages, trace_id, self.sizes)
        };
        let letters: Vec<Letter> = outputs.dead_letters.into_iter().map(letter).collect();
        self.outbound.letters(self.producer.client(), number, &letters, &times)?;
        traced.end();
        let (first, last) = (times.0.first(), times.0.last());
        let taken_in = |of: Option<&(u64, i64)>| of.map_or(0, |(_, time)| *time);
        self.meters.processed(&ledger, &letters, taken_in(first), taken_in(last));
        self.rows += messages.len();
        partition.ledger += &ledger;
        partition.open_records += messages.len();
        Ok(())
    }

    fn begin(&mut self) -> Result<(), KafkaError> {
        if self.open.is_none() {
            self.producer.begin()?;
            self.open = Some(Instant::now());
        }
        Ok(())
    }

    /// When the open transaction should be committed.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.open.map(|open| open + self.options.commit_interval)
    }

    /// Whether the open transaction should be committed now.
    pub(crate) fn is_due(&self) -> bool {
        self.rows >= self.options.commit_rows || self.due().is_some_and(|due| due <= Instant::now())
    }

    /// Commits the open transaction: what was sent, snapshots of the state, and how far the input has been read.
    pub(crate) fn commit(&mut self, consumer: &BaseConsumer<Group>) -> Result<(), KafkaError> {
        if self.open.is_none() {
            return Ok(());
        }
        let begun = Instant::now();
        let now = now_millis();
        let touched = self.partitions.values().filter(|partition| partition.touched).count().max(1);
        let budget = self.options.snapshot_bytes / touched;
        let replay_max = REPLAY_RECORDS / self.partitions.len().max(1);
        let mut offsets = TopicPartitionList::with_capacity(touched);
        let mut state_bytes = 0;
        for (number, partition) in self.partitions.iter_mut().filter(|(_, partition)| partition.touched) {
            let flushed = partition.flush()?;
            self.meters.closed(&flushed.closed);
            self.outbound.flushed(self.producer.client(), &self.options.stream, *number, &flushed, now)?;
            let snapshots = partition.snapshots(budget, replay_max);
            state_bytes += snapshots.iter().map(|(_, state)| state.len() as u64).sum::<u64>();
            let (of, position) = (&partition.of, partition.next);
            self.outbound.snapshots(self.producer.client(), *number, of, position, snapshots, now)?;
            let fail = |source| KafkaError::Client { what: "noting an offset", source };
            let mut element = offsets.add_partition(self.options.step.input(&self.options.topics), *number as i32);
            element.set_offset(Offset::Offset(partition.next)).map_err(fail)?;
            element.set_metadata(partition.note().text());
        }
        self.producer.commit_offsets(consumer, offsets)?;
        for partition in self.partitions.values_mut() {
            partition.touched = false;
            partition.open_records = 0;
        }
        self.open = None;
        self.meters.committed(begun.elapsed(), state_bytes);
        self.meters.state(self.partitions.values());
        self.rows = 0;
        Ok(())
    }

    /// Says that the open transaction must not be committed, because partitions in it are not ours any more.
    pub(crate) fn give_up(&self) -> Result<(), KafkaError> {
        let source = ClientError::Global(RDKafkaErrorCode::AssignmentLost);
        if self.open.is_some() { Err(KafkaError::Aborted { what: "losing partitions", source }) } else { Ok(()) }
    }

    /// Gives the open transaction up. What memory holds is ahead of the log from now on: every partition has to be
    /// loaded again.
    pub(crate) fn abort(&mut self) -> Result<(), KafkaError> {
        self.meters.aborted();
        self.rows = 0;
        if self.open.take().is_none() {
            return Ok(());
        }
        self.producer.abort()
    }
}

fn horizon_lost(topic: &str, partition: u32, needed: i64, first: i64) -> KafkaError {
    KafkaError::HorizonLost { topic: topic.to_owned(), partition, needed, first }
}

/// When a message was taken in, in microseconds since 1970: at the end of time where it does not say, so that nothing is
/// ahead of it.
fn taken_in(message: &BorrowedMessage<'_>) -> i64 {
    message.timestamp().to_millis().map_or(i64::MAX, |millis| millis.saturating_mul(1000))
}
